/* SPDX-License-Identifier: MIT */
/* worker.c - a child process of the server, and what goes between them. */
#include "serve/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "util/io.h"

#define READ_BYTES 65536

/* Whatever the server has open is none of a worker's. */
static void close_others(const struct worker_ends *ends)
{
	int low = ends->ask_fd < ends->reply_fd ? ends->ask_fd
						: ends->reply_fd;
	int high = ends->ask_fd + ends->reply_fd - low;

	/* Not by the libc: musl has no close_range(2). */
	if (low > 3)
		syscall(SYS_close_range, 3, low - 1, 0);
	if (high > low + 1)
		syscall(SYS_close_range, low + 1, high - 1, 0);
	syscall(SYS_close_range, high + 1, ~0u, 0);
}

static void __attribute__((noreturn))
run_child(worker_main *main, const void *arg, const struct worker_ends *ends)
{
	sigset_t all;

	/* The sampler's threads want no signals but their own (collect.h). */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, "psample-worker");
	close_others(ends);
	main(ends, arg);
	_exit(0);
}

struct error *worker_start(worker_main *main, const void *arg,
			   struct worker **out)
{
	int asks[2], replies[2];
	struct worker *worker;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, asks))
		return error_errno(errno, "cannot make a socket");
	if (pipe2(replies, O_CLOEXEC)) {
		close(asks[0]);
		close(asks[1]);
		return error_errno(errno, "cannot make a pipe");
	}
	pid = fork();
	if (pid == 0)
		run_child(main, arg,
			  &(struct worker_ends){ asks[1], replies[1] });
	close(asks[1]);
	close(replies[1]);
	if (pid < 0) {
		close(asks[0]);
		close(replies[0]);
		return error_errno(errno, "cannot fork");
	}
	worker = xcalloc(1, sizeof(*worker));
	worker->asks = VEC_OF(struct ask);
	worker->pid = pid;
	worker->ask_fd = asks[0];
	worker->reply_fd = replies[0];
	fcntl(worker->reply_fd, F_SETFL, O_NONBLOCK);
	*out = worker;
	return NULL;
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	close(worker->ask_fd);
	close(worker->reply_fd);
	strbuf_clear(&worker->in);
	vec_clear(&worker->asks);
	free(worker);
}

bool worker_flush(struct worker *worker)
{
	size_t n = 0;

	while (n < worker->asks.n &&
	       send(worker->ask_fd, vec_at(&worker->asks, n),
		    sizeof(struct ask), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		n++;
	if (n)
		memmove(worker->asks.data,
			(struct ask *)worker->asks.data + n,
			(worker->asks.n - n) * sizeof(struct ask));
	worker->asks.n -= n;
	return !worker->asks.n;
}

bool worker_ask(struct worker *worker, const struct ask *ask)
{
	*(struct ask *)vec_push(&worker->asks) = *ask;
	return worker_flush(worker) || errno == EAGAIN;
}

bool worker_read_all(int fd, struct strbuf *out)
{
	char bytes[READ_BYTES];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		strbuf_add(out, bytes, (size_t)n);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

bool worker_read(struct worker *worker)
{
	return worker_read_all(worker->reply_fd, &worker->in);
}

bool worker_first_reply(const struct worker *worker, struct reply *out,
			const char **out_bytes)
{
	const struct strbuf *in = &worker->in;

	if (in->len < sizeof(*out))
		return false;
	memcpy(out, in->data, sizeof(*out));
	if (out->len > in->len - sizeof(*out))
		return false;
	*out_bytes = in->data + sizeof(*out);
	return true;
}

void worker_end_reply(struct worker *worker, const struct reply *reply)
{
	size_t done = sizeof(*reply) + reply->len;

	worker->in.len -= done;
	memmove(worker->in.data, worker->in.data + done, worker->in.len);
}

bool ends_receive(const struct worker_ends *ends, struct ask *out)
{
	ssize_t n;

	do
		n = recv(ends->ask_fd, out, sizeof(*out), 0);
	while (n < 0 && errno == EINTR);
	return n == sizeof(*out) && out->n_pids <= ASK_PIDS_MAX;
}

void ends_reply(const struct worker_ends *ends, const struct reply *reply,
		const void *bytes)
{
	/* A failure is the end of the server, which is seen elsewhere. */
	if (io_write_full(ends->reply_fd, reply, sizeof(*reply)) &&
	    reply->len &&
	    !io_write_full(ends->reply_fd, bytes, reply->len))
		return;
}

void ends_reply_error(const struct worker_ends *ends, uint32_t id,
		      uint32_t status, const char *text)
{
	struct reply reply = {
		.kind = REPLY_ERROR,
		.id = id,
		.status = status,
		.len = strlen(text),
	};

	ends_reply(ends, &reply, text);
}
