/* SPDX-License-Identifier: MIT */
/*
 * host.h - one memory image with the agent in it, as it is read.
 *
 * From the first sample to the last of one program in one process: until it
 * ends, calls exec, or is let go. What was read is kept as sums when that
 * has come. All functions are for the main thread.
 */
#ifndef HEAP_HOST_H
#define HEAP_HOST_H

#include "heap/graft.h"
#include "heap/heap.h"
#include "heap/kept.h"
#include "heap/mapped.h"
#include "sampler/subject.h"
#include "target/proc.h"

/* What all hosts of a run share; reader_init() before use. */
struct reader {
	struct registry *registry;
	struct unwinder *unwinder;
	struct frames frames;
	struct vec locations; /* location_id, of one stack */
	struct vec sums;      /* double[4] by stack, zeros between uses */
	location_id truncated;
	bool wants_leaks; /* what is young does not count as in use */
};

void reader_init(struct reader *reader, struct registry *registry);
void reader_clear(struct reader *reader);

struct host_sum { /* of one stack */
	stack_id stack;
	double values[4];
};

struct host {
	pid_t pid;
	char process[COMM_MAX]; /* its name */
	struct graft graft;
	struct pokes *pokes; /* or NULL: its poke is the caller's */
	struct poke *poke;   /* of these, until it is undone */
	struct subject *subject; /* NULL: not needed so far */
	bool owns_subject;
	char *maps; /* the text as it was at the start, or NULL; owned */
	size_t maps_bytes;
	struct kept_list kept;
	struct mapped mapped; /* ids as those of kept */
	uint64_t mapped_bytes; /* as the records have it */
	uint64_t opened_bytes; /* by mprotect(2), where it was reserved */
	enum heap_state state;
	bool is_settled;   /* all was read; of the below, and no graft */
	bool was_replaced; /* by exec: nothing of it is in use */
	struct vec sums;   /* struct host_sum */
	double variance;   /* of the bytes allocated */
	uint64_t n_samples, n_lost, n_lost_all, n_unlisted, n_drained;
	uint64_t n_slots, n_skipped;
	uint64_t exact_bytes; /* as read_exact() has it */
	int64_t start_ns, polled_ns, looked_ns, stuck_ns;
	int64_t sample_ns; /* when the last sample was made, about */
};

/* Takes @graft over, which is not to be used any more. */
struct host *host_new(const struct graft *graft);
void host_free(struct host *host, struct reader *reader);

/* Is its memory still there? */
bool host_is_there(const struct host *host);

/* Take the records that there are, and look for new modules. */
enum heap_state host_poll(struct host *host, struct reader *reader);

bool host_is_busy(const struct host *host);

/* Put the slots back; the agent is nobody's. */
void host_stop(struct host *host, struct reader *reader);

/* Put @host's values into host->sums, and the variance. */
void host_sum(struct host *host, struct reader *reader);

/* It is gone: sums are all that stays. */
void host_settle(struct host *host, struct reader *reader);

/* Add its numbers to @stats. */
void host_count(struct host *host, struct heap_stats *stats);

#endif
