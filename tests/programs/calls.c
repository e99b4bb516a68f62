/* SPDX-License-Identifier: MIT */
/*
 * calls.c - does anybody notice a profiler? calls SECONDS [--seccomp] [NAME..]
 *
 * Each case of the tables of calls.h in a process of its own, all at once:
 * it burns 20-220 us, so that it is often met on its way into the call, then
 * blocks in the call for 20 ms, and so on. Prints a line for each case:
 *
 *	epoll_wait calls 90 as_wanted 90 eintr 0 short 0 early 0 other 0
 *		late_p50_us 61 late_max_us 190
 *
 * (as one line), "ready" before and "end" behind. With nobody watching all
 * are as wanted. With --seccomp a filter kills who calls restart_syscall(2).
 * A case that this machine cannot run says "unavailable".
 */
#include "calls.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { MAX_LATE = 4096, MAX_CASES = 128, EARLY_SLACK_US = 4500 /* a jiffy */ };

struct counts {
	unsigned n_calls, n_wanted, n_eintr, n_short, n_early, n_other;
	unsigned n_late;
	long other;	/* the last one of the others */
	int other_errno;
	double late_us[MAX_LATE];
};

struct run {
	double seconds;
	bool has_seccomp;
	int go[2];	/* to the thread that wakes the caller */
};

struct peer {
	struct scene *scene;
	int go_fd;
};

static const struct call_case *const tables[] = {
	calls_time, calls_ipc, calls_net, calls_file, calls_signal, calls_ring,
};

static void *peer_run(void *arg)
{
	struct peer *peer = arg;
	struct timespec t = timespec_wait();
	sigset_t all;
	char byte;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (read(peer->go_fd, &byte, 1) == 1) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
		peer->scene->what->wake(peer->scene);
	}
	return NULL;
}

/* restart_syscall(2) is what a filter of a careful program forgets. */
static int forbid_restart_syscall(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_restart_syscall, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void count(struct counts *c, const struct call_case *what, long result,
		  double us)
{
	int err = result < 0 ? errno : 0;
	bool is_wanted = result == what->want && err == what->want_errno;
	double late_us = us - WAIT_MS * 1000;

	c->n_calls++;
	if (!is_wanted && err == EINTR)
		c->n_eintr++;
	else if (!is_wanted && result >= 0 && result < what->want)
		c->n_short++;
	else if (!is_wanted) {
		c->n_other++;
		c->other = result;
		c->other_errno = err;
	} else if (!what->is_instant && late_us < -EARLY_SLACK_US)
		c->n_early++;
	else
		c->n_wanted++;
	if (is_wanted && c->n_late < MAX_LATE)
		c->late_us[c->n_late++] = what->is_instant ? us : late_us;
}

static void print_counts(struct counts *c, const char *name)
{
	char line[512];
	int n;

	qsort(c->late_us, c->n_late, sizeof(double), double_compare);
	n = snprintf(line, sizeof(line),
		     "%s calls %u as_wanted %u eintr %u short %u early %u "
		     "other %u", name, c->n_calls, c->n_wanted, c->n_eintr,
		     c->n_short, c->n_early, c->n_other);
	if (c->n_late > 0)
		n += snprintf(line + n, sizeof(line) - (size_t)n,
			      " late_p50_us %.0f late_max_us %.0f",
			      c->late_us[c->n_late / 2],
			      c->late_us[c->n_late - 1]);
	if (c->n_other > 0)
		n += snprintf(line + n, sizeof(line) - (size_t)n,
			      " last_other %ld errno %d", c->other,
			      c->other_errno);
	line[n++] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)n) != n) /* one piece */
		_exit(1);
}

static double now_us(void)
{
	return (double)clock_read_ns(CLOCK_MONOTONIC) / 1000;
}

/* Leave some CPU to others; take a signal that was sent twice. */
static void pause_briefly(struct scene *s)
{
	struct timespec t = { .tv_nsec = 10 * NS_PER_MS }, none = { 0 };
	sigset_t set;

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) != 0)
		;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (s->is_resent)
		sigtimedwait(&set, NULL, &none);
	s->is_resent = false;
}

static void run_calls(struct scene *s, const struct run *run, struct counts *c)
{
	double end_us = now_us() + run->seconds * 1e6;
	volatile uint64_t sink __attribute__((unused)) = 0;
	unsigned seed = (unsigned)getpid();

	while (now_us() < end_us) {
		double start_us;
		long result;

		if (s->what->ready != NULL && s->what->ready(s) != 0) {
			c->n_other++;
			c->other_errno = errno;
			return;
		}
		sink += f(15000 + (unsigned)rand_r(&seed) % 150000);
		start_us = now_us();
		if (s->what->wake != NULL)
			put_byte(run->go[1]);
		result = s->what->call(s);
		s->n_back++;
		count(c, s->what, result, now_us() - start_us);
		if (s->what->is_instant || s->is_resent)
			pause_briefly(s);
	}
}

/* In a process of its own. */
static void __attribute__((noreturn)) case_main(const struct call_case *what,
						struct run *run)
{
	static struct counts counts;
	static struct scene scene;
	struct peer peer = { .scene = &scene };
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, what->name);
	scene.what = what;
	scene.caller = pthread_self();
	if (what->open(&scene) < 0 || pipe(run->go) != 0) {
		dprintf(STDOUT_FILENO, "%s unavailable: %s\n", what->name,
			strerror(errno));
		_exit(0);
	}
	if (run->has_seccomp && forbid_restart_syscall() != 0)
		_exit(3);
	peer.go_fd = run->go[0];
	if (what->wake != NULL)
		pthread_create(&thread, NULL, peer_run, &peer);
	run_calls(&scene, run, &counts);
	print_counts(&counts, what->name);
	_exit(0);
}

static bool is_asked_for(const char *name, char **names)
{
	for (int i = 0; names[i] != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return names[0] == NULL;
}

static int start_cases(struct run *run, char **names, pid_t *pids)
{
	int n = 0;

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct call_case *c = tables[t]; c->name; c++) {
			if (!is_asked_for(c->name, names))
				continue;
			pids[n] = fork();
			if (pids[n++] == 0)
				case_main(c, run);
		}
	return n;
}

int main(int argc, char **argv)
{
	struct run run = { .seconds = argc > 1 ? atof(argv[1]) : 2 };
	char **names = argv + (argc > 1 ? 2 : 1);
	char directory[] = "/tmp/calls.XXXXXX";
	static pid_t pids[MAX_CASES];
	int n, status, n_killed = 0;

	if (names[0] != NULL && strcmp(names[0], "--seccomp") == 0) {
		run.has_seccomp = true;
		names++;
	}
	if (mkdtemp(directory) == NULL || chdir(directory) != 0)
		return 2;
	n = start_cases(&run, names, pids);
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		return 2;
	for (int i = 0; i < n; i++) {
		if (waitpid(pids[i], &status, 0) != pids[i])
			n_killed++;
		else if (WIFSIGNALED(status))
			printf("case %d killed by signal %d\n", i,
			       WTERMSIG(status));
		n_killed += status != 0;
	}
	printf("end cases %d ended_badly %d\n", n, n_killed);
	if (chdir("/") != 0 || rmdir(directory) != 0)
		perror(directory);
	return n_killed != 0;
}
