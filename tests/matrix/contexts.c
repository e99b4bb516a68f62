/* SPDX-License-Identifier: MIT */
/*
 * contexts.c - run elsewhere than on the stack of main:
 *	altstack	in a signal handler on an alternate stack
 *	swapcontext	in a coroutine of its own, resumed and left 500 times
 *			a second; its stack begins at coroutine
 *	deep N		below N calls of descend
 *	big N		below a frame of N MiB
 */
#define PLAN_OWN_RUN
#include <alloca.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "plan.h"

void coroutine(void);
uint64_t descend(unsigned depth, double seconds);
uint64_t big(unsigned mib, double seconds);
void on_signal(int signal);

enum { STACK_SIZE = 1 << 20 };
static double run_seconds;
static uint64_t run_sum;
static ucontext_t main_context, other_context;
static int is_switching;

KEEP uint64_t run(double seconds)
{
	double end = now() + seconds;
	uint64_t sum = 0;

	for (unsigned i = 0; now() < end; i++) {
		sum += f(F_STEPS);				/* @run:f */
		sum += g(G_STEPS);				/* @run:g */
		if (is_switching && i % 8 == 0)
			swapcontext(&other_context, &main_context);
	}
	is_switching = 0;
	return sum;
}

KEEP void on_signal(int signal)
{
	run_sum = run(run_seconds) + (uint64_t)signal;
}

static void run_in_handler(void)
{
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_sp = malloc(STACK_SIZE),
			  .ss_size = STACK_SIZE };

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	pthread_kill(pthread_self(), SIGUSR1);
}

KEEP void coroutine(void)
{
	run_sum = run(run_seconds);
	NO_TAIL_CALL();
}

static void run_in_coroutine(void)
{
	is_switching = 1;
	getcontext(&other_context);
	other_context.uc_stack.ss_sp = malloc(STACK_SIZE);
	other_context.uc_stack.ss_size = STACK_SIZE;
	other_context.uc_link = &main_context;
	makecontext(&other_context, coroutine, 0);
	swapcontext(&main_context, &other_context);
	while (is_switching)
		swapcontext(&main_context, &other_context);
}

KEEP uint64_t descend(unsigned depth, double seconds)
{
	uint64_t sum = depth ? descend(depth - 1, seconds) : run(seconds);

	NO_TAIL_CALL();
	return sum + 1;
}

KEEP uint64_t big(unsigned mib, double seconds)
{
	char *room = (char *)alloca((size_t)mib << 20);
	uint64_t sum;

	for (size_t i = 0; i < (size_t)mib << 20; i += 4096)
		((volatile char *)room)[i] = 1;
	sum = run(seconds);
	__asm__ volatile("" ::"r"(room) : "memory");
	return sum;
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[2] : "altstack";
	unsigned n = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
	struct plan plan;

	run_seconds = plan_seconds(argc, argv);
	plan_start(&plan);
	if (!strcmp(how, "altstack"))
		run_in_handler();
	else if (!strcmp(how, "swapcontext"))
		run_in_coroutine();
	else if (!strcmp(how, "deep"))
		run_sum = descend(n, run_seconds);
	else
		run_sum = big(n, run_seconds);
	plan_end(&plan);
	return run_sum == 42;
}
