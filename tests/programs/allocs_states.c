/* SPDX-License-Identifier: MIT */
/*
 * allocs_states.c - one thread in a certain state, for who borrows it.
 *
 *	allocs_states STATE	says "ready", waits in that state for a second,
 *		till a child ends it or its timeout comes, and says "fine MS",
 *		or what the call has returned in place of what it should
 *	allocs_states signals	has a signal handled every 100 us, computes, and
 *		says "fine" when SIGTERM comes, or "spoilt"
 *	allocs_states children	makes children by fork, vfork and posix_spawn
 *		one after the other until SIGTERM; says "fine N" or "failed N"
 *	allocs_states strict	allocates under SECCOMP_MODE_STRICT; "fine"
 */
#include <errno.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 1000

extern char **environ;
static int fds[2];
static uint32_t *word; /* shared with the child */
static volatile sig_atomic_t must_end, n_signals;
static const struct timespec wait_time = { WAIT_MS / 1000, 0 };

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void on_signal(int signal)
{
	(void)signal;
	n_signals++;
}

static void on_term(int signal)
{
	(void)signal;
	must_end = 1;
}

/* After a second it ends all there is to end. */
static void start_child(void)
{
	pid_t parent = getpid();

	if (fork() != 0)
		return;
	usleep(WAIT_MS * 1000);
	if (write(fds[1], "x", 1) < 0)
		_exit(1);
	*word = 1;
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
	kill(parent, SIGUSR1);
	_exit(0);
}

/* Leaf functions that keep what counts below their stack pointer. */
static long spin(void)
{
	int64_t end = now_ms() + WAIT_MS;
	double x = 1, y = 1;

	while (now_ms() < end) {
		for (int i = 0; i < 10000; i++) {
			x = x * 1.0000001 + 1e-9;
			y = y * 1.0000001 + 1e-9;
		}
		if (x != y)
			return -1;
	}
	return 0;
}

static long read_clock(void)
{
	int64_t end = now_ms() + WAIT_MS, last = 0, now;

	while ((now = now_ms()) < end) {
		if (now < last)
			return -1;
		last = now;
	}
	return 0;
}

static long call_read(void)
{
	char byte;

	return read(fds[0], &byte, 1) - 1;
}

static long call_futex(void)
{
	while (!*word)
		if (syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0) &&
		    errno != EAGAIN)
			return -1;
	return 0;
}

static long call_futex_timeout(void)
{
	uint32_t own = 0;

	return syscall(SYS_futex, &own, FUTEX_WAIT, 0, &wait_time, NULL, 0) ==
			       -1 && errno == ETIMEDOUT ? 0 : -1;
}

static long call_nanosleep(void)
{
	return nanosleep(&wait_time, NULL);
}

static long call_poll(void)
{
	return poll(NULL, 0, WAIT_MS);
}

static long call_ppoll(void)
{
	return ppoll(NULL, 0, &wait_time, NULL);
}

static long call_select(void)
{
	struct timeval time = { WAIT_MS / 1000, 0 };

	return select(0, NULL, NULL, NULL, &time);
}

static long call_pselect(void)
{
	return pselect(0, NULL, NULL, NULL, &wait_time, NULL);
}

static long call_epoll_wait(void)
{
	struct epoll_event event;

	return epoll_wait(epoll_create1(0), &event, 1, WAIT_MS);
}

static long call_sigtimedwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return sigtimedwait(&set, NULL, &wait_time) == -1 && errno == EAGAIN
		       ? 0 : -1;
}

static long call_recv(void)
{
	struct timeval time = { WAIT_MS / 1000, 0 };
	int pair[2];
	char byte;

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	return recv(pair[0], &byte, 1, 0) == -1 && errno == EAGAIN ? 0 : -1;
}

static long call_wait(void)
{
	int status;

	return wait(&status) > 0 ? status : -1;
}

static long call_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		nanosleep(&wait_time, NULL);
		_exit(0);
	}
	return pid > 0 ? 0 : -1;
}

