/* SPDX-License-Identifier: MIT */
/*
 * monitor.c - the main thread during a run: signals, knob, progress.
 *
 * The signals that we take are blocked in every thread but for this one's
 * waits, where their handler puts them into a pipe. A signalfd would be less
 * code, but who polls one is woken by every signal of the process, even by
 * those that it does not take (signalfd_notify() in the kernel): each stop of
 * the target then woke this thread on the very core that the target needed,
 * which doubled the price of a stop. A signal that psample was started with
 * ignored (nohup) stays ignored.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "cli/control.h"
#include "cli/record.h"
#include "target/launch.h"
#include "target/proc.h"
#include "util/log.h"

#define PROGRESS_MS 250
#define STOP_WAIT_NS (200 * NS_PER_MS)
#define SAME_WISH_NS (500 * NS_PER_MS)

struct monitor {
	struct run *run;
	sigset_t taken; /* signals that we read */
	sigset_t waiting; /* mask of our waits: all but @taken */
	int signal_fd;	  /* read end of signal_pipe */
	struct control *control;
	int64_t start_ns;
	int64_t next_write_ns; /* for --every; INT64_MAX: never */
};

static const int watched_signals[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP,
};

/* What the handler tells; whole writes, as they are below PIPE_BUF. */
struct taken_signal {
	int number;
	int code; /* siginfo's */
};

static int signal_pipe = -1; /* write end, for the handler */
static int64_t asked_ns; /* when we were last asked to end; 0: never */

/* Not within half a second of the last one. */
bool monitor_is_asked_anew(void)
{
	int64_t now = clock_now_ns();
	bool is_new = now - asked_ns > SAME_WISH_NS;

	if (is_new)
		asked_ns = now;
	return is_new;
}

static void take_signal(int number, siginfo_t *info, void *context)
{
	struct taken_signal taken = { number, info->si_code };
	int saved = errno;
	ssize_t n = write(signal_pipe, &taken, sizeof(taken));

	(void)context;
	(void)n; /* full: hundreds are waiting to be read already */
	errno = saved;
}

/* While a profile is made: to write one now is no wish to end. */
static void end_at_once(int number, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	if (number == SIGUSR1 || number == SIGUSR2 || !monitor_is_asked_anew())
		return;
	signal(number, SIG_DFL);
	raise(number); /* comes when this returns */
}

static bool is_ignored(int signal)
{
	struct sigaction action;

	return !sigaction(signal, NULL, &action) &&
	       action.sa_handler == SIG_IGN;
}

static void block_signals(struct monitor *monitor)
{
	sigset_t blocked;

	sigemptyset(&monitor->taken);
	for (size_t i = 0; i < ARRAY_SIZE(watched_signals); i++)
		if (!is_ignored(watched_signals[i]))
			sigaddset(&monitor->taken, watched_signals[i]);
	blocked = monitor->taken;
	sigaddset(&blocked, SIGCHLD);
	sigaddset(&blocked, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &blocked, &monitor->waiting);
	sigaddset(&monitor->waiting, SIGCHLD);
	sigaddset(&monitor->waiting, SIGRTMIN);
	for (size_t i = 0; i < ARRAY_SIZE(watched_signals); i++)
		if (sigismember(&monitor->taken, watched_signals[i]))
			sigdelset(&monitor->waiting, watched_signals[i]);
	/* Ignored, as some parents leave it, it would tell us nothing. */
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN); /* EPIPE tells it better */
	signal(SIGTTOU, SIG_IGN); /* messages from the background */
}

static struct error *open_signal_pipe(struct monitor *monitor)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return error_errno(errno, "cannot make a pipe");
	monitor->signal_fd = fds[0];
	signal_pipe = fds[1];
	return NULL;
}

/* All of @taken go to @handler. */
static void set_handler(const struct monitor *monitor,
			void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(watched_signals); i++)
		if (sigismember(&monitor->taken, watched_signals[i]))
			sigaction(watched_signals[i], &action, NULL);
}

struct error *monitor_open(struct run *run, struct monitor **out)
{
	struct monitor *monitor = xcalloc(1, sizeof(*monitor));
	struct error *error;

	monitor->run = run;
	monitor->signal_fd = -1;
	monitor->start_ns = clock_now_ns();
	block_signals(monitor);
	error = open_signal_pipe(monitor);
	if (!error)
		set_handler(monitor, take_signal);
	if (!error)
		error = control_open(run->options->control,
				     &monitor->control);
	if (error) {
		monitor_close(monitor);
		return error;
	}
	*out = monitor;
	return NULL;
}

void monitor_close(struct monitor *monitor)
{
	if (!monitor)
		return;
	set_handler(monitor, end_at_once); /* for what is left to do */
	if (monitor->signal_fd >= 0) {
		close(monitor->signal_fd);
		close(signal_pipe);
		signal_pipe = -1;
	}
	control_close(monitor->control);
	free(monitor);
}

