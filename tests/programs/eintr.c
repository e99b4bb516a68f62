/* SPDX-License-Identifier: MIT */
/*
 * eintr.c - blocking calls that must not notice a profiler:
 * eintr SECONDS [--seccomp] [--no-peers].
 *
 * One thread for each kind of call: epoll_wait, semtimedop, sigtimedwait,
 * recv with SO_RCVTIMEO, nanosleep, poll, futex. Each burns 50-150 us (so that
 * it is often caught on its way into the call) and then blocks for a timeout
 * of 5-20 ms. A peer wakes some of them early; two more threads hand a token
 * to and fro through eventfd and epoll_wait, the densest source of races.
 * Prints per kind and in total: calls, EINTR seen, returns before the timeout
 * without a reason, and how late the timeouts were (p50, p99.9, max in us).
 * All counts of EINTR and early returns must be 0; lateness is compared with
 * that of a run of its own. With --seccomp the program allows itself the
 * calls it needs and dies at any other: restart_syscall is not among them.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "work.h"

enum { MAX_LATE = 1 << 16, KINDS = 7, NS_PER_MS = 1000000 };

struct waiter;

/* A kind of blocking call. wait: -1 and errno, 0 timed out, 1 woken. */
struct kind {
	const char *name;
	int (*open)(struct waiter *w);
	int (*wait)(struct waiter *w, uint64_t timeout_ns);
	void (*wake)(struct waiter *w);
	bool in_jiffies;	/* coarse by itself: not in the total */
};

struct waiter {
	const struct kind *kind;
	pthread_t thread;
	_Atomic int ready;	/* may be woken: its thread exists */
	int fd, epoll_fd, peer_fd, sem;
	_Atomic uint32_t word;	/* the futex */
	const _Atomic bool *stop;
	unsigned seed;
	uint64_t n_calls, n_eintr, n_early, n_woken, n_late, n_other;
	double late_us[MAX_LATE];
};

static struct timespec timespec_from(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000),
				  .tv_nsec = (long)(ns % 1000000000) };
}

static int event_open(struct waiter *w)
{
	struct epoll_event event = { .events = EPOLLIN };

	w->fd = eventfd(0, EFD_NONBLOCK);
	w->epoll_fd = epoll_create1(0);
	return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->fd, &event);
}

static void event_wake(struct waiter *w)
{
	uint64_t one = 1;

	if (write(w->fd, &one, sizeof(one)) < 0)
		perror("eventfd");
}

static int event_take(struct waiter *w, int n)
{
	uint64_t count;

	if (n > 0 && read(w->fd, &count, sizeof(count)) < 0)
		return -1;
	return n;
}

static int wait_epoll(struct waiter *w, uint64_t ns)
{
	struct epoll_event event;

	return event_take(w, epoll_wait(w->epoll_fd, &event, 1,
					(int)(ns / NS_PER_MS)));
}

static int wait_poll(struct waiter *w, uint64_t ns)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };

	return event_take(w, poll(&p, 1, (int)(ns / NS_PER_MS)));
}

static int semaphore_open(struct waiter *w)
{
	w->sem = semget(IPC_PRIVATE, 1, 0600);
	return w->sem;
}

static int wait_semaphore(struct waiter *w, uint64_t ns)
{
	struct sembuf down = { .sem_op = -1 };
	struct timespec t = timespec_from(ns);

	if (semtimedop(w->sem, &down, 1, &t) == 0)
		return 1;
	return errno == EAGAIN ? 0 : -1;
}

static void semaphore_wake(struct waiter *w)
{
	struct sembuf up = { .sem_op = 1 };

	semop(w->sem, &up, 1);
}

static int signal_open(struct waiter *w)
{
	(void)w;
	return 0;	/* SIGUSR1 is blocked in every thread from the start */
}

static int wait_signal(struct waiter *w, uint64_t ns)
{
	struct timespec t = timespec_from(ns);
	sigset_t set;

	(void)w;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (sigtimedwait(&set, NULL, &t) == SIGUSR1)
		return 1;
	return errno == EAGAIN ? 0 : -1;
}

static void signal_wake(struct waiter *w)
{
	pthread_kill(w->thread, SIGUSR1);
}

static int socket_open(struct waiter *w)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0)
		return -1;
	w->fd = pair[0];
	w->peer_fd = pair[1];
	return 0;
}

