/* SPDX-License-Identifier: MIT */
/*
 * run.c - one recording, from the first fork to the exit status.
 *
 * Order matters: the program is forked before psample changes anything about
 * itself that a child would inherit (signals, limits, priority).
 */
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/command.h"
#include "cli/select.h"
#include "cli/words.h"
#include "target/launch.h"
#include "target/permission.h"
#include "target/proc.h"
#include "util/io.h"
#include "util/log.h"

void run_set_own_limits(void)
{
	static const char score[] = "500"; /* the kernel's first victim: us */
	struct rlimit files, core = { 0, 0 };
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		io_write_full(fd, score, sizeof(score) - 1);
		close(fd);
	}
	/* Copies of other programs' stacks belong into no core file. */
	setrlimit(RLIMIT_CORE, &core);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* Letters, digits and "._+-" of the last part of a path. */
static char *name_for_files(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = xstrdup(slash ? slash + 1 : path);

	for (char *p = name; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-", *p))
			*p = '_';
	return name;
}

static char *join_words(char **argv)
{
	struct strbuf line = { 0 };

	for (; *argv; argv++)
		strbuf_addf(&line, "%s%s", line.len ? " " : "", *argv);
	return strbuf_take(&line);
}

static void list_targets(const struct record_options *options)
{
	for (size_t i = 0; i < options->pids.n; i++) {
		pid_t pid = *(pid_t *)vec_at(&options->pids, i);
		CLEANUP(free) char *line = proc_command_line(pid);

		log_notice("attaching to %d: %.60s", (int)pid, line);
	}
}

static bool is_target(const struct record_options *options, pid_t pid)
{
	for (size_t i = 0; i < options->pids.n; i++)
		if (*(pid_t *)vec_at(&options->pids, i) == pid)
			return true;
	return false;
}

/* Where no processes were named, those of the threads are meant. */
static struct error *choose_by_threads(struct record_options *options)
{
	bool are_named = options->pids.n;

	for (size_t i = 0; i < options->tids.n; i++) {
		pid_t tid = *(pid_t *)vec_at(&options->tids, i);
		pid_t pid = proc_thread_group(tid);

		if (pid <= 0)
			return error_new("no thread %d", (int)tid);
		if (!are_named)
			select_add_id(&options->pids, pid);
		else if (!is_target(options, pid))
			return error_hint(error_new("thread %d is not of that "
						    "process", (int)tid),
					  "cause: it is of %d", (int)pid);
	}
	return NULL;
}

struct error *run_choose_targets(struct record_options *options)
{
	struct error *error = NULL;

	if (options->name_regex)
		error = select_by_name(options->name_regex, &options->pids);
	if (!error && options->name_regex)
		list_targets(options);
	return error ? error : choose_by_threads(options);
}

void run_describe(struct run *run, char **argv)
{
	char comm[COMM_MAX] = "process";

	if (run->is_launched) {
		run->program = name_for_files(argv[0]);
		run->command_line = join_words(argv);
		return;
	}
	run->pid = *(pid_t *)vec_at(&run->options->pids, 0);
	proc_read_comm(run->pid, run->pid, comm);
	run->program = name_for_files(comm);
	run->command_line = proc_command_line(run->pid);
}

static struct error *start(struct run *run, const struct launch *launch)
{
	const struct record_options *options = run->options;
	struct sampler_options sampler = options->sampler;
	struct collect_target target = {
		.launch = run->is_launched ? launch : NULL,
		.pids = options->pids.data,
		.n_pids = options->pids.n,
		.guard = run->guard.page,
	};

	if (options->tids.n) {
		sampler.tids = options->tids.data;
		sampler.n_tids = options->tids.n;
	}
	return collect_start(&sampler, &target, &run->collect);
}

/* Files and the closing words; false when the profile was not written. */
static bool conclude(struct run *run, struct monitor *monitor)
{
	struct error *error;

	monitor_release_signals(monitor); /* naming may take a while */
	collect_lock_profile(run->collect, run->symbolizer);
	collect_unlock_profile(run->collect);
	monitor_hold_signals(monitor);
	error = output_write(run);
	if (error) {
		print_error(error);
		return false;
	}
	monitor_tell(monitor, "wrote", run->written);
	summary_print(run, collect_lock_profile(run->collect,
						run->symbolizer));
	collect_unlock_profile(run->collect);
	return true;
}

/* execvp(3) of @program said ENOENT. */
static struct error *explain_not_found(const char *program)
{
	const char *command = words_nearest(program);
	bool is_here = !access(program, F_OK);
	struct error *error;

	if (strchr(program, '/') && is_here)
		return error_hint(
			error_errno(ENOENT, "cannot run %s", program),
			"cause: the interpreter or dynamic linker that it "
			"names is not there");
	if (strchr(program, '/'))
		return error_errno(ENOENT, "cannot run %s", program);
	error = error_new("cannot run %s: no such program in PATH%s", program,
			  is_here ? "" : ", and no profile of that name");
	if (!program[strspn(program, "0123456789")])
		error = error_hint(error, "try:   psample -p %s  if the "
				   "process was meant", program);
	if (command)
		error = error_hint(error, "try:   psample %s ...  if the "
				   "command was meant", command);
	if (is_here)
		error = error_hint(error, "try:   psample -- ./%s", program);
	return error;
}

/* It said EACCES. */
static struct error *explain_no_access(const char *program)
{
	struct error *error = error_errno(EACCES, "cannot run %s", program);
	struct stat st;

	if (stat(program, &st))
		return error;
	if (S_ISDIR(st.st_mode))
		return error_hint(error, "cause: it is a directory");
	if (S_ISREG(st.st_mode) && !(st.st_mode & 0111))
		error = error_hint(error, "cause: it is not executable "
					  "(chmod +x)");
	return error;
}

int run_report_exec_failure(const char *program, int err)
{
	struct error *error;

	if (err == ENOENT)
		error = explain_not_found(program);
	else if (err == EACCES)
		error = explain_no_access(program);
	else
		error = error_errno(err, "cannot run %s", program);
	print_error(error);
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

int run_end_as(int status)
{
	struct rlimit core = { 0, 0 };
	sigset_t set;
	int signal_number;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	signal_number = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &core);
	signal(signal_number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signal_number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	fflush(NULL);
	raise(signal_number);
	return 128 + signal_number;
}

/* -d is over and the program is not: it has the terminal, so stay. */
static int await_program(const struct run *run)
{
	int status = 0;

	if (run->options->kill_at_end)
		launch_signal(run->launch, SIGTERM);
	else if (!waitpid(run->pid, &status, WNOHANG))
		log_info("the program goes on; psample ends with it");
	while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int finish_launched(struct run *run, const char *program,
			   bool is_written)
{
	struct collect_exit end = collect_exit(run->collect);
	int status = end.status;

	if (end.exec_errno)
		return run_report_exec_failure(program, end.exec_errno);
	if (!end.has_ended && run->stop_requests > 1) /* told twice to end */
		return run_end_as(W_EXITCODE(0, run->raise_signal));
	if (!end.has_ended)
		status = await_program(run);
	if (!is_written)
		return EXIT_OWN_FAILURE;
	return run_end_as(status);
}

static void run_clear(struct run *run)
{
	collect_free(run->collect);
	guard_end(&run->guard);
	symbolizer_free(run->symbolizer);
	free(run->program);
	free(run->command_line);
	free(run->written);
}

static int run_all(struct run *run, char **argv, struct launch *launch)
{
	struct monitor *monitor = NULL;
	bool is_written = false;
	int failed = run->is_launched ? EXIT_OWN_FAILURE : EXIT_FAILED;
	struct error *error;

	run_describe(run, argv);
	run_set_own_limits();
	error = guard_start(&run->guard);
	if (!error)
		error = monitor_open(run, &monitor);
	if (!error)
		error = start(run, launch);
	if (error) {
		print_error(error);
		monitor_close(monitor);
		return failed;
	}
	monitor_tell(monitor, "sampling", NULL);
	monitor_watch(monitor);
	collect_join(run->collect);
	if (!collect_exit(run->collect).exec_errno)
		is_written = conclude(run, monitor);
	monitor_release_signals(monitor);
	monitor_close(monitor);
	if (run->is_launched)
		return finish_launched(run, argv[0], is_written);
	return is_written ? EXIT_DONE : EXIT_FAILED;
}

int run_record(struct record_options *options, char **argv)
{
	struct run run = {
		.options = options,
		.is_launched = argv[0] != NULL,
	};
	struct launch launch = LAUNCH_NONE;
	struct error *error;
	int status;

	if (options->event != EVENT_CPU && options->event != EVENT_WALL)
		return heap_run(options, argv);
	log_set_level((enum log_level)(LOG_NOTICE + options->verbosity < 0
			? 0 : LOG_NOTICE + options->verbosity));
	run.symbolizer = symbolizer_new(&options->symbol);
	error = output_check(options);
	if (!error && options->use_debuginfod)
		error = symbolizer_use_debuginfod(run.symbolizer);
	if (!error)
		error = run_choose_targets(options);
	if (!error && run.is_launched)
		error = launch_fork(argv, &launch);
	if (error) {
		print_error(error);
		symbolizer_free(run.symbolizer);
		return run.is_launched ? EXIT_OWN_FAILURE : EXIT_FAILED;
	}
	run.launch = &launch;
	run.pid = launch.pid;
	status = run_all(&run, argv, &launch);
	launch_close(&launch);
	run_clear(&run);
	return status;
}
