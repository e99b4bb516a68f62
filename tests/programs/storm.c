/* SPDX-License-Identifier: MIT */
/*
 * storm.c - births, deaths and changes by the thousand: storm KIND SECONDS [N]
 *
 * clone    threads that end at once, four at a time
 * fork     children that end at once, vfork: that execute this program
 * names    a thread that renames itself all the time
 * daemon   a grandchild works on when parent and child have ended
 * leader   the first thread ends first, two others work on; status 5
 * untraced a thread made with CLONE_UNTRACED works next to another one
 * exec     threads that end at once, until one of them executes this program,
 *          which then works for SECONDS; status 7
 * reused   the first process ends with 3; then one of its number with 7 (in a
 *          pid namespace of its own)
 * many     N threads (10,000) that sleep; they all end together
 *
 * Prints "ready", and at the end "KIND done N per_second R wrong W": W counts
 * children that did not end as they should; the status is 0 if there are none.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

enum { AT_ONCE = 4, CHILD_STATUS = 7, STACK_BYTES = 65536 };

struct storm {
	const char *kind;
	double seconds;
	int n;		/* as asked for */
	unsigned n_done, n_wrong;
};

WORK uint64_t untraced_hot(uint64_t n)
{
	return spin(n, 83);
}

WORK uint64_t leaderless_hot(uint64_t n)
{
	return spin(n, 89);
}

static bool goes_on(const struct storm *storm, uint64_t start_ns)
{
	return (double)(clock_read_ns(CLOCK_MONOTONIC) - start_ns) <
	       storm->seconds * 1e9;
}

static void *thread_end(void *arg)
{
	return arg;
}

static void storm_clone(struct storm *storm)
{
	uint64_t start_ns = clock_read_ns(CLOCK_MONOTONIC);
	pthread_t threads[AT_ONCE];
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	while (goes_on(storm, start_ns)) {
		for (int i = 0; i < AT_ONCE; i++)
			if (pthread_create(&threads[i], &attr, thread_end,
					   storm) != 0)
				_exit(99);
		for (int i = 0; i < AT_ONCE; i++) {
			void *result = NULL;

			pthread_join(threads[i], &result);
			storm->n_wrong += result != storm;
			storm->n_done++;
		}
	}
}

static void await_child(struct storm *storm, pid_t pid)
{
	int status = 0;

	if (pid < 0 || waitpid(pid, &status, 0) != pid ||
	    !WIFEXITED(status) || WEXITSTATUS(status) != CHILD_STATUS)
		storm->n_wrong++;
	storm->n_done++;
}

static void storm_fork(struct storm *storm)
{
	uint64_t start_ns = clock_read_ns(CLOCK_MONOTONIC);

	while (goes_on(storm, start_ns)) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(CHILD_STATUS);
		await_child(storm, pid);
	}
}

static void storm_vfork(struct storm *storm)
{
	uint64_t start_ns = clock_read_ns(CLOCK_MONOTONIC);
	char name[] = "storm", kind[] = "child";
	char *argv[] = { name, kind, NULL };

	while (goes_on(storm, start_ns)) {
		pid_t pid = vfork();

		if (pid == 0) {
			execv("/proc/self/exe", argv);
			_exit(98);
		}
		await_child(storm, pid);
	}
}

static void storm_names(struct storm *storm)
{
	uint64_t start_ns = clock_read_ns(CLOCK_MONOTONIC);
	char name[16];

	while (goes_on(storm, start_ns)) {
		snprintf(name, sizeof(name), "x) R 1 %u\n\t", storm->n_done);
		prctl(PR_SET_NAME, name);
		storm->n_done++;
	}
}

/* What the grandchild has to say comes through a pipe. */
static void storm_daemon(struct storm *storm)
{
	int fds[2];
	char byte = 0;

	if (pipe(fds) != 0 || fork() != 0) {
		close(fds[1]);
		if (storm->n) /* the first process waits; else it is gone */
			storm->n_wrong += read(fds[0], &byte, 1) != 1;
		return;
	}
	setsid();
	if (fork() != 0)
		_exit(0);
	burn_ms(f, (unsigned)(storm->seconds * 1000));
	_exit(write(fds[1], "x", 1) == 1 ? 0 : 1);
}

static void *leaderless_run(void *arg)
{
	struct storm *storm = arg;

	burn_ms(leaderless_hot, (unsigned)(storm->seconds * 1000));
	if (__atomic_add_fetch(&storm->n_done, 1, __ATOMIC_SEQ_CST) == 2) {
		puts("leader done 2 per_second 0 wrong 0");
		fflush(stdout);
		_exit(5);
	}
	return NULL;
}

