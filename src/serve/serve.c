/* SPDX-License-Identifier: MIT */
/* serve.c - the server's loop: calls, workers, signals. */
#include "serve/serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "serve/heaping.h"
#include "serve/listen.h"
#include "serve/sampling.h"
#include "serve/server.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/signals.h"

#define LINGER_NS (30 * NS_PER_S) /* of a worker without a job */
#define END_MS 3000 /* for workers to let go of their targets */
#define POLL_FIXED 2
#define WATCH_FIRST_NS (50 * NS_PER_MS)
#define WATCH_LAST_NS (64 * NS_PER_S)
#define NOTE "X-Psample-Note"

bool serve_is_possible(void)
{
	return http_is_possible();
}

/* --- workers ------------------------------------------------------------- */

static struct post *post_at(const struct serve *serve, size_t i)
{
	return *(struct post **)vec_at(&serve->posts, i);
}

static struct post *find_post(const struct serve *serve,
			      enum worker_kind kind, pid_t pid)
{
	for (size_t i = 0; i < serve->posts.n; i++) {
		struct post *post = post_at(serve, i);

		if (post->kind == kind && post->pid == pid)
			return post;
	}
	return NULL;
}

static struct error *open_post(struct serve *serve, enum worker_kind kind,
			       pid_t pid, worker_main *main, const void *arg,
			       struct post **out)
{
	struct worker *worker;
	struct error *error = worker_start(main, arg, &worker);

	if (error)
		return error;
	*out = xcalloc(1, sizeof(**out));
	(*out)->worker = worker;
	(*out)->kind = kind;
	(*out)->pid = pid;
	*(struct post **)vec_push(&serve->posts) = *out;
	return NULL;
}

static void add_job(struct exchange *x, struct post *post)
{
	struct job *job = vec_push(&x->serve->jobs);

	job->id = x->ask.id;
	job->call = x->call;
	job->post = post;
	job->note = x->note;
	snprintf(job->file, sizeof(job->file), "%s", x->ask.name);
	post->worker->n_jobs++;
}

static void end_job(struct serve *serve, size_t i)
{
	struct job *job = vec_at(&serve->jobs, i);

	job->post->worker->n_jobs--;
	job->post->worker->idle_ns = clock_now_ns();
	vec_remove_swap(&serve->jobs, i);
}

/*
 * Whose worker it is: each process has its own for the heap; for samples all
 * that are listed share one, since a process has one tracer.
 */
static pid_t pid_of_worker(const struct exchange *x, enum worker_kind kind)
{
	pid_t pid = x->ask.n_pids == 1 && x->pid ? x->ask.pids[0] : 0;
	struct ask listed = { 0 };
	CLEANUP(free) char *why = NULL;

	if (kind == WORKER_HEAP)
		return x->ask.pids[0];
	if (pid && !targets_choose(x->serve->targets, 0, &listed, &why))
		for (uint32_t i = 0; i < listed.n_pids; i++)
			if (listed.pids[i] == pid)
				pid = 0;
	return pid;
}

static struct error *ask_worker(struct serve *serve, enum worker_kind kind,
				pid_t pid, const struct ask *ask,
				struct post **out)
{
	struct error *error = NULL;

	*out = find_post(serve, kind, pid);
	if (!*out)
		error = open_post(serve, kind, pid,
				  kind == WORKER_HEAP ? heaping_main
						      : sampling_main,
				  NULL, out);
	if (!error && !worker_ask((*out)->worker, ask))
		error = error_new("its worker does not listen");
	return error;
}

static bool refuse_crowd(const struct exchange *x)
{
	bool is_full = http_is_full(x->serve->http);

	if (is_full)
		route_fail(x->call, 429, "too many clients wait already, see "
					 "--max-clients");
	return is_full;
}

void serve_post(struct exchange *x, enum worker_kind kind)
{
	struct post *post;
	struct error *error;

	if (refuse_crowd(x))
		return;
	x->ask.id = x->serve->next_id++;
	error = ask_worker(x->serve, kind, pid_of_worker(x, kind), &x->ask,
			   &post);
	if (!error) {
		add_job(x, post);
		return;
	}
	route_fail(x->call, 500, error_text(error));
	error_free(error);
}

/*
 * Allocations are seen from now on, not from when somebody asks for them. A
 * program that has just begun has no allocator yet, one that is found by its
 * name may come later: it is tried again, less and less often.
 */