static long call_pause(void)
{
	return pause() == -1 && errno == EINTR && n_signals == 1 ? 0 : -1;
}

static long call_sigsuspend(void)
{
	sigset_t none;

	sigemptyset(&none);
	return sigsuspend(&none) == -1 && errno == EINTR ? 0 : -1;
}

struct state {
	const char *name;
	long (*enter)(void); /* 0: as it should be */
	int wants_child;
};

static const struct state states[] = {
	{ "spin", spin, 0 }, { "clock", read_clock, 0 },
	{ "read", call_read, 1 }, { "futex", call_futex, 1 },
	{ "futex-timeout", call_futex_timeout, 0 },
	{ "nanosleep", call_nanosleep, 0 }, { "poll", call_poll, 0 },
	{ "ppoll", call_ppoll, 0 }, { "select", call_select, 0 },
	{ "pselect", call_pselect, 0 }, { "epoll", call_epoll_wait, 0 },
	{ "sigtimedwait", call_sigtimedwait, 0 }, { "recv", call_recv, 0 },
	{ "wait", call_wait, 1 }, { "vfork", call_vfork, 0 },
	{ "pause", call_pause, 1 }, { "sigsuspend", call_sigsuspend, 1 },
};

static void run_state(const struct state *state)
{
	int64_t begin = now_ms();
	long result;

	/* Only those that wait for it may see the child's signal. */
	signal(SIGUSR1, strstr("pause sigsuspend", state->name) ? on_signal
								: SIG_IGN);
	if (state->wants_child)
		start_child();
	errno = 0;
	result = state->enter();
	if (result)
		printf("%s gave %ld, errno %d\n", state->name, result, errno);
	else
		printf("fine %lld\n", (long long)(now_ms() - begin));
}

static void run_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_RESTART };
	struct itimerval every = { { 0, 100 }, { 0, 100 } };
	int n_bad = 0;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	while (!must_end) {
		uint64_t x = 1, y = 1;
		char *p;

		for (int i = 0; i < 1000; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			y = y * 6364136223846793005u + 1442695040888963407u;
		}
		p = malloc(100 + x % 5000);
		memset(p, (int)y, 100);
		n_bad += x != y || p[0] != p[99];
		free(p);
	}
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	printf(n_bad || !n_signals ? "spoilt\n" : "fine\n");
}

static int make_child(int way)
{
	char *argv[] = { (char *)"true", NULL };
	pid_t pid = -1;
	int status = -1;

	if (way == 0)
		pid = fork();
	else if (way == 1)
		pid = vfork();
	else if (posix_spawnp(&pid, "true", NULL, NULL, argv, environ))
		return 1;
	if (pid == 0 && way == 0) {
		for (int i = 0; i < 1000; i++)
			free(malloc(3000));
		_exit(0);
	}
	if (pid == 0) {
		execvp("true", argv);
		_exit(1);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status != 0;
}

static void run_children(void)
{
	int n = 0, n_bad = 0;

	while (!must_end) {
		n_bad += make_child(n++ % 3);
		free(malloc(5000));
	}
	printf("%s %d\n", n_bad ? "failed" : "fine", n_bad ? n_bad : n);
}

/* Of the C library nothing now that might call the kernel. */
static void run_strict(void)
{
	free(malloc(50000));
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		_exit(3);
	for (int i = 0; i < 300000; i++) {
		char *volatile p = malloc(100);

		p[0] = 1;
		free(p);
	}
	if (write(1, "fine\n", 5) == 5)
		syscall(SYS_exit, 0);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_term };
	const char *name = argc == 2 ? argv[1] : "";

	if (pipe(fds))
		return 1;
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGTERM, &action, NULL);
	puts("ready");
	fflush(stdout);
	if (!strcmp(name, "signals"))
		run_signals();
	else if (!strcmp(name, "children"))
		run_children();
	else if (!strcmp(name, "strict"))
		run_strict();
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (!strcmp(name, states[i].name))
			run_state(&states[i]);
	return 0;
}
