/* SPDX-License-Identifier: MIT */
/*
 * family.h - what a process turns into: other programs, and its children.
 *
 * A thread of psample traces the process for events only: exec, and, if
 * children are followed, fork, vfork and clone. An image that begins is held
 * from system call to system call until its modules are there, a forked child
 * at its first instruction; each is given the agent, and let go. Should
 * psample die, or the thread end, the kernel lets all of them go on.
 *
 * Nothing here waits for the main thread, which takes the news when it likes.
 */
#ifndef HEAP_FAMILY_H
#define HEAP_FAMILY_H

#include <stdatomic.h>

#include "heap/graft.h"
#include "target/proc.h"

struct family;

struct family_options {
	struct graft_options graft;
	bool children;	  /* else exec alone */
	bool is_launched; /* else it may have many threads */
	_Atomic int64_t *beat_ns; /* of the guard, or NULL */
	struct pokes *pokes;	  /* shared with it */
};

/* An image was grafted, or one is no more. */
struct family_news {
	pid_t pid;
	uint64_t replaced; /* the session of an image that is gone by exec;
			    * else 0, and all below is given away: */
	struct graft graft;
	struct poke *poke; /* of options.pokes */
	char *maps; /* its text, to be freed */
	size_t maps_bytes;
	char comm[COMM_MAX];
};

struct family_counts {
	uint64_t n_children, n_programs; /* grafted */
	uint64_t n_left_out;
	char why[160]; /* of the first that was left out */
};

/*
 * Begin to trace @pid; the thread waits for family_go(). Before anything is
 * done for which SIGCHLD of stops is needed.
 */
struct error *family_start(pid_t pid, const struct family_options *options,
			   struct family **out) MUST_USE;

/* @root is in place: forked children have a copy of it. */
void family_go(struct family *family, const struct graft *root);

/* False: there are no more news now. */
bool family_take(struct family *family, struct family_news *out);

/* Is there nobody left to trace? */
bool family_is_over(const struct family *family);

/* Has the first process ended? It was reaped, and *@out is its status. */
bool family_has_ended(const struct family *family, int *out);

void family_count(struct family *family, struct family_counts *out);

/* Let all go. What news there are can be taken after it. */
void family_end(struct family *family);
void family_free(struct family *family);

#endif