void monitor_release_signals(struct monitor *monitor)
{
	set_handler(monitor, end_at_once);
	pthread_sigmask(SIG_UNBLOCK, &monitor->taken, NULL);
}

void monitor_hold_signals(struct monitor *monitor)
{
	pthread_sigmask(SIG_BLOCK, &monitor->taken, NULL);
	set_handler(monitor, take_signal);
}

void monitor_tell(struct monitor *monitor, const char *word,
		  const char *argument)
{
	control_tell(monitor->control, word, argument);
}

static void write_now(struct monitor *monitor)
{
	struct run *run = monitor->run;
	struct error *error;

	collect_flush(run->collect);
	error = output_write(run);
	if (error) {
		log_error("%s", error_text(error));
		error_free(error);
		monitor_tell(monitor, "failed", NULL);
		return;
	}
	if (strcmp(run->written, "-"))
		log_notice("wrote %s", run->written);
	monitor_tell(monitor, "wrote", run->written);
}

static void write_to(struct monitor *monitor, const char *file)
{
	monitor->run->output = file;
	write_now(monitor);
	monitor->run->output = NULL;
}

static void set_paused(struct run *run, bool is_paused)
{
	collect_request(run->collect,
			is_paused ? COLLECT_PAUSE : COLLECT_RESUME);
	log_notice("%s", is_paused ? "paused" : "sampling");
}

/*
 * ^C at the terminal reaches a launched program as well: it decides, and
 * psample ends as it does. A signal sent to psample alone is handed on.
 */
static void end_launched(struct run *run, const struct taken_signal *taken)
{
	bool is_from_terminal = taken->code == SI_KERNEL;

	if (is_from_terminal)
		return;
	if (!monitor_is_asked_anew()) {
		/* Who does not mind the one may mind the other. */
		if (taken->number != run->raise_signal)
			launch_signal(run->launch, taken->number);
		return;
	}
	if (run->stop_requests++ == 0) {
		run->raise_signal = taken->number;
		launch_signal(run->launch, taken->number);
		return;
	}
	collect_request(run->collect, COLLECT_STOP);
}

static void end_attached(struct monitor *monitor)
{
	if (monitor->run->stop_requests++ == 0) {
		collect_request(monitor->run->collect, COLLECT_STOP);
		monitor_release_signals(monitor);
	}
}

/* A launched program goes on, and psample stays with it, as after -d. */
static void end_by_word(struct monitor *monitor)
{
	if (monitor->run->is_launched)
		collect_request(monitor->run->collect, COLLECT_STOP);
	else
		end_attached(monitor);
}

/*
 * The owner wants another tracer to have the target for a moment, or to give
 * it back: until "resume", or its end, nothing else is listened to.
 */
static void suspend_for_owner(struct monitor *monitor)
{
	struct run *run = monitor->run;
	struct pollfd pfd = { control_fd(monitor->control), POLLIN, 0 };
	const char *word = NULL;
	struct error *error;

	atomic_store(&run->guard.page->is_announced, true);
	collect_suspend(run->collect);
	monitor_tell(monitor, "suspended", NULL);
	while (!control_has_ended(monitor->control) &&
	       (!word || strcmp(word, "resume") != 0)) {
		poll(&pfd, 1, -1);
		word = control_read(monitor->control);
	}
	error = collect_continue(run->collect);
	atomic_store(&run->guard.page->is_announced, false);
	if (error)
		log_error("%s", error_text(error));
	monitor_tell(monitor, error ? "failed" : "sampling", NULL);
	error_free(error);
}

static void run_control_word(struct monitor *monitor, const char *word)
{
	struct run *run = monitor->run;

	if (!strcmp(word, "start"))
		set_paused(run, false);
	else if (!strcmp(word, "stop"))
		set_paused(run, true);
	else if (!strcmp(word, "dump"))
		write_now(monitor);
	else if (!strncmp(word, "dump ", 5))
		write_to(monitor, word + 5);
	else if (!strcmp(word, "end"))
		end_by_word(monitor);
	else if (!strcmp(word, "suspend") && !run->is_launched)
		suspend_for_owner(monitor);
	else if (word[0])
		log_warning("unknown word on the control FIFO (start, stop, "
			    "dump or end expected)");
}

static void read_control(struct monitor *monitor)
{
	const char *word;

	while ((word = control_read(monitor->control)))
		run_control_word(monitor, word);
	if (control_has_ended(monitor->control))
		end_by_word(monitor);
}

/* Wait, not long, until the program has stopped of the same ^Z. */
static void await_stopped(pid_t pid)
{
	int64_t bound_ns = clock_now_ns() + STOP_WAIT_NS;
	struct timespec moment = timespec_of_ns(NS_PER_MS);
	struct proc_stat stat;

	while (clock_now_ns() < bound_ns &&
	       proc_read_stat(pid, pid, &stat) &&
	       stat.state != 't' && stat.state != 'T')
		nanosleep(&moment, NULL);
}

/*
 * By SIGTSTP, not SIGSTOP: the kernel keeps it from stopping an orphaned
 * process group, which no shell would ever wake (setpgid(2), "orphaned").
 */