static void watch_heaps(struct serve *serve)
{
	struct vec pids = VEC_OF(pid_t);

	targets_list(serve->targets, &pids);
	for (size_t i = 0; i < pids.n; i++) {
		struct ask ask = { .kind = ASK_HEAP, .n_pids = 1 };
		struct post *post;

		ask.pids[0] = *(pid_t *)vec_at(&pids, i);
		if (!find_post(serve, WORKER_HEAP, ask.pids[0]))
			error_free(ask_worker(serve, WORKER_HEAP, ask.pids[0],
					      &ask, &post));
	}
	vec_clear(&pids);
	serve->watch_ns = clock_now_ns() + serve->watch_step_ns;
	if (serve->watch_step_ns < WATCH_LAST_NS)
		serve->watch_step_ns *= 2;
}

static int heaps_wait_ms(const struct serve *serve)
{
	int64_t wait_ns = serve->watch_ns - clock_now_ns();

	return !serve->options.allows_heap ? -1
	       : wait_ns <= 0 ? 0 : (int)(wait_ns / NS_PER_MS) + 1;
}

void serve_post_once(struct exchange *x, worker_main *main, const void *arg)
{
	struct post *post;
	struct error *error;

	if (refuse_crowd(x))
		return;
	error = open_post(x->serve, WORKER_ONCE, 0, main, arg, &post);
	if (error) {
		route_fail(x->call, 500, error_text(error));
		error_free(error);
		return;
	}
	x->ask.id = 0;
	add_job(x, post);
}

static void take_stats(struct serve *serve, const struct reply *reply,
		       const char *bytes)
{
	struct worker_stats stats, *totals = &serve->totals;

	if (reply->len != sizeof(stats))
		return;
	memcpy(&stats, bytes, sizeof(stats));
	totals->samples += stats.samples;
	totals->ticks += stats.ticks;
	totals->late_ticks += stats.late_ticks;
	totals->missed_ticks += stats.missed_ticks;
	totals->stops += stats.stops;
	totals->dropped += stats.dropped;
	totals->unreadable += stats.unreadable;
	totals->truncated += stats.truncated;
	totals->stacks += stats.stacks;
	totals->held_ns += stats.held_ns;
	totals->elapsed_ns += stats.elapsed_ns;
	if (stats.held_max_ns > totals->held_max_ns)
		totals->held_max_ns = stats.held_max_ns;
}

static void answer_job(struct serve *serve, const struct job *job,
		       const struct reply *reply, const char *bytes)
{
	struct answer answer;

	if (reply->kind == REPLY_ERROR) {
		CLEANUP(free) char *text = xstrndup(bytes, reply->len);

		serve->n_failed++;
		route_fail(job->call, reply->status, text);
		return;
	}
	if (reply->kind == REPLY_PROFILE)
		answer_init_file(&answer, job->file);
	else
		answer_init(&answer, 200, ANSWER_TEXT);
	serve->n_profiles += reply->kind == REPLY_PROFILE;
	if (job->note)
		answer_add_header(&answer, NOTE, job->note);
	if (reply->flags & REPLY_TARGET_ENDED)
		answer_add_header(&answer, NOTE,
				  "the target ended before the time was over");
	strbuf_add(&answer.body, bytes, reply->len);
	http_answer(job->call, &answer);
}

static void take_reply(struct serve *serve, struct post *post,
		       const struct reply *reply, const char *bytes)
{
	if (reply->kind == REPLY_STATS) {
		take_stats(serve, reply, bytes);
		return;
	}
	for (size_t i = 0; i < serve->jobs.n; i++) {
		struct job job = *(struct job *)vec_at(&serve->jobs, i);

		if (job.post != post || job.id != reply->id)
			continue;
		end_job(serve, i);
		answer_job(serve, &job, reply, bytes);
		return;
	}
}

/* A worker that is gone with jobs left has crashed, or was killed. */
static void fail_jobs(struct serve *serve, struct post *post)
{
	for (size_t i = serve->jobs.n; i-- > 0;) {
		struct job job = *(struct job *)vec_at(&serve->jobs, i);

		if (job.post != post)
			continue;
		end_job(serve, i);
		serve->n_failed++;
		route_fail(job.call, 500, "the process that worked on this "
					  "ended unexpectedly");
	}
}

static void close_post(struct serve *serve, size_t i)
{
	struct post *post = post_at(serve, i);

	fail_jobs(serve, post);
	worker_free(post->worker);
	vec_remove_swap(&serve->posts, i);
	free(post);
}

