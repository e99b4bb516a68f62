/* SPDX-License-Identifier: MIT */
/*
 * blocked.c - many threads that sleep, one that works, one that wakes late:
 * blocked SECONDS [N].
 *
 * N threads (1,000) block for good: a third each in futex, read and
 * nanosleep. Thread "busy" burns in busy_burn from start to end; thread
 * "late" sleeps for 0.6 SECONDS and then burns 200 ms in late_burn. A thread
 * that is stopped has to be scheduled, so its count of context switches tells:
 * "moved N" at the end is the number of blocked threads whose count changed
 * between "ready" and the end (0 unless somebody stopped one). Then, for
 * every thread, "thread NAME NS": how long it existed. "late_ns" is the CPU
 * that late_burn took, "late_wall_ns" how long it took, "cpu_ns" the CPU of
 * the process.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "work.h"

enum { MAX_THREADS = 20000, LATE_MS = 200 };

struct sleeper {
	int index;
	int pipe_fd;
	_Atomic int tid;
	uint64_t born_ns;
	long n_switches;
};

struct run {
	double seconds;
	_Atomic int stop;
	uint64_t busy_born_ns, late_born_ns, late_cpu_ns, late_wall_ns;
};

WORK uint64_t busy_burn(uint64_t n)
{
	return spin(n, 5);
}

WORK uint64_t late_burn(uint64_t n)
{
	return spin(n, 7);
}

static void sleep_ns(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / 1000000000),
			      .tv_nsec = (long)(ns % 1000000000) };

	nanosleep(&t, NULL);
}

static void *sleeper_run(void *arg)
{
	struct sleeper *s = arg;
	uint32_t word = 0;
	char name[16], byte;

	snprintf(name, sizeof(name), "b%d", s->index);
	pthread_setname_np(pthread_self(), name);
	s->tid = (int)gettid();
	switch (s->index % 3) {
	case 0:
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
		break;
	case 1:
		return (void *)(intptr_t)read(s->pipe_fd, &byte, 1);
	default:
		sleep(3600);
	}
	return NULL;
}

static void *busy_run(void *arg)
{
	struct run *run = arg;
	volatile uint64_t sink __attribute__((unused)) = 0;

	pthread_setname_np(pthread_self(), "busy");
	while (!run->stop)
		sink += busy_burn(1000000);
	return NULL;
}

static void *late_run(void *arg)
{
	struct run *run = arg;
	uint64_t start, awake;

	pthread_setname_np(pthread_self(), "late");
	sleep_ns((uint64_t)(run->seconds * .6e9));
	start = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	awake = clock_read_ns(CLOCK_MONOTONIC);
	burn_ms(late_burn, LATE_MS);
	run->late_wall_ns = clock_read_ns(CLOCK_MONOTONIC) - awake;
	run->late_cpu_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	sleep(3600);
	return NULL;
}

/* Both kinds of switches of thread @tid, or -1 unless it sleeps. */
static long switches_read(int tid)
{
	char path[64], line[256], state = '?';
	long n, sum = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	file = fopen(path, "r");
	if (file == NULL)
		return -1;
	while (fgets(line, sizeof(line), file) != NULL) {
		sscanf(line, "State: %c", &state);
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %ld", &n) == 1)
			sum += n;
	}
	fclose(file);
	return state == 'S' ? sum : -1;
}

static void sleepers_start(struct sleeper *sleepers, int n)
{
	pthread_attr_t small;
	pthread_t thread;
	int pipe_fds[2];

	if (pipe(pipe_fds) != 0)
		perror("pipe");
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (int i = 0; i < n; i++) {
		sleepers[i].index = i;
		sleepers[i].pipe_fd = pipe_fds[0];
		sleepers[i].born_ns = clock_read_ns(CLOCK_MONOTONIC);
		pthread_create(&thread, &small, sleeper_run, &sleepers[i]);
	}
	pthread_attr_destroy(&small);
}

/* Wait until each sleeper sleeps: two equal counts, some time apart. */
static void sleepers_settle(struct sleeper *sleepers, int n)
{
	int n_settled;

	do {
		n_settled = 0;
		sleep_ns(100000000);
		for (int i = 0; i < n; i++) {
			long now = sleepers[i].tid == 0 ?
				-1 : switches_read(sleepers[i].tid);

			n_settled += now >= 0 && now == sleepers[i].n_switches;
			sleepers[i].n_switches = now;
		}
	} while (n_settled < n);
	puts("ready");
	fflush(stdout);
}

static void report(const struct run *run, const struct sleeper *sleepers,
		   int n)
{
	uint64_t end;
	int n_moved = 0;

	for (int i = 0; i < n; i++)
		n_moved += switches_read(sleepers[i].tid) !=
			   sleepers[i].n_switches;
	end = clock_read_ns(CLOCK_MONOTONIC);
	printf("moved %d\nlate_ns %lu\nlate_wall_ns %lu\ncpu_ns %lu\n",
	       n_moved, run->late_cpu_ns, run->late_wall_ns,
	       clock_read_ns(CLOCK_PROCESS_CPUTIME_ID));
	printf("thread busy %lu\n", end - run->busy_born_ns);
	printf("thread late %lu\n", end - run->late_born_ns);
	for (int i = 0; i < n; i++)
		printf("thread b%d %lu\n", i, end - sleepers[i].born_ns);
}

int main(int argc, char **argv)
{
	static struct sleeper sleepers[MAX_THREADS];
	struct run run = { .seconds = argc > 1 ? atof(argv[1]) : 10 };
	int n = argc > 2 ? atoi(argv[2]) : 1000;
	pthread_t busy, late;

	if (n < 0 || n > MAX_THREADS)
		return 2;
	sleepers_start(sleepers, n);
	sleepers_settle(sleepers, n);
	run.busy_born_ns = clock_read_ns(CLOCK_MONOTONIC);
	pthread_create(&busy, NULL, busy_run, &run);
	run.late_born_ns = clock_read_ns(CLOCK_MONOTONIC);
	pthread_create(&late, NULL, late_run, &run);
	sleep_ns((uint64_t)(run.seconds * 1e9));
	report(&run, sleepers, n);
	fflush(stdout);
	_exit(0);
}
