/* SPDX-License-Identifier: MIT */
/*
 * allocs_kill.c - psample is killed at random moments; how is its target?
 *
 *	allocs_kill attach ROUNDS SECONDS MAX_US PID PSAMPLE ARGUMENT...
 *	allocs_kill launch ROUNDS SECONDS MAX_US SEED PSAMPLE ARGUMENT...
 *
 * Each round runs PSAMPLE and, up to MAX_US microseconds later, kills it by
 * SIGKILL. attach: PID must be alive after each, and every 100 rounds be seen
 * to use CPU time. launch: PSAMPLE launches a program; those whose psample
 * has gone are our children (PR_SET_CHILD_SUBREAPER), and must end with
 * status 0 within ten seconds. Stops after SECONDS. Says "rounds N killed N
 * dead N hung N"; the status is 1 if any is dead or hung.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK_EVERY 100
#define END_MS 10000
#define NOT_BEGUN 125

struct kills {
	int is_launch;
	long rounds, seconds, max_us, number; /* a pid, or a seed */
	char **argv;
	unsigned int random;
	long n_rounds, n_killed, n_dead, n_hung;
};

static void sleep_us(long us)
{
	struct timespec time = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&time, NULL);
}

static long random_below(struct kills *k, long n)
{
	k->random = k->random * 1664525 + 1013904223;
	return (long)((double)k->random / 4294967296.0 * (double)n);
}

/* Ticks of CPU time, or -1: it is gone. */
static long cpu_ticks(long pid)
{
	char path[64], line[1024], state;
	unsigned long user, system;
	const char *rest;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return -1;
	n = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	line[n] = '\0';
	rest = strrchr(line, ')');
	if (!rest || sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u "
				      "%*u %*u %lu %lu",
			    &state, &user, &system) != 3)
		return -1;
	return state == 'Z' || state == 'X' ? -1 : (long)(user + system);
}

/* Is @pid at work, a second at most from now? */
static int moves(long pid)
{
	long before = cpu_ticks(pid);

	for (int i = 0; i < 1000; i++) {
		if (cpu_ticks(pid) > before)
			return 1;
		sleep_us(10000);
	}
	return 0;
}

static pid_t start(struct kills *k)
{
	pid_t child = fork();

	if (child == 0) {
		if (!freopen("/dev/null", "w", stdout) ||
		    !freopen("/dev/null", "w", stderr))
			_exit(126);
		execvp(k->argv[0], k->argv);
		_exit(127);
	}
	return child;
}

/* Children of its own end with it by SIGKILL (prctl(2), PR_SET_PDEATHSIG). */
static int is_of_psample(void)
{
	char path[64], name[8] = "";
	siginfo_t info = { 0 };
	FILE *file;

	waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)info.si_pid);
	file = info.si_pid ? fopen(path, "r") : NULL;
	if (!file)
		return 0;
	if (fread(name, 1, sizeof(name) - 1, file) < sizeof(name) - 1)
		name[0] = '\0';
	fclose(file);
	return !strcmp(name, "psample") ? (int)info.si_pid : 0;
}

/*
 * Those that psample has left to us. 125 is what it makes of a program that
 * has not begun.
 */
static void reap_rest(struct kills *k)
{
	for (int i = 0; i < END_MS; i++) {
		int own = is_of_psample(), status;
		pid_t pid = waitpid(own ? own : -1, &status, WNOHANG);

		if (pid < 0)
			return;
		if (own)
			continue;
		if (pid == 0)
			sleep_us(1000);
		else if (WIFSIGNALED(status) ||
			 (WEXITSTATUS(status) &&
			  WEXITSTATUS(status) != NOT_BEGUN))
			k->n_dead++;
	}
	k->n_hung++;
	kill(0, SIGKILL); /* what hangs, and us */
}

static void run_round(struct kills *k)
{
	pid_t child = start(k);
	int status;

	sleep_us(random_below(k, k->max_us));
	kill(child, SIGKILL);
	if (waitpid(child, &status, 0) == child && WIFSIGNALED(status))
		k->n_killed++;
	k->n_rounds++;
	if (k->is_launch) {
		reap_rest(k);
		return;
	}
	while (waitpid(-1, &status, WNOHANG) > 0)
		;
	if (cpu_ticks(k->number) < 0)
		k->n_dead++;
	else if (k->n_rounds % CHECK_EVERY == 0 && !moves(k->number))
		k->n_hung++;
}

int main(int argc, char **argv)
{
	struct kills k = { 0 };
	time_t begin = time(NULL);

	if (argc < 7)
		return 2;
	k.is_launch = !strcmp(argv[1], "launch");
	k.rounds = atol(argv[2]);
	k.seconds = atol(argv[3]);
	k.max_us = atol(argv[4]);
	k.number = atol(argv[5]);
	k.argv = argv + 6;
	k.random = (unsigned int)(k.number * 2654435761u + 1 +
				  (unsigned int)begin);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	while (k.n_rounds < k.rounds && time(NULL) - begin < k.seconds &&
	       !k.n_dead && !k.n_hung)
		run_round(&k);
	printf("rounds %ld killed %ld dead %ld hung %ld\n", k.n_rounds,
	       k.n_killed, k.n_dead, k.n_hung);
	return k.n_dead || k.n_hung;
}
