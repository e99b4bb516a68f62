/* SPDX-License-Identifier: MIT */
/*
 * heap.h - the allocation profile of one process, taken from outside.
 *
 * The runtime of Go has a profiler of its own, which is turned on by one word
 * of its memory and read from there (go_vars.h, go_buckets.h). Other programs
 * are given an agent that watches malloc and its family (native.h). All
 * functions are for one thread, the main one.
 *
 *	heap_open()	look, and refuse what is not understood
 *	heap_start()	turn the profile on; what was before is marked
 *	heap_poll()	now and then, since the memory ends with the process
 *	heap_stop()	as it was before
 */
#ifndef HEAP_HEAP_H
#define HEAP_HEAP_H

#include "profile/profile.h"
#include "symbol/symbol.h"
#include "target/memfile.h"

#define HEAP_MEAN_DEFAULT (UINT64_C(512) << 10)

struct heap_options {
	uint64_t mean_bytes; /* between samples; 0: as the program has it,
			      * or HEAP_MEAN_DEFAULT */
	bool is_launched;    /* the program is held at its exec */
	bool is_delayed;     /* heap_start() will come later than at once */
	bool wants_leaks;    /* in use without what is young; not for Go */
	bool shows_alloc;    /* else in use: the profile's default view */
	bool maps;	     /* mmap(2), each call, instead of malloc */
	bool no_inuse;	     /* what was allocated alone: two values */
};

struct heap;

/*
 * Find the profiler of @pid and check that its memory looks as it should;
 * nothing is changed yet. Fails with what, cause and remedy.
 */
struct error *heap_open(pid_t pid, const struct heap_options *options,
			struct heap **out) MUST_USE;
void heap_free(struct heap *heap);
DEFINE_CLEANUP(heap_free, struct heap *)

struct heap_follow { /* not for Go */
	bool exec;     /* the programs that it becomes */
	bool children; /* these, too */
	_Atomic int64_t *beat_ns; /* of the guard: no stop is to last */
	struct pokes *pokes; /* shared with it; NULL: nobody is followed */
};

/*
 * Follow these from heap_start() on; nobody else is if this is not called.
 * While heap_is_following(), nobody may wait(2) for the program.
 */
void heap_follow(struct heap *heap, const struct heap_follow *follow);

/* Begin. @poke is shared with a guard. */
struct error *heap_start(struct heap *heap, struct poke *poke) MUST_USE;

/* Has a launched program that is followed ended, with *@out as status? */
bool heap_has_ended(const struct heap *heap, int *out);

/* Is anybody left who may be, or become, somebody to follow? */
bool heap_is_following(const struct heap *heap);

/* The address of the agent's code in the target; 0: there is none. */
taddr heap_agent_at(const struct heap *heap);

enum heap_state {
	HEAP_RUNS,
	HEAP_GONE,   /* the process ended, or runs another program now */
	HEAP_TAKEN,  /* by another psample */
	HEAP_BROKEN, /* what is read makes no sense any more */
};

/* Read the counts. What was read before stays when the state is another. */
enum heap_state heap_poll(struct heap *heap);

/* How long to wait until the next poll, so that all of them cost little. */
int64_t heap_poll_wait_ns(const struct heap *heap);

/* Read a last time and put the target's memory back. */
struct error *heap_stop(struct heap *heap) MUST_USE;

struct heap_stats {
	uint64_t mean_bytes, mean_before; /* 0: profiling was off */
	int minor;	       /* built by go1.MINOR; 0: before 1.13 */
	uint64_t samples;      /* allocations seen during the run */
	double alloc_bytes, alloc_objects; /* what they stand for */
	double inuse_bytes, inuse_objects; /* live at the end */
	double sigma;	       /* relative standard error of alloc_bytes */
	int64_t elapsed_ns;    /* from start to the last read */
	int64_t read_ns;       /* all reads of the target's memory */
	uint64_t n_reads, n_buckets;
	bool rate_was_changed; /* by somebody else, during the run */
	bool maps;		   /* calls of mmap(2), not samples */
	bool no_inuse;		   /* that is not known */
	bool is_native;		   /* not Go: the next six, no mean_before */
	double exact_bytes;	   /* asked for, counted, not estimated */
	uint64_t n_dropped;	   /* samples: corrected for */
	uint64_t n_unlisted;	   /* samples that in use does not have */
	uint64_t n_slots, n_skipped; /* ways to malloc: watched, not so */
	uint64_t rss_bytes;	     /* anonymous memory of it; 0: unknown */
	int64_t held_ns;	     /* one thread, once; 0: launched */
	int64_t stood_ns;	     /* all of a static program, at most */
	uint64_t n_children, n_programs; /* followed: forked, or by exec */
	uint64_t n_left_out; /* of these, and why, of the first: */
	char left_out[160];
	bool has_ended;	       /* before heap_stop(): with it its memory */
};

const struct heap_stats *heap_stats(const struct heap *heap);

/* The profile as read last, with names; owned by @heap until the next call. */
struct profile *heap_profile(struct heap *heap,
			     struct symbolizer *symbolizer);

/* Modules of that profile without names: gaps.h; none of Go. */
void heap_find_gaps(const struct heap *heap, struct symbolizer *symbolizer,
		    struct vec *out);

#endif
