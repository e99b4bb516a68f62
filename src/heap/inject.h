/* SPDX-License-Identifier: MIT */
/*
 * inject.h - map the agent's memory into a program that begins.
 *
 * The program runs under the eyes of psample until its dynamic linker has
 * loaded and relocated everything, and before the first constructor. Then its
 * one thread is sent through the stub (stub.h) by one change of registers,
 * and is let go: if psample dies before, nothing has changed, and after it
 * the thread needs nobody.
 */
#ifndef HEAP_INJECT_H
#define HEAP_INJECT_H

#include "heap/agent.h"
#include "image/space.h"
#include "util/error.h"

struct inject {
	pid_t pid;
	int mem_fd;
	taddr debug; /* struct r_debug */
	taddr a, b;  /* where the agent's memory is to be, or is */
	uint64_t b_bytes;
	taddr cave;  /* where the stub is */
	struct agent_shared *shared; /* B, mapped here too; or NULL */
};

/*
 * Let @pid, which is held at its exec, run until its modules are there. Fails
 * if it is static, or ends before.
 */
struct error *inject_await_modules(struct inject *inject) MUST_USE;

/*
 * Write the stub and send the thread there; it runs once it is let go.
 * @space must have been read after inject_await_modules().
 */
struct error *inject_enter(struct inject *inject,
			   const struct space *space) MUST_USE;

/*
 * Wait until the stub has mapped the memory, and write the agent: @constants
 * and its code. The thread waits for inject_finish().
 */
struct error *inject_install(struct inject *inject,
			     const struct agent_constants *constants) MUST_USE;

/* The thread goes on where it was. */
void inject_finish(struct inject *inject);

void inject_clear(struct inject *inject);

/* The addresses of the agent's wrappers in the target. */
void inject_wrappers(const struct inject *inject,
		     taddr out[N_AGENT_FUNCTIONS]);

#endif