static int wait_recv(struct waiter *w, uint64_t ns)
{
	struct timeval t = { .tv_usec = (suseconds_t)(ns / 1000) };
	char byte;

	setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	if (recv(w->fd, &byte, 1, 0) == 1)
		return 1;
	return errno == EAGAIN ? 0 : -1;
}

static void socket_wake(struct waiter *w)
{
	if (send(w->peer_fd, "x", 1, MSG_DONTWAIT) < 0 && errno != EAGAIN)
		perror("send");
}

static int wait_nanosleep(struct waiter *w, uint64_t ns)
{
	struct timespec t = timespec_from(ns);

	(void)w;
	return nanosleep(&t, NULL);
}

static int wait_futex(struct waiter *w, uint64_t ns)
{
	struct timespec t = timespec_from(ns);

	if (atomic_exchange(&w->word, 0) != 0)
		return 1;
	if (syscall(SYS_futex, &w->word, FUTEX_WAIT_PRIVATE, 0, &t, NULL,
		    0) == 0 || errno == EAGAIN)
		return 1;
	return errno == ETIMEDOUT ? 0 : -1;
}

static void futex_wake(struct waiter *w)
{
	atomic_store(&w->word, 1);
	syscall(SYS_futex, &w->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static const struct kind kinds[KINDS] = {
	{ "epoll_wait", event_open, wait_epoll, event_wake, false },
	{ "semtimedop", semaphore_open, wait_semaphore, semaphore_wake, false },
	{ "sigtimedwait", signal_open, wait_signal, signal_wake, false },
	{ "recv", socket_open, wait_recv, socket_wake, true },
	{ "nanosleep", signal_open, wait_nanosleep, NULL, false },
	{ "poll", event_open, wait_poll, event_wake, false },
	{ "futex", signal_open, wait_futex, futex_wake, false },
};

static void waiter_count(struct waiter *w, int result, double late_us)
{
	w->n_calls++;
	if (result > 0)
		w->n_woken++;
	else if (result < 0 && errno == EINTR)
		w->n_eintr++;
	else if (result < 0)
		w->n_other++;
	else if (late_us < 0)
		w->n_early++;
	else if (w->n_late < MAX_LATE)
		w->late_us[w->n_late++] = late_us;
}

static void *waiter_run(void *arg)
{
	struct waiter *w = arg;
	volatile uint64_t sink __attribute__((unused)) = 0;

	w->ready = 1;
	while (!*w->stop) {
		uint64_t ms = 5 + (unsigned)rand_r(&w->seed) % 16;

		sink += f(40000 + (unsigned)rand_r(&w->seed) % 80000);

		uint64_t start = clock_read_ns(CLOCK_MONOTONIC);
		int result = w->kind->wait(w, ms * NS_PER_MS);
		uint64_t took = clock_read_ns(CLOCK_MONOTONIC) - start;

		waiter_count(w, result,
			     ((double)took - (double)(ms * NS_PER_MS)) / 1000);
	}
	return NULL;
}

/* Both ends of the token game; they wait without a timeout. */
struct player {
	struct waiter own;
	struct player *other;
};

static void *player_run(void *arg)
{
	struct player *p = arg;
	struct waiter *w = &p->own;

	while (!*w->stop) {
		int result = wait_epoll(w, 1000ull * NS_PER_MS);

		waiter_count(w, result, 0);
		if (result > 0)
			event_wake(&p->other->own);
	}
	return NULL;
}

/* The calls this program makes once it runs, and no other. */
static const int allowed[] = {
	SYS_read, SYS_write, SYS_poll, SYS_epoll_wait, SYS_epoll_pwait,
	SYS_epoll_ctl, SYS_semop, SYS_semtimedop, SYS_rt_sigtimedwait,
	SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_recvfrom, SYS_sendto,
	SYS_setsockopt, SYS_nanosleep, SYS_clock_nanosleep, SYS_futex,
	SYS_tgkill, SYS_getpid, SYS_gettid, SYS_clone, SYS_clone3, SYS_rseq,
	SYS_set_robust_list, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_madvise,
	SYS_brk, SYS_exit, SYS_exit_group, SYS_clock_gettime, SYS_semctl,
	SYS_newfstatat, SYS_fstat, SYS_rt_sigaction, SYS_getrandom,
	SYS_sysinfo,	/* glibc's qsort */
};

static int seccomp_confine(void)
{
	enum { N = sizeof(allowed) / sizeof(allowed[0]) };
	struct sock_filter code[N + 3];
	struct sock_fprog program = { .len = N + 3, .filter = code };

	code[0] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < N; i++)
		code[i + 1] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allowed[i],
			(unsigned char)(N - i), 0);
	code[N + 1] = (struct sock_filter)BPF_STMT(
		BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[N + 2] = (struct sock_filter)BPF_STMT(
		BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void waiter_print(struct waiter *w, const char *name)
{
	uint64_t n = w->n_late;

	qsort(w->late_us, n, sizeof(double), double_compare);
	printf("%s: calls %lu woken %lu eintr %lu early %lu other %lu", name,
	       w->n_calls, w->n_woken, w->n_eintr, w->n_early, w->n_other);
	if (n > 0)
		printf(" late_p50_us %.0f late_p999_us %.0f late_max_us %.0f",
		       w->late_us[n / 2], w->late_us[n - 1 - n / 1000],
		       w->late_us[n - 1]);
	putchar('\n');
}

static void waiter_add(struct waiter *total, const struct waiter *w)
{
	total->n_calls += w->n_calls;
	total->n_woken += w->n_woken;
	total->n_eintr += w->n_eintr;
	total->n_early += w->n_early;
	total->n_other += w->n_other;
	if (w->kind->in_jiffies)
		return;
	for (uint64_t i = 0; i < w->n_late && total->n_late < MAX_LATE; i++)
		total->late_us[total->n_late++] = w->late_us[i];
}

/* The peer: every 3 ms it wakes one waiter, for @seconds. */
static void wake_some(struct waiter *waiters, double seconds, bool has_peers)
{
	uint64_t end = clock_read_ns(CLOCK_MONOTONIC) +
		       (uint64_t)(seconds * 1e9);
	struct timespec pause = timespec_from(3 * NS_PER_MS);

	for (unsigned i = 0; clock_read_ns(CLOCK_MONOTONIC) < end; i++) {
		struct waiter *w = &waiters[i % KINDS];

		if (has_peers && w->kind->wake != NULL && w->ready)
			w->kind->wake(w);
		nanosleep(&pause, NULL);
	}
}

static void game_open(struct player *players, const _Atomic bool *stop)
{
	for (int i = 0; i < 2; i++) {
		players[i].other = &players[!i];
		players[i].own.stop = stop;
		players[i].own.kind = &kinds[0];
		event_open(&players[i].own);
	}
}

static void game_start(struct player *players)
{
	for (int i = 0; i < 2; i++)
		pthread_create(&players[i].own.thread, NULL, player_run,
			       &players[i]);
	event_wake(&players[0].own);
}

static void report(struct waiter *waiters, struct player *players)
{
	struct waiter *total = calloc(1, sizeof(*total));

	for (int i = 0; i < KINDS; i++)
		waiter_add(total, &waiters[i]);
	for (int i = 0; i < 2; i++)
		waiter_add(total, &players[i].own);
	for (int i = 0; i < KINDS; i++)
		waiter_print(&waiters[i], waiters[i].kind->name);
	waiter_print(&players[0].own, "token-a");
	waiter_print(&players[1].own, "token-b");
	waiter_print(total, "total");
	free(total);
}

static bool has_argument(int argc, char **argv, const char *word)
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], word) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct waiter *waiters = calloc(KINDS, sizeof(*waiters));
	struct player *players = calloc(2, sizeof(*players));
	double seconds = argc > 1 ? atof(argv[1]) : 10;
	_Atomic bool stop = false;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < KINDS; i++) {
		waiters[i].kind = &kinds[i];
		waiters[i].stop = &stop;
		waiters[i].seed = (unsigned)i + 1;
		if (kinds[i].open(&waiters[i]) < 0)
			perror(kinds[i].name);
	}
	game_open(players, &stop);
	if (has_argument(argc, argv, "--seccomp") && seccomp_confine() != 0)
		perror("seccomp");
	for (int i = 0; i < KINDS; i++)
		pthread_create(&waiters[i].thread, NULL, waiter_run,
			       &waiters[i]);
	game_start(players);
	puts("ready");
	fflush(stdout);
	wake_some(waiters, seconds, !has_argument(argc, argv, "--no-peers"));
	stop = true;
	for (int i = 0; i < KINDS; i++)
		pthread_join(waiters[i].thread, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(players[i].own.thread, NULL);
	semctl(waiters[1].sem, 0, IPC_RMID);
	report(waiters, players);
	free(waiters);
	free(players);
	return 0;
}
