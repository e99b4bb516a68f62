/* SPDX-License-Identifier: MIT */
/*
 * collect.c - one run of the sampler: its two threads and their start.
 *
 * Read this file first: sampler_main() is what happens to the targets, and
 * digest_run() is what becomes of it.
 */
#include "sampler/collect.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "sampler/attach.h"
#include "sampler/digest.h"
#include "sampler/gaps.h"
#include "sampler/loop.h"
#include "sampler/naming.h"
#include "util/log.h"

#define FLUSH_MS 500
#define REAP_MS 4 /* a seize that lasts longer may wait for us to reap */

struct collect {
	struct sampler sampler;
	struct digest digest;
	struct sampler_options options;
	struct collect_target target;
	pthread_t sampler_thread, digest_thread;
	bool has_threads, is_joined;
	_Atomic pid_t sampler_tid;
	int ready_fd; /* eventfd: attached, or failed */
	int done_fd;  /* eventfd: all targets are let go */
	struct error *error;
	struct told *told;
	struct counts *shown; /* read from there by the main thread */
	struct vec kept_labels; /* of samples, while locked for a look */
	struct vec starts; /* uint64_t: of target.pids, while suspended */
	struct vec living; /* pid_t: of those, who is still the same */
};

static void eventfd_raise(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Attach to all; those that cannot be had are warned of if others can. */
static struct error *attach_all(struct sampler *s,
				const struct collect_target *target)
{
	struct error *error = NULL;
	size_t n_attached = 0;

	if (target->launch)
		return attach_launched(s, target->launch);
	for (size_t i = 0; i < target->n_pids; i++) {
		struct error *failed = attach_process(s, target->pids[i]);

		if (!failed) {
			n_attached++;
		} else if (error) {
			log_warning("%s", error_text(failed));
			error_free(failed);
		} else {
			error = failed;
		}
	}
	if (error && n_attached) {
		log_warning("%s", error_text(error));
		error_free(error);
		error = NULL;
	}
	return error;
}

/*
 * The time that attaching took is not one of sampling: 100 ms for a look at all
 * threads could be over before the first tick. A run must end in time, too.
 */
static void keep_duration(struct sampler *s)
{
	int64_t took_ns = clock_now_ns() - s->start_ns - s->options.delay_ns;

	if (s->options.duration_ns && took_ns > 0)
		s->end_ns += took_ns < NS_PER_S / 2 ? took_ns : NS_PER_S / 2;
}

static void *sampler_main(void *arg)
{
	struct collect *collect = arg;
	struct sampler *s = &collect->sampler;
	bool has_failed;

	atomic_store(&collect->sampler_tid, (pid_t)syscall(SYS_gettid));
	loop_init(s, &collect->options, collect->target.guard);
	collect->error = attach_all(s, &collect->target);
	has_failed = collect->error != NULL;
	if (has_failed) {
		sampler_end_all(s);
		sampler_send(s, &(struct record){ .kind = RECORD_END });
		ring_wake(&s->ring);
	}
	eventfd_raise(collect->ready_fd);
	if (has_failed) /* the error is collect_start()'s from now on */
		return NULL;
	keep_duration(s);
	loop_run(s);
	return NULL;
}

/* The end of the sampler thread, in which the kernel detaches, is awaited. */
static void *digest_main(void *arg)
{
	struct collect *collect = arg;

	prctl(PR_SET_NAME, "psample-unwind");
	digest_run(&collect->digest);
	collect->sampler.stats.own_cpu_ns =
		clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
	pthread_join(collect->sampler_thread, NULL);
	eventfd_raise(collect->done_fd);
	return NULL;
}

/* A SEIZE that hangs is helped out. */
static void watch_seize(void *arg)
{
	struct sampler *s = arg;
	int64_t since_ns = atomic_load(&s->rescue.seize_ns);

	if (since_ns && clock_now_ns() - since_ns > REAP_MS * NS_PER_MS)
		sampler_rescue_exits(s);
}

/* Until the sampler has its targets. */
static void await_attached(struct collect *collect)
{
	struct pollfd pfd = { .fd = collect->ready_fd, .events = POLLIN };
	eventfd_t count;

	while (poll(&pfd, 1, REAP_MS) <= 0)
		watch_seize(&collect->sampler);
	/* Also for ThreadSanitizer, to which poll(2) orders nothing. */
	while (eventfd_read(collect->ready_fd, &count) && errno == EINTR)
		;
}

static struct error *start_threads(struct collect *collect)
{
	int err = pthread_create(&collect->sampler_thread, NULL, sampler_main,
				 collect);

	if (!err)
		err = pthread_create(&collect->digest_thread, NULL,
				     digest_main, collect);
	if (err)
		return error_errno(err, "cannot start a thread");
	collect->has_threads = true;
	return NULL;
}

struct error *collect_start(const struct sampler_options *options,
			    const struct collect_target *target,
			    struct collect **out)
{
	CLEANUP(collect_free) struct collect *collect =
		xcalloc(1, sizeof(*collect));
	struct error *error;

	collect->options = *options;
	collect->target = *target;
	collect->kept_labels = VEC_OF(uint32_t);
	collect->starts = VEC_OF(uint64_t);
	collect->living = VEC_OF(pid_t);
	collect->ready_fd = eventfd(0, EFD_CLOEXEC);
	collect->done_fd = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&collect->sampler.rescue.lock, NULL);
	collect->told = xcalloc(1, sizeof(*collect->told));
	pthread_mutex_init(&collect->told->lock, NULL);
	collect->shown = xcalloc(1, sizeof(*collect->shown));
	collect->sampler.told = collect->told;
	error = ring_init(&collect->sampler.ring);
	digest_init(&collect->digest, &collect->sampler.ring, options);
	collect->digest.told = collect->told;
	collect->digest.watch = watch_seize;
	collect->digest.watch_arg = &collect->sampler;
	collect->digest.registry.profile->time_ns = clock_wall_ns();
	if (!error)
		error = start_threads(collect);
	if (error)
		return error;
	await_attached(collect);
	if (collect->error)
		return TAKE(collect->error);
	*out = TAKE(collect);
	return NULL;
}

