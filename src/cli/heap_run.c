/* SPDX-License-Identifier: MIT */
/*
 * heap_run.c - one recording of allocations, from fork to exit status.
 *
 * One thread only: nothing is stopped, so nothing is in a hurry.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "cli/beside.h"
#include "cli/command.h"
#include "cli/control.h"
#include "cli/record.h"
#include "heap/begin.h"
#include "heap/heap.h"
#include "profile/unit.h"
#include "target/launch.h"
#include "target/proc.h"
#include "util/log.h"
#include "util/signals.h"

#define PROGRESS_NS (250 * NS_PER_MS)

struct heap_run {
	struct run run;
	struct heap *heap;
	int signal_fd;
	struct control *control;
	struct beside *beside; /* -e cpu,alloc: who has the time; or NULL */
	int64_t end_ns, shown_ns, next_write_ns;
	bool is_released; /* the launched program runs */
	bool is_over;	/* no more polls */
	enum heap_state state; /* of the target's memory */
	bool has_ended; /* the launched program, with @status */
	int status;
};

struct error *heap_parse_size(const char *arg, uint64_t *out)
{
	static const char *const units[] = { "", "k", "m", "g", "t" };
	char *end;
	double value = strtod(arg, &end);

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t n = strlen(units[i]);
		const char *rest = end + n;

		if (strncasecmp(end, units[i], n) ||
		    (*rest && strcasecmp(rest, "b") && strcasecmp(rest, "ib")))
			continue;
		value *= (double)(UINT64_C(1) << 10 * i);
		if (end == arg || !(value >= 1 && value <= 1099511627776.0))
			break;
		*out = (uint64_t)value;
		return NULL;
	}
	return error_hint(error_new("bad value %s for --interval", arg),
			  "expected: bytes from 1 to 1TiB, like 4096, 512KiB, "
			  "2M");
}