static void read_post(struct serve *serve, struct post *post)
{
	bool is_there = worker_read(post->worker);
	struct reply reply;
	const char *bytes;

	while (worker_first_reply(post->worker, &reply, &bytes)) {
		take_reply(serve, post, &reply, bytes);
		worker_end_reply(post->worker, &reply);
	}
	if (is_there)
		return;
	for (size_t i = 0; i < serve->posts.n; i++)
		if (post_at(serve, i) == post) {
			close_post(serve, i);
			return;
		}
}

static void close_idle_posts(struct serve *serve)
{
	int64_t now = clock_now_ns();

	for (size_t i = serve->posts.n; i-- > 0;) {
		const struct post *post = post_at(serve, i);

		if (post->kind == WORKER_SAMPLING && !post->worker->n_jobs &&
		    now - post->worker->idle_ns > LINGER_NS)
			close_post(serve, i);
	}
}

/* --- calls --------------------------------------------------------------- */

static void meet_call(void *ctx, struct http_call *call)
{
	route_meet(ctx, call);
}

static void take_call(void *ctx, struct http_call *call)
{
	route_take(ctx, call);
}

static void leave_call(void *ctx, struct http_call *call)
{
	struct serve *serve = ctx;

	for (size_t i = 0; i < serve->jobs.n; i++) {
		struct job job = *(struct job *)vec_at(&serve->jobs, i);
		struct ask drop = { .kind = ASK_DROP, .id = job.id };

		if (job.call != call)
			continue;
		end_job(serve, i);
		if (job.post->kind != WORKER_ONCE)
			worker_ask(job.post->worker, &drop);
		return;
	}
}

/* --- start and end ------------------------------------------------------- */

static struct error *check_listeners(struct serve *serve)
{
	for (size_t i = 0; i < serve->listeners.n; i++) {
		const struct listener *listener =
			vec_at(&serve->listeners, i);

		if (listener->host)
			*(char **)vec_push(&serve->gate.hosts) =
				xstrdup(listener->host);
		serve->gate.is_open |= !listener->is_loopback;
		if (listener->is_loopback || serve->gate.token ||
		    serve->options.is_insecure)
			continue;
		return error_hint(
			error_new("others could profile at %s",
				  listener->text),
			"try:   --auth-token-file FILE, or -l unix:PATH; or "
			"--insecure-listen if that is what you want");
	}
	return NULL;
}

static struct error *open_listeners(struct serve *serve)
{
	const struct vec *listens = &serve->options.listens;
	struct error *error = NULL;

	if (!listens->n)
		return listen_open("localhost:" SERVE_PORT,
				   &serve->listeners);
	for (size_t i = 0; i < listens->n && !error; i++)
		error = listen_open(*(const char **)vec_at(listens, i),
				    &serve->listeners);
	return error;
}

struct error *serve_open(const struct serve_options *options,
			 const struct targets *targets, struct serve **out)
{
	CLEANUP(serve_close) struct serve *serve =
		xcalloc(1, sizeof(*serve));
	struct http_limits limits = { .max_clients = options->max_clients };
	struct http_hooks hooks = { serve, meet_call, take_call, leave_call };
	struct error *error = NULL;

	serve->options = *options;
	serve->targets = targets;
	serve->listeners = VEC_OF(struct listener);
	serve->posts = VEC_OF(struct post *);
	serve->jobs = VEC_OF(struct job);
	serve->next_id = 1;
	serve->signal_fd = -1;
	serve->start_ns = clock_now_ns();
	gate_init(&serve->gate);
	for (size_t i = 0; i < options->hosts.n; i++)
		*(char **)vec_push(&serve->gate.hosts) =
			xstrdup(*(const char **)vec_at(&options->hosts, i));
	if (options->token_file)
		error = gate_read_token(&serve->gate, options->token_file);
	if (!error)
		error = open_listeners(serve);
	if (!error)
		error = check_listeners(serve);
	if (!error)
		error = http_open(&serve->listeners, &limits, &hooks,
				  &serve->http);
	if (!error)
		*out = TAKE(serve);
	return error;
}

void serve_close(struct serve *serve)
{
	if (!serve)
		return;
	http_close(serve->http);
	while (serve->posts.n)
		close_post(serve, serve->posts.n - 1);
	vec_clear(&serve->posts);
	vec_clear(&serve->jobs);
	listen_close(&serve->listeners);
	gate_clear(&serve->gate);
	if (serve->signal_fd >= 0)
		close(serve->signal_fd);
	free(serve);
}

struct ending {
	pid_t program;
	struct vec workers; /* pid_t; those that are still awaited */
	int status;
	bool is_over, is_told;
};