void collect_request(struct collect *collect, enum collect_request request)
{
	pid_t tid = atomic_load(&collect->sampler_tid);

	atomic_fetch_or(&collect->sampler.requests, request);
	syscall(SYS_tgkill, getpid(), tid, LOOP_WAKE_SIGNAL);
}

/* When @pid was begun, in ticks since boot; 0 if it is gone. */
static uint64_t start_of(pid_t pid)
{
	struct proc_stat stat;

	return proc_read_stat(pid, pid, &stat) ? stat.start_ticks : 0;
}

void collect_suspend(struct collect *collect)
{
	const struct collect_target *target = &collect->target;

	collect_request(collect, COLLECT_SUSPEND);
	pthread_join(collect->sampler_thread, NULL);
	collect->starts.n = 0;
	for (size_t i = 0; i < target->n_pids; i++)
		*(uint64_t *)vec_push(&collect->starts) =
			start_of(target->pids[i]);
}

/* Its number may be another's by now, who is not to be attached to. */
static void find_living(struct collect *collect)
{
	const struct collect_target *target = &collect->target;

	collect->living.n = 0;
	for (size_t i = 0; i < target->n_pids; i++) {
		uint64_t start = *(uint64_t *)vec_at(&collect->starts, i);

		if (start && start_of(target->pids[i]) == start)
			*(pid_t *)vec_push(&collect->living) =
				target->pids[i];
	}
}

void collect_flush(struct collect *collect)
{
	struct pollfd pfds[] = {
		{ .fd = collect->digest.flushed_fd, .events = POLLIN },
		{ .fd = collect->done_fd, .events = POLLIN },
	};
	eventfd_t count;

	eventfd_read(collect->digest.flushed_fd, &count); /* a late answer */
	collect_request(collect, COLLECT_FLUSH);
	poll(pfds, ARRAY_SIZE(pfds), FLUSH_MS);
}

/* The sampler thread of a run that goes on. */
static void *continue_main(void *arg)
{
	struct collect *collect = arg;
	struct sampler *s = &collect->sampler;
	struct collect_target target = collect->target;

	atomic_store(&collect->sampler_tid, (pid_t)syscall(SYS_gettid));
	loop_enter(s);
	find_living(collect);
	target.pids = collect->living.data;
	target.n_pids = collect->living.n;
	collect->error = attach_all(s, &target);
	eventfd_raise(collect->ready_fd);
	loop_run(s); /* without any target it ends the run at once */
	return NULL;
}

struct error *collect_continue(struct collect *collect)
{
	int err = pthread_create(&collect->sampler_thread, NULL,
				 continue_main, collect);

	if (err)
		return error_errno(err, "cannot start a thread");
	await_attached(collect);
	return TAKE(collect->error);
}