/* An option that says nothing of allocations, or NULL. */
static const char *find_option_of_time(const struct record_options *options)
{
	const struct sampler_options *sampler = &options->sampler;
	const struct {
		const char *name;
		bool is_given, is_for_time;
	} not_ours[] = {
		{ "--tid", options->tids.n, false },
		{ "--samples", sampler->max_samples, false },
		{ "--freq", options->has_freq, true },
		{ "--max-pause", options->has_max_pause, true },
		{ "--by-thread", sampler->by_thread, true },
		{ "--wall-stop", sampler->wall_stop, true },
		{ "--whole-random", sampler->whole_random, true },
		{ "--max-depth",
		  sampler->walk.max_depth != WALK_DEPTH_DEFAULT, true },
		{ "--unwind", sampler->libunwind_ptrace ||
			      sampler->walk.method != WALK_AUTO, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(not_ours); i++)
		if (not_ours[i].is_given &&
		    !(options->has_beside && not_ours[i].is_for_time))
			return not_ours[i].name;
	return NULL;
}

struct error *heap_check_options(const struct record_options *options)
{
	const char *event = output_event_name(options), *bad;

	if (options->wants_leaks && options->event != EVENT_HEAP)
		return error_new("--leaks is for -e heap, not for -e %s",
				 event);
	if (options->no_inuse && options->event != EVENT_ALLOC)
		return error_hint(error_new("--no-inuse is for -e alloc, not "
					    "for -e %s", event),
				  "cause: it leaves out what the others are "
				  "for, or have not");
	if (options->mean_bytes && options->event != EVENT_ALLOC &&
	    options->event != EVENT_HEAP)
		return error_hint(error_new("--interval is for -e alloc and "
					    "-e heap"),
				  "try:   -F HZ, how often time is sampled");
	if (options->event == EVENT_CPU || options->event == EVENT_WALL)
		return NULL;
	bad = find_option_of_time(options);
	if (bad)
		return error_hint(error_new("%s is not for -e %s", bad, event),
				  "cause: each allocation counts, by its "
				  "bytes; -i SIZE says how often one is "
				  "sampled");
	if (options->pids.n > 1)
		return error_hint(error_new("-e %s takes one process at a "
					    "time", event),
				  "try:   one psample for each of them");
	return NULL;
}

static struct error *write_profile(struct heap_run *h,
				   struct profile **out_profile)
{
	struct profile *profile = heap_profile(h->heap, h->run.symbolizer);

	*out_profile = profile;
	heap_summary_add_comments(&h->run, heap_stats(h->heap), profile);
	return output_write_profile(&h->run, profile);
}

static void write_now(struct heap_run *h)
{
	struct profile *profile;
	struct error *error;

	heap_poll(h->heap);
	beside_write(h->beside);
	error = write_profile(h, &profile);
	if (error) {
		log_error("%s", error_text(error));
		error_free(error);
		control_tell(h->control, "failed", NULL);
		return;
	}
	if (strcmp(h->run.written, "-"))
		log_notice("wrote %s", h->run.written);
	control_tell(h->control, "wrote", h->run.written);
}

/* "dump" and "end"; "dump FILE" writes into that one. */
static void take_word(struct heap_run *h, const char *word)
{
	if (!strncmp(word, "dump ", 5)) {
		h->run.output = word + 5;
		write_now(h);
		h->run.output = NULL;
	} else if (!strcmp(word, "dump")) {
		write_now(h);
	} else if (!strcmp(word, "end")) {
		h->is_over = true;
	} else if (word[0]) {
		log_warning("unknown word on the control FIFO (dump or end "
			    "expected)");
	}
}

static void read_control(struct heap_run *h)
{
	const char *word;

	while ((word = control_read(h->control)))
		take_word(h, word);
	if (control_has_ended(h->control))
		h->is_over = true;
}

/* While anybody is followed, a wait here would take stops from who traces. */
static void reap_program(struct heap_run *h)
{
	bool is_following = heap_is_following(h->heap);

	if (!h->run.is_launched)
		return;
	if (!h->has_ended)
		h->has_ended = heap_has_ended(h->heap, &h->status) ||
			       (!is_following &&
				waitpid(h->run.pid, &h->status, WNOHANG) ==
					h->run.pid);
	if (h->has_ended && !is_following)
		h->is_over = true;
}

/* ^C at the terminal reaches a launched program as well: it decides. */
static void take_end(struct heap_run *h, const struct signalfd_siginfo *info)
{
	int number = (int)info->ssi_signo;
	bool is_for_program = h->run.is_launched && !h->has_ended;

	if (is_for_program && info->ssi_code == SI_KERNEL &&
	    !h->run.stop_requests)
		return;
	if (!monitor_is_asked_anew()) {
		if (is_for_program && number != h->run.raise_signal)
			launch_signal(h->run.launch, number);
		return;
	}
	h->run.stop_requests++;
	if (!is_for_program || h->run.stop_requests > 1) {
		h->is_over = true;
		return;
	}
	h->run.raise_signal = number;
	launch_signal(h->run.launch, number);
}

static void take_signals(struct heap_run *h)
{
	struct signalfd_siginfo info;

	while (read(h->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap_program(h);
		else if (info.ssi_signo == SIGUSR1)
			write_now(h);
		else
			take_end(h, &info);
	}
}

static void show_progress(struct heap_run *h, int64_t now)
{
	const struct heap_stats *stats = heap_stats(h->heap);
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	int64_t bytes = (int64_t)stats->alloc_bytes;

	if (now - h->shown_ns < PROGRESS_NS)
		return;
	h->shown_ns = now;
	unit_add_value(&text, bytes, "bytes", unit_natural(bytes, "bytes"));
	log_progress("%.1fs  %llu samples  %s allocated   ^C to stop",
		     (double)stats->elapsed_ns / NS_PER_S,
		     (unsigned long long)stats->samples, text.data);
}

/* Until @until_ns, or something has ended the run. */
static void wait_until(struct heap_run *h, int64_t until_ns)
{
	struct pollfd pfds[] = {
		{ .fd = h->signal_fd, .events = POLLIN },
		{ .fd = control_fd(h->control), .events = POLLIN },
	};

	while (!h->is_over) {
		int64_t left_ns = until_ns - clock_now_ns();
		struct timespec left = timespec_of_ns(left_ns > 0 ? left_ns
								  : 0);

		if (left_ns <= 0)
			return;
		if (ppoll(pfds, ARRAY_SIZE(pfds), &left, NULL) <= 0)
			continue;
		if (pfds[0].revents)
			take_signals(h);
		if (pfds[1].revents)
			read_control(h);
		pfds[1].fd = control_fd(h->control);
	}
}

/* Its memory is gone, and there is other memory: it has called exec. */
static void tell_of_exec(const struct heap_run *h)
{
	size_t len;
	CLEANUP(free) char *maps = proc_read_maps(h->run.pid, h->run.pid,
						  &len);

	if (maps)
		log_notice("%d runs another program now, whose allocations "
			   "are not seen; try:   psample -e %s -- THAT PROGRAM",
			   (int)h->run.pid,
			   output_event_name(h->run.options));
}

/* --every, from the begin on, whatever the writing takes. */
static void write_if_due(struct heap_run *h, int64_t now)
{
	int64_t every_ns = h->run.options->every_ns;

	if (!every_ns || now < h->next_write_ns)
		return;
	h->next_write_ns += ((now - h->next_write_ns) / every_ns + 1) *
			    every_ns;
	write_now(h);
}

static void watch(struct heap_run *h)
{
	bool has_progress = isatty(STDERR_FILENO) && !h->beside;

	h->next_write_ns = clock_now_ns() + h->run.options->every_ns;
	while (!h->is_over && h->state == HEAP_RUNS) {
		int64_t now = clock_now_ns();
		int64_t next_ns = now + heap_poll_wait_ns(h->heap);

		write_if_due(h, now);
		wait_until(h, next_ns < h->end_ns ? next_ns : h->end_ns);
		now = clock_now_ns();
		if (now >= h->end_ns)
			h->is_over = true;
		else
			h->state = heap_poll(h->heap);
		reap_program(h);
		if (has_progress)
			show_progress(h, now);
	}
	log_progress(NULL);
	if (h->state == HEAP_TAKEN)
		log_warning("another psample has taken %d over, since this "
			    "one did not move for a second",
			    (int)h->run.pid);
	else if (h->state != HEAP_RUNS)
		tell_of_exec(h);
}

static bool conclude(struct heap_run *h)
{
	struct profile *profile;
	struct error *error, *failed;
	struct vec gaps;
	bool is_done;

	error = heap_stop(h->heap);
	is_done = beside_end(h->beside) && !error;
	failed = write_profile(h, &profile);
	if (error)
		print_error(error);
	if (failed) {
		print_error(failed);
		return false;
	}
	heap_find_gaps(h->heap, h->run.symbolizer, &gaps);
	heap_summary_print(&h->run, heap_stats(h->heap), profile, &gaps);
	vec_clear(&gaps);
	return is_done;
}

/* -d is over, or the target has become another program: stay. */
static void await_program(struct heap_run *h)
{
	if (!h->run.is_launched || h->has_ended || h->run.stop_requests > 1)
		return;
	if (h->run.options->kill_at_end)
		launch_signal(h->run.launch, SIGTERM);
	h->is_over = false;
	reap_program(h);
	while (!h->is_over) {
		wait_until(h, INT64_MAX);
		reap_program(h);
	}
}

static bool is_held(const struct heap_run *h)
{
	return h->run.is_launched && heap_stats(h->heap)->is_native;
}

static struct error *start_beside(struct heap_run *h)
{
	return beside_start(&h->run, heap_agent_at(h->heap), &h->beside);
}

static struct guard_page *stopping_page; /* for the handler */

/*
 * ^Z: what was launched stops of its own, and the guard is not to think that
 * somebody has stopped us by force.
 */
static void stop_ourselves(int number)
{
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	struct sigaction ours;
	sigset_t stop, before;
	int saved = errno;

	atomic_store(&stopping_page->is_announced, true);
	sigaction(number, &usual, &ours);
	sigemptyset(&stop);
	sigaddset(&stop, number);
	raise(number);
	pthread_sigmask(SIG_UNBLOCK, &stop, &before); /* here we stop */
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	sigaction(number, &ours, NULL);
	atomic_store(&stopping_page->beat_ns, clock_now_ns());
	atomic_store(&stopping_page->is_announced, false);
	errno = saved;
}

/* Others than children of a launched program must not be left to a sleeper. */
static void job_control_begin(struct heap_run *h,
			      const struct heap_follow *follow)
{
	struct sigaction action = { .sa_handler = stop_ourselves };

	if (!follow->exec || signal(SIGTSTP, SIG_IGN) == SIG_IGN ||
	    !h->run.is_launched)
		return;
	stopping_page = h->run.guard.page;
	sigaction(SIGTSTP, &action, NULL);
}

/*
 * Who is followed is traced, if for events only: what is attached to stays
 * free of that unless it is asked for, and so does what another recorder is
 * to trace.
 */
static struct heap_follow choose_followed(const struct heap_run *h)
{
	const struct record_options *options = h->run.options;
	struct heap_follow follow = {
		.beat_ns = &h->run.guard.page->beat_ns,
		.pokes = &h->run.guard.page->pokes,
	};

	if (options->has_beside)
		return follow;
	follow.children = options->sampler.children &&
			  (h->run.is_launched || options->has_children);
	follow.exec = h->run.is_launched || follow.children;
	return follow;
}

static struct error *begin(struct heap_run *h, struct launch *launch)
{
	const struct record_options *options = h->run.options;
	struct heap_options heap = {
		.mean_bytes = options->mean_bytes,
		.is_launched = h->run.is_launched,
		.is_delayed = options->sampler.delay_ns > 0,
		.wants_leaks = options->wants_leaks,
		.shows_alloc = options->event == EVENT_ALLOC,
		.maps = options->event == EVENT_MMAP,
		.no_inuse = options->no_inuse,
	};
	struct error *error = heap_open(h->run.pid, &heap, &h->heap);
	struct heap_follow follow;

	if (!error)
		error = guard_start(&h->run.guard);
	if (h->run.is_launched) {
		if (error) {
			begin_kill(launch);
			return error;
		}
		begin_release(launch);
		h->is_released = true;
	}
	h->end_ns = INT64_MAX;
	if (!error && options->sampler.delay_ns)
		wait_until(h, clock_now_ns() + options->sampler.delay_ns);
	/* One that has not begun is in the stub, and waits for us. */
	if (!error && options->has_beside && is_held(h))
		error = start_beside(h);
	if (!error) {
		follow = choose_followed(h);
		job_control_begin(h, &follow);
		heap_follow(h->heap, &follow);
		error = heap_start(h->heap, &h->run.guard.page->poke);
	}
	if (!error && options->has_beside && !h->beside)
		error = start_beside(h);
	if (!error && options->sampler.duration_ns)
		h->end_ns = clock_now_ns() + options->sampler.duration_ns;
	return error;
}

static int run_all(struct heap_run *h, char **argv, struct launch *launch)
{
	int failed = h->run.is_launched ? EXIT_OWN_FAILURE : EXIT_FAILED;
	int exec_errno = 0;
	bool is_written;
	struct error *error;

	run_describe(&h->run, argv);
	run_set_own_limits();
	error = control_open(h->run.options->control, &h->control);
	if (!error)
		error = signals_open(SIGUSR1, &h->signal_fd);
	signal(SIGUSR2, SIG_IGN); /* there is nothing to pause */
	if (!error && h->run.is_launched)
		error = begin_hold(launch, &exec_errno);
	if (exec_errno)
		return run_report_exec_failure(argv[0], exec_errno);
	if (!error)
		error = begin(h, launch);
	if (error) {
		print_error(error);
		if (h->is_released) {
			log_notice("the program goes on without a profile; "
				   "psample ends with it");
			await_program(h);
		}
		return failed;
	}
	control_tell(h->control, "sampling", NULL);
	watch(h);
	is_written = conclude(h);
	if (is_written)
		control_tell(h->control, "wrote", h->run.written);
	await_program(h);
	if (!is_written)
		return failed;
	if (h->run.is_launched)
		return run_end_as(h->has_ended
					  ? h->status
					  : W_EXITCODE(0,
						       h->run.raise_signal));
	return EXIT_DONE;
}

static struct error *prepare(struct heap_run *h,
			     struct record_options *options, char **argv,
			     struct launch *launch)
{
	struct error *error = output_check(options);

	if (!error && options->use_debuginfod)
		error = symbolizer_use_debuginfod(h->run.symbolizer);
	if (!error)
		error = run_choose_targets(options);
	if (!error)
		error = heap_check_options(options);
	launch->is_for_children = options->has_beside;
	if (!error && h->run.is_launched)
		error = launch_fork(argv, launch);
	return error;
}

int heap_run(struct record_options *options, char **argv)
{
	struct heap_run h = {
		.run.options = options,
		.run.is_launched = argv[0] != NULL,
		.signal_fd = -1,
	};
	struct launch launch = LAUNCH_NONE;
	struct error *error;
	int status = h.run.is_launched ? EXIT_OWN_FAILURE : EXIT_FAILED;

	log_set_level((enum log_level)(LOG_NOTICE + options->verbosity < 0
			? 0 : LOG_NOTICE + options->verbosity));
	h.run.symbolizer = symbolizer_new(&options->symbol);
	error = prepare(&h, options, argv, &launch);
	if (error) {
		print_error(error);
	} else {
		h.run.launch = &launch;
		h.run.pid = launch.pid;
		status = run_all(&h, argv, &launch);
	}
	beside_free(h.beside);
	control_close(h.control);
	launch_close(&launch);
	heap_free(h.heap);
	guard_end(&h.run.guard);
	symbolizer_free(h.run.symbolizer);
	free(h.run.program);
	free(h.run.command_line);
	free(h.run.written);
	if (h.signal_fd >= 0)
		close(h.signal_fd);
	return status;
}