/* It was reaped: from here on the number may be a stranger's. */
static void forget_worker(struct serve *serve, struct vec *workers, pid_t pid)
{
	for (size_t i = 0; i < serve->posts.n; i++)
		if (post_at(serve, i)->worker->pid == pid)
			post_at(serve, i)->worker->pid = 0;
	for (size_t i = workers->n; i-- > 0;)
		if (*(pid_t *)vec_at(workers, i) == pid)
			vec_remove_swap(workers, i);
}

static void reap(struct serve *serve, struct ending *ending)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		forget_worker(serve, &ending->workers, pid);
		if (pid == ending->program) {
			ending->status = status;
			ending->is_over = true;
			ending->program = 0;
		}
	}
}

/* A program that was started decides itself, unless it is told twice. */
static void take_end(struct ending *ending,
		     const struct signalfd_siginfo *info)
{
	if (!ending->program || ending->is_told) {
		ending->is_over = true;
		return;
	}
	ending->is_told = true;
	if (info->ssi_code != SI_KERNEL)
		kill(ending->program, (int)info->ssi_signo);
}

static void take_signals(struct serve *serve, struct ending *ending)
{
	struct signalfd_siginfo info;

	while (read(serve->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(serve, ending);
		else
			take_end(ending, &info);
	}
}

static void wait_once(struct serve *serve, struct ending *ending)
{
	size_t n = serve->posts.n;
	CLEANUP(free) struct pollfd *fds =
		xcalloc(2 * n + POLL_FIXED, sizeof(*fds));
	CLEANUP(free) struct post **posts = xcalloc(n + 1, sizeof(*posts));
	int wait_ms = http_wait_ms(serve->http);
	int heaps_ms = heaps_wait_ms(serve);

	fds[0] = (struct pollfd){ http_fd(serve->http), POLLIN, 0 };
	fds[1] = (struct pollfd){ serve->signal_fd, POLLIN, 0 };
	for (size_t i = 0; i < n; i++) {
		posts[i] = post_at(serve, i);
		fds[POLL_FIXED + i] = (struct pollfd){
			posts[i]->worker->reply_fd, POLLIN, 0 };
		fds[POLL_FIXED + n + i] = (struct pollfd){
			worker_flush(posts[i]->worker)
				? -1 : posts[i]->worker->ask_fd,
			POLLOUT, 0 };
	}
	if (n && (wait_ms < 0 || wait_ms > 1000))
		wait_ms = 1000;
	if (heaps_ms >= 0 && (wait_ms < 0 || wait_ms > heaps_ms))
		wait_ms = heaps_ms;
	poll(fds, 2 * n + POLL_FIXED, wait_ms);
	if (fds[1].revents)
		take_signals(serve, ending);
	for (size_t i = 0; i < n; i++)
		if (fds[POLL_FIXED + i].revents)
			read_post(serve, posts[i]);
	http_run(serve->http);
	close_idle_posts(serve);
	if (!heaps_wait_ms(serve))
		watch_heaps(serve);
}

/* Each worker sees the end of its socket and lets its targets go. */
static void end_workers(struct serve *serve, struct ending *ending)
{
	int64_t bound_ns = clock_now_ns() + END_MS * NS_PER_MS;
	struct vec *workers = &ending->workers;

	while (serve->posts.n) {
		pid_t pid = post_at(serve, 0)->worker->pid;

		if (pid)
			*(pid_t *)vec_push(workers) = pid;
		close_post(serve, 0);
	}
	reap(serve, ending);
	while (workers->n && clock_now_ns() < bound_ns) {
		struct pollfd pfd = { serve->signal_fd, POLLIN, 0 };

		if (poll(&pfd, 1, 100) > 0)
			take_signals(serve, ending);
		reap(serve, ending);
	}
	for (size_t i = 0; i < workers->n; i++)
		kill(*(pid_t *)vec_at(workers, i), SIGKILL);
	vec_clear(workers);
}

struct error *serve_run(struct serve *serve, pid_t program, int *out_status)
{
	struct ending ending = {
		.program = program,
		.workers = VEC_OF(pid_t),
	};
	struct error *error = signals_open(0, &serve->signal_fd);

	if (error)
		return error;
	for (size_t i = 0; i < serve->listeners.n; i++) {
		const struct listener *listener =
			vec_at(&serve->listeners, i);

		log_notice("serving at %s", listener->text);
	}
	serve->watch_step_ns = WATCH_FIRST_NS;
	reap(serve, &ending); /* what ended before its signal was ours */
	while (!ending.is_over)
		wait_once(serve, &ending);
	end_workers(serve, &ending);
	*out_status = ending.status;
	return NULL;
}
