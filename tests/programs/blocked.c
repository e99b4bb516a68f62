/* SPDX-License-Identifier: MIT */
/*
 * blocked.c - many threads that sleep, one that works, some that wake late:
 * blocked SECONDS [N [LATE [processes]]].
 *
 * N threads (1,000) block for good: a third each in futex, read and
 * nanosleep. Thread "busy" burns in busy_burn from start to end. Thread "late"
 * sleeps for 0.6 SECONDS and then burns 200 ms in late_burn; of LATE threads
 * "late0", "late1" ... each one has its time between 0.3 and 0.9 SECONDS. With
 * "processes" all these are processes of one thread. A thread that is stopped
 * has to be scheduled, so its count of context switches tells: "moved N" at
 * the end is the number of blocked threads whose count changed between "ready"
 * and the end (0 unless somebody stopped one). Then, for every thread,
 * "thread NAME NS": how long it existed. "late_ns" is the CPU that the first
 * late_burn took, "late_wall_ns" how long it took, "late_due_ns" how long with
 * the wait for a core before it, "cpu_ns" the CPU of the process.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "work.h"

enum { MAX_THREADS = 20000, MAX_LATE = 1000, LATE_MS = 200 };

struct sleeper {
	int index;
	int pipe_fd;
	_Atomic int tid;
	uint64_t born_ns;
	long n_switches;
};

struct late {
	char name[16];
	uint64_t sleep_ns, born_ns;
	uint64_t cpu_ns, wall_ns, due_wall_ns;
};

struct run { /* shared by all processes */
	double seconds;
	bool has_processes;
	_Atomic int stop;
	uint64_t busy_born_ns;
	int n, n_late;
	struct sleeper sleepers[MAX_THREADS];
	struct late late[MAX_LATE];
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

/* A thread with a small stack, or a process that ends with its parent. */
static void start(const struct run *run, void *(*body)(void *), void *arg)
{
	pthread_attr_t small;
	pthread_t thread;

	if (run->has_processes) {
		if (fork() != 0)
			return;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		body(arg);
		_exit(0);
	}
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	pthread_create(&thread, &small, body, arg);
	pthread_attr_destroy(&small);
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
	struct late *late = arg;
	uint64_t start_ns, awake_ns, due_ns;

	pthread_setname_np(pthread_self(), late->name);
	due_ns = clock_read_ns(CLOCK_MONOTONIC) + late->sleep_ns;
	sleep_ns(late->sleep_ns);
	start_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	awake_ns = clock_read_ns(CLOCK_MONOTONIC);
	burn_ms(late_burn, LATE_MS);
	late->wall_ns = clock_read_ns(CLOCK_MONOTONIC) - awake_ns;
	late->due_wall_ns = clock_read_ns(CLOCK_MONOTONIC) - due_ns;
	late->cpu_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
	sleep(3600);
	return NULL;
}

static void late_start(struct run *run)
{
	for (int i = 0; i < run->n_late; i++) {
		struct late *late = &run->late[i];

		snprintf(late->name, sizeof(late->name), "late%d", i);
		if (run->n_late == 1)
			strcpy(late->name, "late");
		late->sleep_ns = (uint64_t)((.3 + .6 * (i + .5) / run->n_late) *
					    run->seconds * 1e9);
		late->born_ns = clock_read_ns(CLOCK_MONOTONIC);
		start(run, late_run, late);
	}
}

/* Both kinds of switches of thread @tid, or -1 unless it sleeps. */
static long switches_read(int tid)
{
	char path[64], line[256], state = '?';
	long n, sum = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
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

static void sleepers_start(struct run *run)
{
	int pipe_fds[2];

	if (pipe(pipe_fds) != 0)
		perror("pipe");
	for (int i = 0; i < run->n; i++) {
		struct sleeper *s = &run->sleepers[i];

		s->index = i;
		s->pipe_fd = pipe_fds[0];
		s->born_ns = clock_read_ns(CLOCK_MONOTONIC);
		start(run, sleeper_run, s);
	}
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

static void report(const struct run *run)
{
	uint64_t end;
	int n_moved = 0;

	for (int i = 0; i < run->n; i++)
		n_moved += switches_read(run->sleepers[i].tid) !=
			   run->sleepers[i].n_switches;
	end = clock_read_ns(CLOCK_MONOTONIC);
	printf("moved %d\nlate_ns %lu\nlate_wall_ns %lu\ncpu_ns %lu\n",
	       n_moved, run->late[0].cpu_ns, run->late[0].wall_ns,
	       clock_read_ns(CLOCK_PROCESS_CPUTIME_ID));
	printf("late_due_ns %lu\n", run->late[0].due_wall_ns);
	printf("thread busy %lu\n", end - run->busy_born_ns);
	for (int i = 0; i < run->n_late; i++)
		printf("thread %s %lu\n", run->late[i].name,
		       end - run->late[i].born_ns);
	for (int i = 0; i < run->n; i++)
		printf("thread b%d %lu\n", i, end - run->sleepers[i].born_ns);
}

int main(int argc, char **argv)
{
	struct run *run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (run == MAP_FAILED)
		return 1;
	run->seconds = argc > 1 ? atof(argv[1]) : 10;
	run->n = argc > 2 ? atoi(argv[2]) : 1000;
	run->n_late = argc > 3 ? atoi(argv[3]) : 1;
	run->has_processes = argc > 4;
	if (run->n < 0 || run->n > MAX_THREADS || run->n_late < 1 ||
	    run->n_late > MAX_LATE)
		return 2;
	sleepers_start(run);
	sleepers_settle(run->sleepers, run->n);
	run->busy_born_ns = clock_read_ns(CLOCK_MONOTONIC);
	start(run, busy_run, run);
	late_start(run);
	sleep_ns((uint64_t)(run->seconds * 1e9));
	report(run);
	fflush(stdout);
	_exit(0);
}