static void stop_until_continued(void)
{
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	struct sigaction ours;
	sigset_t stop, before;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigaction(SIGTSTP, &usual, &ours);
	pthread_sigmask(SIG_UNBLOCK, &stop, &before);
	raise(SIGTSTP);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGTSTP, &ours, NULL);
}

/*
 * ^Z. A launched program stops of its own; psample follows it. An attached
 * one must not be left to a tracer that sleeps: it is let go meanwhile.
 */
static void stop_ourselves(struct run *run)
{
	struct guard_page *page = run->guard.page;
	struct error *error = NULL;

	atomic_store(&page->is_announced, true);
	if (run->is_launched) {
		collect_request(run->collect, COLLECT_PAUSE);
		await_stopped(run->pid);
	} else {
		collect_suspend(run->collect);
	}
	log_progress(NULL);
	stop_until_continued();
	if (run->is_launched) {
		atomic_store(&page->beat_ns, clock_now_ns());
		collect_request(run->collect, COLLECT_RESUME);
	} else {
		error = collect_continue(run->collect);
	}
	atomic_store(&page->is_announced, false);
	if (error) {
		log_warning("%s", error_text(error));
		error_free(error);
	}
}

static void take_signals(struct monitor *monitor)
{
	struct run *run = monitor->run;
	struct taken_signal taken;

	while (read(monitor->signal_fd, &taken, sizeof(taken)) ==
	       sizeof(taken)) {
		switch (taken.number) {
		case SIGUSR1:
			write_now(monitor);
			break;
		case SIGTSTP:
			stop_ourselves(run);
			break;
		case SIGUSR2:
			set_paused(run, !collect_is_paused(run->collect));
			break;
		default:
			if (run->is_launched)
				end_launched(run, &taken);
			else if (monitor_is_asked_anew())
				end_attached(monitor);
			break;
		}
	}
}

static void show_progress(const struct monitor *monitor)
{
	const struct sampler_stats *stats =
		collect_stats(monitor->run->collect);
	double seconds =
		(double)(clock_now_ns() - monitor->start_ns) / NS_PER_S;

	log_progress("%.1fs  %llu samples at %.4g Hz  %llu thread%s  "
		     "held %.2f%%   ^C to stop",
		     seconds,
		     (unsigned long long)(stats->samples +
					  stats->wall_samples),
		     (double)NS_PER_S / (double)stats->period_ns,
		     (unsigned long long)stats->live_threads,
		     stats->live_threads == 1 ? "" : "s",
		     100 * (double)stats->held_thread_ns / NS_PER_S / seconds);
}

/* --every, from the begin on, whatever the writing takes. */
static void write_if_due(struct monitor *monitor)
{
	int64_t every_ns = monitor->run->options->every_ns;
	int64_t late_ns = clock_now_ns() - monitor->next_write_ns;

	if (late_ns < 0)
		return;
	monitor->next_write_ns += (late_ns / every_ns + 1) * every_ns;
	write_now(monitor);
}

/* How long to wait for events: the progress is to be shown, or a file due. */
static struct timespec wait_of(const struct monitor *monitor,
			       bool has_progress)
{
	int64_t wait_ns = has_progress ? PROGRESS_MS * NS_PER_MS : NS_PER_S;
	int64_t left_ns = monitor->next_write_ns - clock_now_ns();

	if (left_ns < wait_ns)
		wait_ns = left_ns > 0 ? left_ns : 0;
	return timespec_of_ns(wait_ns);
}

/* A line that is drawn again and again spoils what a program shows there. */
static bool wants_progress(const struct run *run)
{
	return isatty(STDERR_FILENO) &&
	       !(run->is_launched && isatty(STDOUT_FILENO));
}

void monitor_watch(struct monitor *monitor)
{
	int64_t every_ns = monitor->run->options->every_ns;
	struct pollfd pfds[] = {
		{ collect_done_fd(monitor->run->collect), POLLIN, 0 },
		{ monitor->signal_fd, POLLIN, 0 },
		{ control_fd(monitor->control), POLLIN, 0 },
	};
	bool has_progress = wants_progress(monitor->run);

	monitor->next_write_ns = every_ns ? clock_now_ns() + every_ns
					  : INT64_MAX;
	for (;;) {
		struct timespec wait;

		write_if_due(monitor);
		wait = wait_of(monitor, has_progress);
		/* Interrupted, nothing is said of the descriptors. */
		if (ppoll(pfds, ARRAY_SIZE(pfds),
			  has_progress || every_ns ? &wait : NULL,
			  &monitor->waiting) < 0)
			continue;
		if (pfds[0].revents)
			break;
		if (pfds[1].revents)
			take_signals(monitor);
		if (pfds[2].revents)
			read_control(monitor);
		pfds[2].fd = control_fd(monitor->control);
		if (has_progress && !monitor->run->stop_requests)
			show_progress(monitor);
	}
	log_progress(NULL);
}
