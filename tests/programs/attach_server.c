/* SPDX-License-Identifier: MIT */
/*
 * attach_server.c - a server that must not notice anything:
 * attach_server THREADS SECONDS
 *
 * THREADS threads serve connections on a Unix socket, each in its own way of
 * waiting: accept, then poll, epoll_wait or a recv with a timeout, whose EINTR
 * is an error. Every request is answered after some 50 us of work with its
 * number and the sum of its bytes. A child process is the load: 20 connections
 * that check all answers. Prints "ready PID-OF-CLIENT", and at SIGTERM to the
 * client, or after SECONDS, "requests N eintr E failed F"; F counts wrong or
 * missing answers, and the E system calls of the server that failed with EINTR.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

/* Nobody gives up for a machine that is busy otherwise. */
enum { REQUEST_BYTES = 256, N_CLIENTS = 20, PATIENCE_S = 60 };

struct request {
	uint64_t number;
	uint8_t bytes[REQUEST_BYTES];
};

struct answer {
	uint64_t number, sum;
};

/* Shared by server and client. */
struct counts {
	_Atomic uint64_t n_requests, n_failed, n_eintr;
	_Atomic int is_over;
};

struct server {
	int listener;
	struct counts *counts;
};

struct worker {
	struct server *server;
	int kind;
};

struct client {
	struct counts *counts;
	struct sockaddr_un address;
	socklen_t size;
};

static uint64_t sum_bytes(const struct request *r)
{
	uint64_t sum = r->number;

	for (size_t i = 0; i < REQUEST_BYTES; i++)
		sum = sum * 31 + r->bytes[i];
	return sum;
}

/* Until there is something to read, in one of three ways. */
static int await(int kind, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct epoll_event event = { .events = EPOLLIN };
	int epoll, result;

	if (kind % 3 == 0)
		return poll(&p, 1, 1000);
	if (kind % 3 == 1)
		return 1; /* recv itself waits */
	epoll = epoll_create1(0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	result = epoll_wait(epoll, &event, 1, 1000);
	close(epoll);
	return result;
}

static void serve(struct worker *w, int fd)
{
	struct timeval timeout = { .tv_sec = PATIENCE_S };
	struct counts *counts = w->server->counts;
	struct request r;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	for (;;) {
		struct answer a;
		ssize_t n;

		if (await(w->kind, fd) < 0)
			counts->n_eintr += errno == EINTR;
		n = recv(fd, &r, sizeof(r), 0);
		if (n < 0 && errno == EINTR)
			counts->n_eintr++;
		if (n != sizeof(r))
			return;
		f(40000);
		a = (struct answer){ r.number, sum_bytes(&r) };
		if (send(fd, &a, sizeof(a), MSG_NOSIGNAL) != sizeof(a))
			return;
	}
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		int fd = accept(w->server->listener, NULL, NULL);

		if (fd < 0) {
			w->server->counts->n_eintr += errno == EINTR;
			continue;
		}
		serve(w, fd);
		close(fd);
	}
	return NULL;
}

/* One connection: 50 requests, then a new one. */
static bool client_talk(const struct client *client, uint64_t *number)
{
	struct timeval timeout = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	bool is_good = connect(fd, (const struct sockaddr *)&client->address,
			       client->size) == 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	for (int i = 0; i < 50 && is_good && !client->counts->is_over; i++) {
		struct request r = { .number = ++*number };
		struct answer a = { 0 };

		memset(r.bytes, (int)r.number, REQUEST_BYTES);
		is_good = send(fd, &r, sizeof(r), MSG_NOSIGNAL) == sizeof(r) &&
			  recv(fd, &a, sizeof(a), 0) == sizeof(a) &&
			  a.number == r.number && a.sum == sum_bytes(&r);
		client->counts->n_requests++;
		usleep(2000);
	}
	close(fd);
	return is_good;
}

static void *client_run(void *arg)
{
	const struct client *client = arg;
	uint64_t number = (uint64_t)(uintptr_t)&number;

	while (!client->counts->is_over)
		client->counts->n_failed += !client_talk(client, &number);
	return NULL;
}

static void client_main(struct client *client, double seconds)
{
	pthread_t threads[N_CLIENTS];
	sigset_t term;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &term, NULL);
	for (int i = 0; i < N_CLIENTS; i++)
		pthread_create(&threads[i], NULL, client_run, client);
	sigtimedwait(&term, NULL,
		     &(struct timespec){ .tv_sec = (time_t)seconds });
	client->counts->is_over = 1;
	for (int i = 0; i < N_CLIENTS; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

static void start_workers(struct server *server, int n)
{
	struct worker *workers = calloc((size_t)n, sizeof(*workers));
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < n; i++) {
		workers[i] = (struct worker){ server, i };
		pthread_create(&thread, &attr, worker_run, &workers[i]);
	}
}

int main(int argc, char **argv)
{
	static struct server server;
	static struct client client = { .address.sun_family = AF_UNIX };
	struct counts *counts = mmap(NULL, sizeof(*counts),
				     PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	client.size = sizeof(client.address);
	server.listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (bind(server.listener, (struct sockaddr *)&client.address,
		 sizeof(sa_family_t)) != 0 || listen(server.listener, 128) ||
	    getsockname(server.listener, (struct sockaddr *)&client.address,
			&client.size) != 0)
		return 2;
	client.counts = server.counts = counts;
	pid = fork();
	if (pid == 0)
		client_main(&client, argc > 2 ? atof(argv[2]) : 10);
	start_workers(&server, argc > 1 ? atoi(argv[1]) : 100);
	printf("ready %d\n", (int)pid);
	fflush(stdout);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		counts->n_eintr++;
	printf("requests %lu eintr %lu failed %lu\n", counts->n_requests,
	       counts->n_eintr, counts->n_failed + counts->n_eintr);
	fflush(stdout);
	_exit(counts->n_failed + counts->n_eintr != 0);
}
