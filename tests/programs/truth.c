/* SPDX-License-Identifier: MIT */
/*
 * truth.c - programs whose CPU shares are known: truth MODE SECONDS.
 *
 *   one          f 60 : g 40, one busy thread
 *   eight        f 50 : g 50, 8 busy threads
 *   eight-clock  f 50 : g 50, 8 busy threads that read their CPU clock
 *   sleep        200 us f, 100 us g, 1 ms usleep: about 62 : 31 : rest
 *   eight-sleep  8 threads of 1 ms f, 0.5 ms g, 2 ms usleep: 66 : 33 : rest
 *   crowd        4 threads of 5 ms f, 10 ms g, 20 ms usleep, 4 that run g
 *                without a pause: about 17 : 83
 *   timer        1 ms f, 1 ms g at every tick of a 10 ms timer: 50 : 50
 *   calls        60 us f, 40 us g, getppid(): 60 : 40 : hardly anything
 *   io           8 threads of 6 us f, 3 us g, a read of 512 KiB of zeros: the
 *                kernel has about half, and f has twice what g has
 *   churn        threads of 1 ms f, 1 ms g, 4 at a time: 50 : 50 : rest
 *
 * It prints "ready" when the work begins, and at its end what a profile of
 * the whole run must show: "truth f P", "truth g P", "truth call P" (percent;
 * call is all that is neither f nor g), "cpu_ns N" (exact, of the process)
 * and "drift P" (how far the cost of an iteration moved between start and
 * end, percent: above 3 the machine was too busy to tell).
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "work.h"

enum { N_BUSY = 8, N_CHURN = 4, ZEROS = 1 << 19, MEASURED_OF = 32 };

struct measured {
	uint64_t n, ns;
};

struct job {
	double seconds;		/* of wall time, roughly */
	double n_cpus;
	double iterations_per_us;
	bool read_clock;
	_Atomic uint64_t n_f, n_g;
	struct measured f, g; /* of bursts, see run_burst() */
};

struct mode {
	const char *name;
	void (*run)(struct job *job);
};

static uint64_t iterations(const struct job *job, double us)
{
	return (uint64_t)(us * job->iterations_per_us);
}

/* @n_rounds rounds of f, g and, where @sleep_us is not 0, a blocking call. */
static void run_rounds(struct job *job, uint64_t n_rounds, double f_us,
		       double g_us, unsigned sleep_us)
{
	uint64_t n_f = iterations(job, f_us), n_g = iterations(job, g_us);
	volatile uint64_t sink __attribute__((unused)) = 0;

	for (uint64_t i = 0; i < n_rounds; i++) {
		sink += f(n_f);
		if (job->read_clock)
			sink += clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
		sink += g(n_g);
		if (job->read_clock)
			sink += clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
		if (sleep_us != 0)
			usleep(sleep_us);
	}
	job->n_f += n_rounds * n_f;
	job->n_g += n_rounds * n_g;
}

/*
 * f and g after a sleep cost more than the same work in a long run: the core
 * comes out of its idle state with other caches and another clock. So the
 * cost of an iteration is measured in place, in one of 32 rounds.
 */
static void run_burst(struct job *job, uint64_t i, double f_us, double g_us)
{
	const clockid_t clock = CLOCK_THREAD_CPUTIME_ID;
	uint64_t start, between;

	if (i % MEASURED_OF) {
		run_rounds(job, 1, f_us, g_us, 0);
		return;
	}
	start = clock_read_ns(clock);
	run_rounds(job, 1, f_us, 0, 0);
	between = clock_read_ns(clock);
	run_rounds(job, 1, 0, g_us, 0);
	job->g.ns += clock_read_ns(clock) - between;
	job->f.ns += between - start;
	job->f.n += iterations(job, f_us);
	job->g.n += iterations(job, g_us);
}

static void run_threads(struct job *job, void *(*body)(void *))
{
	pthread_t threads[N_BUSY];

	for (int i = 0; i < N_BUSY; i++)
		pthread_create(&threads[i], NULL, body, job);
	for (int i = 0; i < N_BUSY; i++)
		pthread_join(threads[i], NULL);
}

static void run_one(struct job *job)
{
	run_rounds(job, (uint64_t)(job->seconds * 200), 3000, 2000, 0);
}

static void *busy_thread(void *arg)
{
	struct job *job = arg;
	double cpu_us = job->seconds * 1e6 * job->n_cpus / N_BUSY;

	run_rounds(job, (uint64_t)(cpu_us / 2000), 1000, 1000, 0);
	return NULL;
}

static void run_eight(struct job *job)
{
	run_threads(job, busy_thread);
}

static void run_eight_clock(struct job *job)
{
	job->read_clock = true;
	run_threads(job, busy_thread);
}

static void run_sleep(struct job *job)
{
	uint64_t n = (uint64_t)(job->seconds * 1e6 / 1360);

	for (uint64_t i = 0; i < n; i++) {
		run_burst(job, i, 200, 100);
		usleep(1000);
	}
}

static void *bursty_thread(void *arg)
{
	struct job *job = arg;
	double cpus = job->n_cpus < 3.3 ? job->n_cpus : 3.3;
	double cpu_us = job->seconds * 1e6 * cpus / N_BUSY;

	run_rounds(job, (uint64_t)(cpu_us / 1500), 1000, 500, 2000);
	return NULL;
}