static void storm_leader(struct storm *storm)
{
	pthread_t thread;

	for (int i = 0; i < 2; i++)
		pthread_create(&thread, NULL, leaderless_run, storm);
	pthread_exit(NULL);
}

static int untraced_run(void *arg)
{
	struct storm *storm = arg;
	uint64_t start_ns = clock_read_ns(CLOCK_MONOTONIC);

	while (goes_on(storm, start_ns))
		untraced_hot(100000);
	__atomic_add_fetch(&storm->n_done, 1, __ATOMIC_SEQ_CST);
	for (;;) /* no thread of libc's: it ends with the process */
		syscall(SYS_pause);
	return 0;
}

static void storm_untraced(struct storm *storm)
{
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
		    CLONE_THREAD | CLONE_SYSVSEM | CLONE_UNTRACED;

	if (stack == MAP_FAILED ||
	    clone(untraced_run, stack + STACK_BYTES, flags, storm) < 0)
		_exit(99);
	burn_ms(f, (unsigned)(storm->seconds * 1000));
	while (__atomic_load_n(&storm->n_done, __ATOMIC_SEQ_CST) == 0)
		usleep(1000);
}

/* The next process gets @pid, if nobody else is born meanwhile. */
static bool wish_for(pid_t pid)
{
	FILE *file = fopen("/proc/sys/kernel/ns_last_pid", "w");
	bool is_done = file && fprintf(file, "%d", (int)pid - 1) > 0;

	return file && fclose(file) == 0 && is_done;
}

static void storm_reused(struct storm *storm)
{
	pid_t first = getpid(), pid = 0;

	(void)storm;
	if (fork() != 0)
		_exit(3);
	while (getppid() == first)
		usleep(10000);
	usleep(200000); /* until it was reaped */
	for (int i = 0; i < 50 && pid != first && wish_for(first); i++) {
		pid = fork();
		if (pid == 0)
			_exit(CHILD_STATUS);
		waitpid(pid, NULL, 0);
	}
	fprintf(stderr, "%s\n", pid == first ? "reused" : "not reused");
	_exit(0);
}

static void *exec_after(void *arg)
{
	const struct storm *storm = arg;
	char name[] = "storm", kind[] = "after", seconds[32];
	char *argv[] = { name, kind, seconds, NULL };

	snprintf(seconds, sizeof(seconds), "%g", storm->seconds);
	execv("/proc/self/exe", argv);
	_exit(98);
	return NULL;
}

static void storm_exec(struct storm *storm)
{
	struct storm before = { .seconds = 0.05 };
	pthread_t thread;

	storm_clone(&before);
	pthread_create(&thread, NULL, exec_after, storm);
	pthread_join(thread, NULL);
}

static void *sleep_forever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void storm_many(struct storm *storm)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	for (int i = 0; i < storm->n; i++) {
		if (pthread_create(&thread, &attr, sleep_forever, NULL) != 0)
			storm->n_wrong++;
		else
			storm->n_done++;
	}
	puts("ready");
	fflush(stdout);
	usleep((useconds_t)(storm->seconds * 1e6));
}

static const struct {
	const char *name;
	void (*run)(struct storm *storm);
} kinds[] = {
	{ "clone", storm_clone },   { "fork", storm_fork },
	{ "vfork", storm_vfork },   { "names", storm_names },
	{ "daemon", storm_daemon }, { "leader", storm_leader },
	{ "many", storm_many },	    { "untraced", storm_untraced },
	{ "exec", storm_exec },	    { "reused", storm_reused },
};

int main(int argc, char **argv)
{
	static struct storm storm;
	uint64_t start_ns = clock_read_ns(CLOCK_MONOTONIC);
	double took;

	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return CHILD_STATUS;
	if (argc > 2 && strcmp(argv[1], "after") == 0) {
		burn_ms(f, (unsigned)(atof(argv[2]) * 1000));
		return CHILD_STATUS;
	}
	storm.kind = argc > 1 ? argv[1] : "clone";
	storm.seconds = argc > 2 ? atof(argv[2]) : 1;
	storm.n = argc > 3 ? atoi(argv[3]) : 0;
	if (strcmp(storm.kind, "many") != 0)
		puts("ready");
	fflush(stdout);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, storm.kind) == 0)
			kinds[i].run(&storm);
	took = (double)(clock_read_ns(CLOCK_MONOTONIC) - start_ns) / 1e9;
	printf("%s done %u per_second %.0f wrong %u\n", storm.kind,
	       storm.n_done, storm.n_done / took, storm.n_wrong);
	fflush(stdout);
	_exit(storm.n_wrong != 0);
}
