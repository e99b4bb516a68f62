/* SPDX-License-Identifier: MIT */
/*
 * collect.h - one run of the sampler: start, steer, end, take the profile.
 *
 * collect_start() makes two threads. The sampler thread seizes the targets,
 * stops and copies; as its tracees belong to it, its end lets all of them go
 * at once, without another stop. The unwinder thread turns what was copied
 * into the profile. All functions here are for the main thread.
 */
#ifndef SAMPLER_COLLECT_H
#define SAMPLER_COLLECT_H

#include "profile/profile.h"
#include "sampler/options.h"
#include "sampler/stats.h"
#include "symbol/symbol.h"
#include "target/guard.h"
#include "target/launch.h"
#include "unwind/walk.h"

struct collect;

struct collect_target {
	const struct launch *launch; /* a program waiting to exec, or NULL */
	const pid_t *pids;	     /* else attach to these */
	size_t n_pids;
	struct guard_page *guard; /* the heartbeat goes here */
};

/*
 * Attach or let the program exec, and sample. @options is copied but for the
 * list of tids, which must live as long as the run. Fails with cause and
 * remedy when no target can be had; some of several that cannot are warned
 * of. All signals should be blocked: both threads inherit the mask.
 */
struct error *collect_start(const struct sampler_options *options,
			    const struct collect_target *target,
			    struct collect **out) MUST_USE;

enum collect_request {
	COLLECT_STOP = 1,   /* end the run, let the targets go */
	COLLECT_PAUSE = 2,  /* no more ticks; events are still followed */
	COLLECT_RESUME = 4, /* ticks again */
	COLLECT_SUSPEND = 8, /* see collect_suspend() */
	COLLECT_FLUSH = 16,  /* see collect_flush() */
};

void collect_request(struct collect *collect, enum collect_request request);

/*
 * Let all targets go, and attach to those that are left again; for attached
 * runs. psample may stop itself in between.
 */
void collect_suspend(struct collect *collect);
struct error *collect_continue(struct collect *collect) MUST_USE;

/*
 * Until everything up to now is in the profile, the weights of the current
 * second too; at most half a second.
 */
void collect_flush(struct collect *collect);

/* Readable (POLLIN) once the sampler has let go of its targets. */
int collect_done_fd(const struct collect *collect);
bool collect_is_paused(const struct collect *collect);

/*
 * Copies of a tenth of a second ago, or of the last collect_flush(); whole and
 * exact once the run is joined. The next call may change them.
 */
const struct sampler_stats *collect_stats(const struct collect *collect);
const struct walk_counts *collect_walk_counts(const struct collect *collect);

/* Wait until the sampler has ended and everything is in the profile. */
void collect_join(struct collect *collect);

struct collect_exit {
	bool has_ended; /* the launched program ended while it was traced */
	int status;	/* then: as from waitpid() */
	int exec_errno; /* it could not be executed, or 0 */
};

struct collect_exit collect_exit(const struct collect *collect);

/*
 * The profile of all samples up to now, symbolized. During the run the
 * unwinder waits until collect_unlock_profile(), so don't be long.
 */
struct profile *collect_lock_profile(struct collect *collect,
				     struct symbolizer *symbolizer);
/*
 * fork(2) while the profile and the files behind it are whole: the child may
 * lock and name them, and nothing else.
 */
pid_t collect_fork(struct collect *collect);
/*
 * The samples up to now as they are, struct profile_sample appended to @out;
 * those of the profile begin with them, whenever it is locked later.
 */
void collect_copy_samples(struct collect *collect, struct vec *out);
/*
 * While the profile is locked: a struct gap (gaps.h) for each of its modules,
 * in @out.
 */
void collect_find_gaps(const struct collect *collect,
		       struct symbolizer *symbolizer, struct vec *out);
void collect_unlock_profile(struct collect *collect);

void collect_free(struct collect *collect);
DEFINE_CLEANUP(collect_free, struct collect *)

#endif