static void run_eight_sleep(struct job *job)
{
	run_threads(job, bursty_thread);
}

/* More want a core than there are; some of them sleep in between. */
static void *crowd_thread(void *arg)
{
	static _Atomic unsigned n_made;
	struct job *job = arg;
	double cpu_us = job->seconds * 1e6 * job->n_cpus / N_BUSY;
	uint64_t n = (uint64_t)(cpu_us / 15000);

	if (n_made++ % 2)
		run_rounds(job, n, 5000, 10000, 20000);
	else
		run_rounds(job, n, 0, 15000, 0);
	return NULL;
}

static void run_crowd(struct job *job)
{
	run_threads(job, crowd_thread);
}

static void run_timer(struct job *job)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec tick = {
		.it_interval = { .tv_nsec = 10000000 },
		.it_value = { .tv_nsec = 10000000 },
	};
	uint64_t n_ticks = (uint64_t)(job->seconds * 100);
	uint64_t n_expired;

	timerfd_settime(fd, 0, &tick, NULL);
	for (uint64_t i = 0; i < n_ticks; i++) {
		if (read(fd, &n_expired, sizeof(n_expired)) < 0)
			perror("timerfd");
		run_burst(job, i, 1000, 1000);
	}
	close(fd);
}

/* A stop asked for in user code may take effect at the exit of a call that
 * was made before the request arrived: the call then has f's and g's time. */
static void run_calls(struct job *job)
{
	uint64_t n = (uint64_t)(job->seconds * 10000);

	for (uint64_t i = 0; i < n; i++) {
		run_rounds(job, 1, 60, 40, 0);
		syscall(SYS_getppid);
	}
}

/* Where the kernel is not preempted, a thread that is mostly in calls is
 * displaced at their returns: it must not be taken for one just woken. */
static void *io_thread(void *arg)
{
	struct job *job = arg;
	double cpu_us = job->seconds * 1e6 * job->n_cpus / N_BUSY;
	char *zeros = malloc(ZEROS);
	int fd = open("/dev/zero", O_RDONLY);

	for (uint64_t i = 0; i < (uint64_t)(cpu_us / 19); i++) {
		run_rounds(job, 1, 6, 3, 0);
		if (read(fd, zeros, ZEROS) != ZEROS)
			perror("/dev/zero");
	}
	close(fd);
	free(zeros);
	return NULL;
}

static void run_io(struct job *job)
{
	run_threads(job, io_thread);
}

static void *short_thread(void *arg)
{
	run_rounds(arg, 1, 1000, 1000, 0);
	return NULL;
}

static void run_churn(struct job *job)
{
	double n_threads = job->seconds * 1e6 * job->n_cpus / 2000;
	pthread_t ring[N_CHURN];
	uint64_t n = (uint64_t)n_threads;

	for (uint64_t i = 0; i < n + N_CHURN; i++) {
		if (i >= N_CHURN)
			pthread_join(ring[i % N_CHURN], NULL);
		if (i < n)
			pthread_create(&ring[i % N_CHURN], NULL, short_thread,
				       job);
	}
}

static const struct mode modes[] = {
	{ "one", run_one },
	{ "eight", run_eight },
	{ "eight-clock", run_eight_clock },
	{ "sleep", run_sleep },
	{ "eight-sleep", run_eight_sleep },
	{ "crowd", run_crowd },
	{ "timer", run_timer },
	{ "calls", run_calls },
	{ "io", run_io },
	{ "churn", run_churn },
};

static const struct mode *mode_find(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	return NULL;
}

static double cpus_allowed(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
}

/* Percent: the counted iterations of f or g, and of the calibration. */
static double share(const struct measured *in_place, uint64_t n,
		    uint64_t n_calibration, double cost_ns, double cpu_ns)
{
	double run_ns = in_place->n
			? (double)in_place->ns / (double)in_place->n : cost_ns;

	return 100 / cpu_ns * ((double)n * run_ns +
			       (double)n_calibration * cost_ns);
}

static void print_truth(const struct job *job,
			const struct calibration *calibration, double cost_ns)
{
	double cpu = (double)clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
	double share_f = share(&job->f, job->n_f, calibration->n_f, cost_ns,
			       cpu);
	double share_g = share(&job->g, job->n_g, calibration->n_g, cost_ns,
			       cpu);
	double sum = share_f + share_g;

	if (sum > 100) {	/* the calibration's own error */
		share_f *= 100 / sum;
		share_g *= 100 / sum;
		sum = 100;
	}
	printf("truth f %.1f\ntruth g %.1f\n", share_f, share_g);
	printf("truth call %.1f\ncpu_ns %.0f\n", 100 - sum, cpu);
}

int main(int argc, char **argv)
{
	const struct mode *mode = argc == 3 ? mode_find(argv[1]) : NULL;
	struct calibration calibration = { .n_costs = 0 };

	if (mode == NULL) {
		fputs("usage: truth MODE SECONDS\n", stderr);
		return 2;
	}

	double cost_ns = calibrate(&calibration);
	struct job job = {
		.seconds = atof(argv[2]),
		.n_cpus = cpus_allowed(),
		.iterations_per_us = 1000 / cost_ns,
	};

	puts("ready");
	fflush(stdout);
	mode->run(&job);

	double all_ns = calibrate(&calibration);

	print_truth(&job, &calibration, all_ns);
	printf("drift %.1f\n", 200 * (all_ns / cost_ns - 1));
	return 0;
}
