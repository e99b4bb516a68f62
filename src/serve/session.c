/* SPDX-License-Identifier: MIT */
/* session.c - one run of the sampler within a worker. */
#include "serve/session.h"

struct session {
	struct session_needs needs;
	struct collect *collect;
	struct profile *profile; /* while locked */
	struct shape_saved saved;
	struct worker_stats told;
	struct session_times times;
	unsigned n_holders;
};

struct error *session_start(const struct session_needs *needs,
			    const pid_t *pids, size_t n_pids,
			    struct guard_page *guard, struct session **out)
{
	struct sampler_options options = SAMPLER_OPTIONS_DEFAULT;
	struct collect_target target = { .pids = pids, .n_pids = n_pids,
					 .guard = guard };
	struct session *session = xcalloc(1, sizeof(*session));
	struct error *error;

	options.mode = needs->is_wall ? MODE_WALL : MODE_CPU;
	options.period_ns = needs->period_ns;
	options.by_thread = needs->by_thread;
	options.n_phases = needs->n_phases;
	session->needs = *needs;
	error = collect_start(&options, &target, &session->collect);
	if (error) {
		free(session);
		return error;
	}
	session->times.begin_ns = clock_now_ns();
	session->times.begin_wall_ns = clock_wall_ns();
	session->n_holders = 1;
	*out = session;
	return NULL;
}

void session_stop(struct session *session)
{
	if (session->times.end_ns)
		return;
	collect_request(session->collect, COLLECT_STOP);
	collect_join(session->collect);
	session->times.end_ns = clock_now_ns();
}

struct session *session_hold(struct session *session)
{
	session->n_holders++;
	return session;
}

void session_release(struct session *session)
{
	if (!session || --session->n_holders)
		return;
	session_stop(session);
	collect_free(session->collect);
	free(session);
}

const struct session_times *session_times(const struct session *session)
{
	return &session->times;
}

const struct session_needs *session_needs(const struct session *session)
{
	return &session->needs;
}

int session_done_fd(const struct session *session)
{
	return collect_done_fd(session->collect);
}

void session_flush(struct session *session)
{
	if (!session->times.end_ns)
		collect_flush(session->collect);
}

void session_mark(struct session *session, struct vec *out)
{
	collect_copy_samples(session->collect, out);
}

pid_t session_fork(struct session *session)
{
	return session ? collect_fork(session->collect) : fork();
}

struct profile *session_lock(struct session *session,
			     struct symbolizer *symbolizer,
			     const struct shape *shape)
{
	session->profile = collect_lock_profile(session->collect,
						symbolizer);
	shape_apply(session->profile, shape, &session->saved);
	return session->profile;
}

void session_unlock(struct session *session)
{
	shape_restore(session->profile, &session->saved);
	collect_unlock_profile(session->collect);
	session->profile = NULL;
}

void session_count(struct session *session, struct worker_stats *out)
{
	const struct sampler_stats *stats = collect_stats(session->collect);
	const struct walk_counts *walks = collect_walk_counts(session->collect);
	int64_t end_ns = session->times.end_ns ? session->times.end_ns
					       : clock_now_ns();
	struct worker_stats now = {
		.samples = stats->samples + stats->wall_samples,
		.ticks = stats->ticks,
		.late_ticks = stats->late_ticks,
		.missed_ticks = stats->missed_ticks,
		.stops = stats->stops,
		.dropped = stats->dropped,
		.unreadable = stats->unreadable + stats->busy +
			      stats->refused,
		.stacks = walks->stacks,
		.truncated = walks->stacks - walks->ends[WALK_ROOT],
		.held_ns = stats->held.sum_ns,
		.held_max_ns = stats->held.max_ns,
		.elapsed_ns = end_ns - session->times.begin_ns,
		.is_attached = !session->times.end_ns,
	};

	*out = now;
	out->samples -= session->told.samples;
	out->ticks -= session->told.ticks;
	out->late_ticks -= session->told.late_ticks;
	out->missed_ticks -= session->told.missed_ticks;
	out->stops -= session->told.stops;
	out->dropped -= session->told.dropped;
	out->unreadable -= session->told.unreadable;
	out->stacks -= session->told.stacks;
	out->truncated -= session->told.truncated;
	out->held_ns -= session->told.held_ns;
	out->elapsed_ns -= session->told.elapsed_ns;
	session->told = now;
}
