/* SPDX-License-Identifier: MIT */
/*
 * filtered.c - threads under different seccomp filters, all of which allocate.
 *
 *	filtered NUMBER...	one thread for each NUMBER, the main one first:
 *		under a filter that kills the process for that system call, in
 *		strict mode if it is "strict", and as it was if it is "-". Says
 *		"ready", allocates until SIGTERM, and says "done".
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 16
#define ROUNDS 2000

static volatile sig_atomic_t must_end;
static pthread_barrier_t all_filtered;

static void on_term(int signal)
{
	(void)signal;
	must_end = 1;
}

static void install(const char *name)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)atoi(name),
			 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, filter };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		puts("no seccomp here");
}

static __attribute__((noinline)) void churn(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		void *volatile object = malloc(200);

		free(object);
	}
}

static void run(const char *name, int is_main)
{
	struct timespec pause = { 0, 1000000 };
	int is_strict = !strcmp(name, "strict");

	churn(); /* what the C library needs to begin with */
	if (!is_strict && strcmp(name, "-"))
		install(name);
	pthread_barrier_wait(&all_filtered);
	if (is_main) {
		puts("ready");
		fflush(stdout);
	}
	if (is_strict)
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	while (!must_end) {
		churn();
		if (!is_strict)
			nanosleep(&pause, NULL);
	}
}

static void *run_thread(void *name)
{
	run(name, 0);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_term };
	pthread_t thread;

	if (argc < 2 || argc > THREADS_MAX)
		return 2;
	sigaction(SIGTERM, &action, NULL);
	pthread_barrier_init(&all_filtered, NULL, (unsigned int)argc - 1);
	for (int i = 2; i < argc; i++)
		if (pthread_create(&thread, NULL, run_thread, argv[i]))
			return 1;
	run(argv[1], 1);
	puts("done");
	fflush(stdout);
	_exit(0); /* threads in strict mode do not end by themselves */
}
