/* SPDX-License-Identifier: MIT */
/*
 * nudge.c - stop threads where they wait: nudge [--raw] SECONDS PID...
 *
 * All threads of the processes are seized, and every 61 ms each is stopped
 * once, wherever it is, and sent on with what restart_repair() says; with
 * --raw as it is. psample itself stops nobody who waits: this shows for every
 * call what a stop would do to it, and that the repair undoes it. Prints how
 * many stops, and for each kind of call how many results were changed.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <time.h>

#include "arch/restart.h"
#include "target/tracee.h"

enum { MAX_THREADS = 1024, MAX_CALLS = 512, PERIOD_MS = 61 };

struct nudge {
	pid_t tids[MAX_THREADS];
	int n_tids;
	bool is_raw;
	unsigned n_stops, n_repaired, by_call[MAX_CALLS];
};

static void seize_threads(struct nudge *nudge, const char *pid)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		pid_t tid = (pid_t)atoi(entry->d_name);

		if (tid > 0 && nudge->n_tids < MAX_THREADS &&
		    tracee_seize(tid, false) == 0)
			nudge->tids[nudge->n_tids++] = tid;
	}
	if (dir != NULL)
		closedir(dir);
}

static void repair(struct nudge *nudge, pid_t tid)
{
	struct user_regs_struct user;
	long result;

	if (tracee_get_regs(tid, &user) != TRACEE_OK ||
	    !restart_repair(&user, true, &result))
		return;
	nudge->n_repaired++;
	if (user.orig_rax < MAX_CALLS)
		nudge->by_call[user.orig_rax]++;
	if (!nudge->is_raw)
		tracee_set_result(tid, &user, result);
}

/* As the sampler does it (sampler/capture.c), without looking anywhere. */
static void handle(struct nudge *nudge, const struct wait_event *event)
{
	struct user_regs_struct user;

	if (event->is_exit) {
		tracee_reap(event->tid);
	} else if (event->event == PTRACE_EVENT_STOP &&
		   event->signal == SIGTRAP) {
		nudge->n_stops++;
		repair(nudge, event->tid);
		tracee_resume(event->tid, 0);
	} else if (event->event == 0) {
		if (tracee_get_regs(event->tid, &user) == TRACEE_OK &&
		    restart_keeps_time(&user))
			repair(nudge, event->tid);
		tracee_resume(event->tid, event->signal);
	} else {
		tracee_resume(event->tid, 0);
	}
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void answer_until(struct nudge *nudge, int64_t end_ms)
{
	struct timespec wait = { .tv_nsec = 1000000 };
	struct wait_event event;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	do {
		while (tracee_wait(0, &event))
			handle(nudge, &event);
		sigtimedwait(&set, NULL, &wait);
	} while (now_ms() < end_ms);
}

int main(int argc, char **argv)
{
	static struct nudge nudge;
	int first = 1;
	int64_t end_ms;
	sigset_t set;

	if (argc > 1 && strcmp(argv[1], "--raw") == 0) {
		nudge.is_raw = true;
		first = 2;
	}
	if (argc < first + 2) {
		fputs("usage: nudge [--raw] SECONDS PID...\n", stderr);
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	end_ms = now_ms() + (int64_t)(atof(argv[first]) * 1000);
	for (int i = first + 1; i < argc; i++)
		seize_threads(&nudge, argv[i]);
	while (now_ms() < end_ms) {
		for (int i = 0; i < nudge.n_tids; i++)
			tracee_interrupt(nudge.tids[i]);
		answer_until(&nudge, now_ms() + PERIOD_MS);
	}
	printf("threads %d stops %u repaired %u\n", nudge.n_tids,
	       nudge.n_stops, nudge.n_repaired);
	for (int i = 0; i < MAX_CALLS; i++)
		if (nudge.by_call[i] != 0)
			printf("call %d repaired %u\n", i, nudge.by_call[i]);
	return nudge.n_tids == 0;
}
