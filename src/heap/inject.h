/* SPDX-License-Identifier: MIT */
/*
 * inject.h - map the agent's memory into a program, and write the agent.
 *
 * A thread of the program is sent through the stub (stub.h) by one change of
 * registers, and is let go: if psample dies before, nothing has changed, and
 * after it the thread needs nobody. A program that begins is watched until
 * its dynamic linker has loaded and relocated everything, and before the first
 * constructor; one that runs lends any thread (attach.h).
 */
#ifndef HEAP_INJECT_H
#define HEAP_INJECT_H

#include "heap/agent.h"
#include "heap/filtered.h"
#include "heap/stub.h"
#include "image/space.h"
#include "target/memfile.h"
#include "util/error.h"

struct inject {
	pid_t pid;
	int mem_fd;
	bool is_running; /* not held at its start */
	bool is_static;	 /* entries.h, not slots.h */
	taddr phdr; /* of inject_check_dynamic() */
	uint64_t n_phdrs;
	bool is_copy;  /* the agent is there, by fork(2) */
	bool is_fresh; /* nobody has used its memory: it is all zeros */
	taddr debug; /* struct r_debug */
	struct filtered filtered; /* is_running */
	struct stub_parameters stub;
	struct agent_shared *shared; /* B, mapped here too; or NULL */
};

/*
 * Let @pid, which is held at its exec, run until its modules are there. Fails
 * if it is static, or ends before.
 */
struct error *inject_await_modules(struct inject *inject) MUST_USE;

/*
 * Has @pid, which stands at the return from a system call, loaded all its
 * modules, and is it safe to send it elsewhere from there?
 */
bool inject_is_ready(struct inject *inject);

/* Fails if it is static. */
struct error *inject_check_dynamic(struct inject *inject) MUST_USE;

/*
 * Choose where all is to be; an agent that is there is used again. @space must
 * be up to date. Nothing is changed yet.
 */
struct error *inject_prepare(struct inject *inject,
			     const struct space *space) MUST_USE;

/* Write the stub, unless it is there. */
struct error *inject_write_stub(struct inject *inject) MUST_USE;

/* Send the thread of a program that begins there, once it is let go. */
struct error *inject_enter(struct inject *inject) MUST_USE;

/*
 * Wait until the stub has mapped the memory, and write the agent: @constants
 * and its code. A program that begins waits for inject_finish().
 */
struct error *inject_install(struct inject *inject,
			     const struct agent_constants *constants) MUST_USE;

/* Count and sample from now on, until @poke is undone. */
struct error *inject_activate(struct inject *inject,
			      struct poke *poke) MUST_USE;

/* The thread goes on where it was. */
void inject_finish(struct inject *inject);

/* Is the agent still ours? Else another psample has taken it. */
bool inject_is_owner(const struct inject *inject);

/* The agent is nobody's, and what is shared with it takes no memory. */
void inject_leave(struct inject *inject);

void inject_clear(struct inject *inject);

/* The addresses of the agent's wrappers in the target. */
void inject_wrappers(const struct inject *inject,
		     taddr out[N_AGENT_FUNCTIONS]);

#endif
