/* SPDX-License-Identifier: MIT */
/*
 * client_storm.c - profile cycles in a program that is busy with other
 * things: client_storm CYCLES PREFIX PLUGIN.
 *
 * Eight threads spend 3 : 1 in f and g, and one each also forks and waits for
 * any child, loads and unloads a library, sends signals to the others. Who
 * starts a cycle is another thread every time, and who ends it yet another.
 * Profiles are PREFIX.1 to PREFIX.CYCLES. At the end it tells what is not as
 * it was before. With -DGPERFTOOLS the cycles are ProfilerStart() and
 * ProfilerStop(); the rest is the same.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

#ifdef GPERFTOOLS
#include <gperftools/profiler.h>

static int profile_start(const char *file)
{
	return !ProfilerStart(file);
}

static int profile_stop(void)
{
	ProfilerStop();
	return 0;
}
#else
#include <psample.h>

static int told(int result, const struct psample_error *error)
{
	if (result)
		fprintf(stderr, "client_storm: %d %s\n", result, error->text);
	return result;
}

static int profile_start(const char *file)
{
	const struct psample_options options = {
		.size = sizeof(options),
		.file = file,
		.hz = 1000, /* as CPUPROFILE_FREQUENCY of the other */
	};
	struct psample_error error;

	return told(psample_start_with(&options, &error), &error);
}

static int profile_stop(void)
{
	struct psample_error error;

	return told(psample_stop(&error), &error);
}
#endif

enum { N_THREADS = 8, PIDS = 1 << 22, RUN_NS = 30000000 };

static const char *prefix, *plugin;
static int n_cycles;
static _Atomic int phase; /* even: cycle phase / 2 is to start; odd: to end */
static _Atomic uint64_t started_ns;
static _Atomic unsigned n_errors, n_alarms, n_usr1, n_forks, n_loads;
static _Atomic unsigned n_strange_waits, n_masks;
static pthread_t threads[N_THREADS];
static _Atomic uint8_t forked[PIDS], told_of[PIDS]; /* by pid */

static void on_alarm(int number)
{
	(void)number;
	n_alarms++;
}

static void on_usr1(int number)
{
	(void)number;
	n_usr1++;
}

static void on_child(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	told_of[(unsigned)info->si_pid % PIDS] = 1;
}

static void fork_once(void)
{
	pid_t child = fork();
	pid_t pid;

	if (child == 0)
		_exit(0);
	if (child < 0)
		return;
	forked[(unsigned)child % PIDS] = 1;
	do
		pid = wait(NULL); /* any child, as many programs do */
	while (pid < 0 && errno == EINTR);
	if (pid != child)
		n_strange_waits++;
	n_forks++;
}

static void load_once(void)
{
	void *library = dlopen(plugin, RTLD_NOW);
	uint64_t (*hot)(uint64_t);

	if (!library) {
		n_errors++;
		return;
	}
	hot = (uint64_t(*)(uint64_t))(uintptr_t)dlsym(library, "plugin_hot");
	if (hot)
		hot(1000);
	dlclose(library);
	n_loads++;
}

static void do_chore(int index, unsigned round)
{
	switch (index) {
	case 0:
		fork_once();
		break;
	case 1:
		load_once();
		break;
	case 2:
		pthread_kill(threads[round % N_THREADS], SIGUSR1);
		break;
	default:
		break;
	}
}

/* The start or the end, if it is this thread's turn. */
static void take_turn(int index)
{
	int now = phase, cycle = now / 2;
	char file[4096];

	if (now >= 2 * n_cycles || (cycle + 3 * (now % 2)) % N_THREADS != index)
		return;
	if (now % 2 == 0) {
		snprintf(file, sizeof(file), "%s.%d", prefix, cycle + 1);
		if (profile_start(file))
			n_errors++;
		started_ns = clock_read_ns(CLOCK_MONOTONIC);
		phase = now + 1;
	} else if (clock_read_ns(CLOCK_MONOTONIC) - started_ns > RUN_NS) {
		if (profile_stop())
			n_errors++;
		phase = now + 1;
	}
}

static void *run_thread(void *arg)
{
	int index = (int)(intptr_t)arg;
	sigset_t before, after;
	volatile uint64_t sink = 0;

	memset(&before, 0, sizeof(before)); /* 8 bytes are filled in */
	after = before;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	for (unsigned round = 0; phase < 2 * n_cycles; round++) {
		sink = f(150000);
		sink += g(50000);
		do_chore(index, round);
		take_turn(index);
	}
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	if (memcmp(&before, &after, sizeof(before)))
		n_masks++;
	return NULL;
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static void handle(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler,
				    .sa_flags = SA_RESTART };

	sigaction(number, &action, NULL);
}

struct surroundings {
	int n_fds, n_tasks;
	void *handlers[65];
};

static void read_surroundings(struct surroundings *s)
{
	memset(s, 0, sizeof(*s));
	s->n_fds = count_entries("/proc/self/fd");
	s->n_tasks = count_entries("/proc/self/task");
	for (int number = 1; number < 65; number++) {
		struct sigaction action;

		if (!sigaction(number, NULL, &action))
			s->handlers[number] =
				(void *)(uintptr_t)action.sa_handler;
	}
}

static void tell(const struct surroundings *before,
		 const struct surroundings *after)
{
	unsigned n_strangers = 0;

	for (unsigned pid = 0; pid < PIDS; pid++)
		n_strangers += told_of[pid] && !forked[pid];
	printf("cycles %d\nerrors %u\n", phase / 2, n_errors);
	printf("forks %u\nloads %u\nalarms %u\nusr1 %u\n", n_forks, n_loads,
	       n_alarms, n_usr1);
	printf("left_fds %d\n", after->n_fds - before->n_fds);
	printf("left_threads %d\n", after->n_tasks - before->n_tasks);
	printf("left_handlers %d\n", memcmp(before->handlers, after->handlers,
					    sizeof(before->handlers)) != 0);
	printf("left_masks %u\n", n_masks);
	printf("left_children %d\n",
	       waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD);
	printf("strange_waits %u\nstrange_sigchld %u\n", n_strange_waits,
	       n_strangers);
}

int main(int argc, char **argv)
{
	struct itimerval timer = { { 0, 2000 }, { 0, 2000 } };
	struct sigaction child = { .sa_sigaction = on_child,
				   .sa_flags = SA_RESTART | SA_SIGINFO };
	struct surroundings before, after;

	if (argc < 4)
		return 2;
	n_cycles = atoi(argv[1]);
	prefix = argv[2];
	plugin = argv[3];
	handle(SIGALRM, on_alarm);
	handle(SIGUSR1, on_usr1);
	sigaction(SIGCHLD, &child, NULL);
	read_surroundings(&before);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (intptr_t i = 0; i < N_THREADS; i++)
		threads[i] = pthread_self(); /* signals go somewhere */
	for (intptr_t i = 0; i < N_THREADS; i++)
		pthread_create(&threads[i], NULL, run_thread, (void *)i);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	timer = (struct itimerval){ 0 };
	setitimer(ITIMER_REAL, &timer, NULL);
	read_surroundings(&after);
	tell(&before, &after);
	return 0;
}
