/* SPDX-License-Identifier: MIT */
/*
 * native.h - malloc and its family, in a program that begins or runs.
 *
 * The agent (agent.h) counts and samples in the target, psample patches the
 * slots that lead to it (slots.h), reads the records and unwinds them. What
 * the program allocates from then on is seen, as far as it goes through
 * malloc, calloc, realloc, free and their kin from one module to another; and
 * what the programs that it becomes and its children allocate, if asked for.
 */
#ifndef HEAP_NATIVE_H
#define HEAP_NATIVE_H

#include "heap/heap.h"
#include "sampler/subject.h"

struct native;

struct native_options {
	uint64_t mean_bytes;
	bool is_launched; /* the program is held at its exec by begin_hold() */
	bool maps;	  /* mmap(2) and its kin, each call, not malloc's */
	bool no_inuse;	  /* what was allocated alone: free() is let be */
	bool wants_leaks; /* in use without what was made in the last tenth of
			   * its program's time: much of that will be freed */
};

/*
 * A program that is launched is brought to where its modules are loaded, and
 * its thread into the stub; begin_release() comes next, then native_start().
 * One that runs is only looked at. Fails when it is not suited.
 */
struct error *native_open(pid_t pid, int mem_fd,
			  const struct native_options *options,
			  struct registry *registry, struct subject *subject,
			  struct native **out) MUST_USE;
void native_free(struct native *native);
DEFINE_CLEANUP(native_free, struct native *)

/* Begin, until @poke is undone (memfile.h). */
struct error *native_start(struct native *native,
			   const struct heap_follow *follow,
			   struct poke *poke) MUST_USE;

taddr native_agent_at(const struct native *native);

/* Take the records that there are, and look for new modules. */
enum heap_state native_poll(struct native *native);

/* How long to wait until the next poll. */
int64_t native_poll_wait_ns(const struct native *native);

/* Has the launched program ended, with *@out as its status? It was reaped. */
bool native_has_ended(const struct native *native, int *out);

/* Is anybody left who may be, or become, a process to follow? */
bool native_is_following(const struct native *native);

/* Put the slots back; the agent is nobody's. Then @poke is to be undone. */
void native_stop(struct native *native);

/* Numbers for @stats, but for those on time and reading. */
void native_count(struct native *native, struct heap_stats *stats);

/* Replace the samples of the registry's profile. */
void native_fill(struct native *native);

#endif