int collect_done_fd(const struct collect *collect)
{
	return collect->done_fd;
}

bool collect_is_paused(const struct collect *collect)
{
	return atomic_load(&collect->sampler.is_paused);
}

const struct sampler_stats *collect_stats(const struct collect *collect)
{
	if (collect->is_joined)
		return &collect->sampler.stats;
	told_read(collect->told, collect->shown);
	return &collect->shown->stats;
}

const struct walk_counts *collect_walk_counts(const struct collect *collect)
{
	if (collect->is_joined)
		return unwinder_counts(collect->digest.unwinder);
	told_read(collect->told, collect->shown);
	return &collect->shown->walks;
}

void collect_join(struct collect *collect)
{
	if (!collect->has_threads || collect->is_joined)
		return;
	pthread_join(collect->digest_thread, NULL);
	collect->is_joined = true;
	profile_seal(collect->digest.registry.profile);
}

struct collect_exit collect_exit(const struct collect *collect)
{
	return (struct collect_exit){
		.has_ended = collect->sampler.root_ended,
		.status = collect->sampler.root_status,
		.exec_errno = collect->sampler.exec_errno,
	};
}

/* Samples that come yet are added to those with the labels of now. */
static void keep_labels(struct collect *collect,
			const struct profile *profile)
{
	if (collect->is_joined)
		return;
	vec_reserve(&collect->kept_labels, profile->samples.n);
	for (size_t i = 0; i < profile->samples.n; i++) {
		const struct profile_sample *sample =
			vec_at(&profile->samples, i);

		*(uint32_t *)vec_push(&collect->kept_labels) = sample->labels;
	}
}

struct profile *collect_lock_profile(struct collect *collect,
				     struct symbolizer *symbolizer)
{
	struct digest *digest = &collect->digest;
	struct profile *profile = digest->registry.profile;

	digest_lock(digest);
	naming_symbolize(&digest->registry, symbolizer);
	profile->duration_ns = clock_wall_ns() - profile->time_ns;
	if (collect->is_joined)
		profile->duration_ns = collect->sampler.stats.elapsed_ns;
	if (digest->n_sampled_subjects <= 1) {
		keep_labels(collect, profile);
		naming_drop_process_labels(profile);
	}
	return profile;
}

pid_t collect_fork(struct collect *collect)
{
	pid_t pid;

	digest_lock(&collect->digest);
	pthread_mutex_lock(&collect->told->lock);
	pid = fork();
	pthread_mutex_unlock(&collect->told->lock);
	digest_unlock(&collect->digest);
	return pid;
}

void collect_copy_samples(struct collect *collect, struct vec *out)
{
	const struct vec *samples;

	digest_lock(&collect->digest);
	samples = &collect->digest.registry.profile->samples;
	vec_reserve(out, out->n + samples->n);
	for (size_t i = 0; i < samples->n; i++)
		*(struct profile_sample *)vec_push(out) =
			*(struct profile_sample *)vec_at(samples, i);
	digest_unlock(&collect->digest);
}

void collect_find_gaps(const struct collect *collect,
		       struct symbolizer *symbolizer, struct vec *out)
{
	const struct registry *registry = &collect->digest.registry;

	gaps_find(registry, symbolizer, registry->profile->n_types - 1, out);
}

void collect_unlock_profile(struct collect *collect)
{
	struct profile *profile = collect->digest.registry.profile;

	for (size_t i = 0; i < collect->kept_labels.n; i++) {
		struct profile_sample *sample = vec_at(&profile->samples, i);

		sample->labels =
			*(uint32_t *)vec_at(&collect->kept_labels, i);
	}
	vec_clear(&collect->kept_labels);
	digest_unlock(&collect->digest);
}

void collect_free(struct collect *collect)
{
	if (!collect)
		return;
	collect_join(collect);
	error_free(collect->error);
	digest_clear(&collect->digest);
	ring_clear(&collect->sampler.ring);
	roster_clear(&collect->sampler.roster);
	upt_free(collect->sampler.upt);
	free(collect->shown);
	free(collect->told);
	vec_clear(&collect->sampler.outstanding);
	vec_clear(&collect->sampler.held);
	vec_clear(&collect->starts);
	vec_clear(&collect->living);
	vec_clear(&collect->sampler.rescue.events);
	if (collect->ready_fd >= 0)
		close(collect->ready_fd);
	if (collect->done_fd >= 0)
		close(collect->done_fd);
	free(collect);
}
