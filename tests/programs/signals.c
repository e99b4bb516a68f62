/* SPDX-License-Identifier: MIT */
/*
 * signals.c - no signal may be lost or altered: signals N.
 *
 * A child sends N queued signals that carry their number; the parent spins in
 * receiver_hot and its handler checks order, sender and origin, while the main
 * program takes SIGALRM from an interval timer (1 ms) and a SIGTRAP of its own
 * making every 100 signals. Prints "received N lost L altered A alarms M
 * traps T", and exits with 0 only if L and A are 0 and T is as many as raised.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

/* What handlers count: nothing else can reach them. */
static volatile sig_atomic_t n_received, n_altered, n_alarms, n_traps;
static volatile pid_t sender;

WORK uint64_t receiver_hot(uint64_t n)
{
	return spin(n, 53);
}

static void take_queued(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	if (info->si_code != SI_QUEUE || info->si_pid != sender ||
	    info->si_value.sival_int != n_received)
		n_altered++;
	n_received++;
}

static void take_alarm(int signal)
{
	(void)signal;
	n_alarms++;
}

static void take_trap(int signal)
{
	(void)signal;
	n_traps++;
}

static void send_all(int n)
{
	pid_t parent = getppid();

	for (int i = 0; i < n; i++) {
		while (sigqueue(parent, SIGRTMIN, (union sigval){
				.sival_int = i }) != 0)
			usleep(1000);	/* the queue is full */
		if (i % 10 == 0)
			usleep(500);	/* spread over many ticks */
	}
	_exit(0);
}

static void handle(int signal, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler,
				    .sa_flags = SA_RESTART };

	sigaction(signal, &action, NULL);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 20000;
	struct sigaction queued = { .sa_sigaction = take_queued,
				    .sa_flags = SA_SIGINFO | SA_RESTART };
	struct itimerval ms = { { 0, 1000 }, { 0, 1000 } };
	volatile uint64_t sink __attribute__((unused)) = 0;
	int n_raised = 0, idle = 0, last = 0;
	sigset_t block;

	sigaction(SIGRTMIN, &queued, NULL);
	handle(SIGALRM, take_alarm);
	handle(SIGTRAP, take_trap);
	setitimer(ITIMER_REAL, &ms, NULL);
	sigemptyset(&block);
	sigaddset(&block, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &block, NULL);
	sender = fork();
	if (sender == 0)
		send_all(n);
	sigprocmask(SIG_UNBLOCK, &block, NULL);

	/* Ends when all came, or when nothing came for a few seconds. */
	while (n_received < n && idle < 50000) {
		sink += receiver_hot(50000);
		idle = n_received == last ? idle + 1 : 0;
		last = n_received;
		if (n_received / 100 > n_raised) {
			n_raised++;
			raise(SIGTRAP);
		}
	}
	wait(NULL);
	printf("received %d lost %d altered %d alarms %d traps %d of %d\n",
	       (int)n_received, n - (int)n_received, (int)n_altered,
	       (int)n_alarms, (int)n_traps, n_raised);
	return n_received != n || n_altered != 0 || n_traps != n_raised;
}
