/* SPDX-License-Identifier: MIT */
/* calls_net.c - sockets, with and without timeouts. */
#include "calls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

enum { WAITALL_BYTES = 100, STREAM_BYTES = 1 << 20 };

static const struct timeval timeout = { .tv_usec = WAIT_MS * 1000 };

static int set_timeout(int fd, int option)
{
	return setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof(timeout));
}

static int open_unix(struct scene *s)
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, s->fd);
}

static int open_unix_timeout(struct scene *s)
{
	return open_unix(s) || set_timeout(s->fd[0], SO_RCVTIMEO) ? -1 : 0;
}

/* A listener on loopback, at a port that the kernel finds. */
static int open_listener(struct sockaddr_in *address, int type)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, type, 0);

	*address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (bind(fd, (struct sockaddr *)address, size) != 0 ||
	    (type == SOCK_STREAM && listen(fd, 8) != 0) ||
	    getsockname(fd, (struct sockaddr *)address, &size) != 0)
		return -1;
	return fd;
}

static int open_tcp(struct scene *s)
{
	struct sockaddr_in address;
	int fd = open_listener(&address, SOCK_STREAM);

	if (fd < 0)
		return -1;
	s->fd[1] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(s->fd[1], (struct sockaddr *)&address,
		    sizeof(address)) != 0)
		return -1;
	s->fd[0] = accept(fd, NULL, NULL);
	close(fd);
	return s->fd[0];
}

static int open_tcp_timeout(struct scene *s)
{
	return open_tcp(s) < 0 || set_timeout(s->fd[0], SO_RCVTIMEO) ? -1 : 0;
}

static int open_udp(struct scene *s)
{
	struct sockaddr_in address;

	s->fd[0] = open_listener(&address, SOCK_DGRAM);
	s->fd[1] = socket(AF_INET, SOCK_DGRAM, 0);
	return connect(s->fd[1], (struct sockaddr *)&address,
		       sizeof(address));
}

static int open_udp_timeout(struct scene *s)
{
	return open_udp(s) || set_timeout(s->fd[0], SO_RCVTIMEO) ? -1 : 0;
}

static void wake_socket(struct scene *s)
{
	if (send(s->fd[1], "hello", 5, 0) < 0)
		_exit(4);
}

static long call_recv(struct scene *s)
{
	char text[8];
	long n = recv(s->fd[0], text, sizeof(text), 0);

	return n > 0 && memcmp(text, "hello", 5) != 0 ? WRONG_DATA : n;
}

static long call_recvmsg(struct scene *s)
{
	char text[8];
	struct iovec iov = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	return recvmsg(s->fd[0], &m, 0);
}

static long call_recvmmsg(struct scene *s)
{
	char text[8];
	struct iovec iov = { text, sizeof(text) };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };

	return recvmmsg(s->fd[0], &m, 1, 0, NULL);
}

static long call_read_socket(struct scene *s)
{
	char text[8];

	return read(s->fd[0], text, sizeof(text));
}

/* fd[2] listens. */
static int open_accept(struct scene *s)
{
	struct sockaddr_in *address = calloc(1, sizeof(*address));

	s->memory = (char *)address;
	s->fd[2] = open_listener(address, SOCK_STREAM);
	return s->fd[2];
}

static int open_accept_timeout(struct scene *s)
{
	return open_accept(s) < 0 || set_timeout(s->fd[2], SO_RCVTIMEO) ? -1
									: 0;
}

static void wake_accept(struct scene *s)
{
	s->fd[1] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(s->fd[1], (struct sockaddr *)(void *)s->memory,
		    sizeof(struct sockaddr_in)) != 0)
		_exit(4);
	close(s->fd[1]);
}

static long as_zero(int fd, long result)
{
	int err = errno;

	if (result >= 0)
		close(fd);
	errno = err;
	return result >= 0 ? 0 : result;
}

static long call_accept(struct scene *s)
{
	int fd = accept(s->fd[2], NULL, NULL);

	return as_zero(fd, fd);
}

static long call_accept4(struct scene *s)
{
	int fd = accept4(s->fd[2], NULL, NULL, SOCK_CLOEXEC);

	return as_zero(fd, fd);
}

/* A Unix listener whose queue is full: the second connect(2) blocks. */
static int open_connect(struct scene *s)
{
	static struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size = sizeof(address);

	s->memory = (char *)&address;
	s->fd[2] = socket(AF_UNIX, SOCK_STREAM, 0);
	/* no name given: the kernel makes one */
	if (bind(s->fd[2], (struct sockaddr *)&address,
		 sizeof(sa_family_t)) != 0 || listen(s->fd[2], 0) != 0)
		return -1;
	return getsockname(s->fd[2], (struct sockaddr *)&address, &size);
}

static int connect_unix(struct scene *s, int fd)
{
	return connect(fd, (struct sockaddr *)(void *)s->memory,
		       sizeof(sa_family_t) + 6);
}

static int ready_connect(struct scene *s)
{
	s->fd[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	s->fd[1] = socket(AF_UNIX, SOCK_STREAM, 0);
	return connect_unix(s, s->fd[1]);
}

static int ready_connect_timeout(struct scene *s)
{
	return ready_connect(s) || set_timeout(s->fd[0], SO_SNDTIMEO) ? -1 : 0;
}

static void wake_connect(struct scene *s)
{
	close(accept(s->fd[2], NULL, NULL));
}

static long call_connect(struct scene *s)
{
	long result = connect_unix(s, s->fd[0]);
	int err = errno;

	if (s->what->wake == NULL || result == 0)
		close(accept(s->fd[2], NULL, NULL));
	close(s->fd[0]);
	close(s->fd[1]);
	errno = err;
	return result;
}

/* fd[0] sends into a queue that is full. */
static int ready_full(struct scene *s)
{
	static char bytes[4096];

	while (s->word) /* still being emptied */
		sched_yield();
	while (send(s->fd[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	return errno == EAGAIN ? 0 : -1;
}

static int open_send_timeout(struct scene *s)
{
	return open_unix(s) || set_timeout(s->fd[0], SO_SNDTIMEO) ? -1 : 0;
}

static void wake_full(struct scene *s)
{
	char bytes[65536];

	s->word = 1;
	while (recv(s->fd[1], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	s->word = 0;
}

static long call_send(struct scene *s)
{
	return send(s->fd[0], "x", 1, 0);
}

static long call_sendmsg(struct scene *s)
{
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	return sendmsg(s->fd[0], &m, 0);
}

/* 4 of 100 bytes are there; whoever gets fewer asks for the rest. */
static int open_waitall(struct scene *s)
{
	return open_unix(s) || open_pattern(s, WAITALL_BYTES) ? -1 : 0;
}

static int ready_waitall(struct scene *s)
{
	return send(s->fd[1], s->memory, 4, 0) == 4 ? 0 : -1;
}

static void wake_waitall(struct scene *s)
{
	if (send(s->fd[1], s->memory + 4, WAITALL_BYTES - 4, 0) < 0)
		_exit(4);
}

static long call_waitall(struct scene *s)
{
	char bytes[WAITALL_BYTES];
	long first = recv(s->fd[0], bytes, WAITALL_BYTES, MSG_WAITALL);
	int err = errno;

	for (long n = first; n > 0 && n < WAITALL_BYTES;) {
		long more = recv(s->fd[0], bytes + n,
				 (size_t)(WAITALL_BYTES - n), MSG_WAITALL);

		if (more <= 0)
			return WRONG_DATA;
		n += more;
	}
	errno = err;
	return first < 0 || is_pattern(bytes, 0, WAITALL_BYTES) ? first
								: WRONG_DATA;
}

/* More than fits: the first part waits for the reader. */
static int open_stream(struct scene *s)
{
	return open_unix(s) || open_pattern(s, STREAM_BYTES) ? -1 : 0;
}

static void wake_stream(struct scene *s)
{
	static char bytes[STREAM_BYTES];
	ssize_t n, sum = 0;

	while (sum < STREAM_BYTES) {
		n = recv(s->fd[1], bytes + sum, (size_t)(STREAM_BYTES - sum),
			 0);
		if (n <= 0)
			_exit(4);
		sum += n;
	}
	if (!is_pattern(bytes, 0, STREAM_BYTES))
		_exit(5);
}

static long call_stream(struct scene *s)
{
	long first = send(s->fd[0], s->memory, s->bytes, 0);

	for (size_t n = (size_t)first; first > 0 && n < s->bytes;) {
		ssize_t more = send(s->fd[0], s->memory + n, s->bytes - n, 0);

		if (more <= 0)
			return WRONG_DATA;
		n += (size_t)more;
	}
	return first;
}

const struct call_case calls_net[] = {
	{ "recv_unix", open_unix, NULL, call_recv, .wake = wake_socket,
	  .want = 5 },
	{ "recv_tcp", open_tcp, NULL, call_recv, .wake = wake_socket,
	  .want = 5 },
	{ "recv_udp", open_udp, NULL, call_recv, .wake = wake_socket,
	  .want = 5 },
	{ "recvmsg", open_unix, NULL, call_recvmsg, .wake = wake_socket,
	  .want = 5 },
	{ "recvmmsg", open_udp, NULL, call_recvmmsg, .wake = wake_socket,
	  .want = 1 },
	{ "recv_unix_timeout", open_unix_timeout, NULL, call_recv, .want = -1,
	  .want_errno = EAGAIN },
	{ "recv_tcp_timeout", open_tcp_timeout, NULL, call_recv, .want = -1,
	  .want_errno = EAGAIN },
	{ "recv_udp_timeout", open_udp_timeout, NULL, call_recv, .want = -1,
	  .want_errno = EAGAIN },
	{ "recvmsg_timeout", open_udp_timeout, NULL, call_recvmsg, .want = -1,
	  .want_errno = EAGAIN },
	{ "recvmmsg_timeout", open_udp_timeout, NULL, call_recvmmsg,
	  .want = -1, .want_errno = EAGAIN },
	{ "read_socket_timeout", open_tcp_timeout, NULL, call_read_socket,
	  .want = -1, .want_errno = EAGAIN },
	{ "accept", open_accept, NULL, call_accept, .wake = wake_accept },
	{ "accept_timeout", open_accept_timeout, NULL, call_accept, .want = -1,
	  .want_errno = EAGAIN },
	{ "accept4_timeout", open_accept_timeout, NULL, call_accept4,
	  .want = -1, .want_errno = EAGAIN },
	{ "connect", open_connect, ready_connect, call_connect,
	  .wake = wake_connect },
	{ "connect_timeout", open_connect, ready_connect_timeout, call_connect,
	  .want = -1, .want_errno = EAGAIN },
	{ "send", open_unix, ready_full, call_send, .wake = wake_full,
	  .want = 1 },
	{ "send_timeout", open_send_timeout, ready_full, call_send, .want = -1,
	  .want_errno = EAGAIN },
	{ "sendmsg_timeout", open_send_timeout, ready_full, call_sendmsg,
	  .want = -1, .want_errno = EAGAIN },
	{ "recv_waitall", open_waitall, ready_waitall, call_waitall,
	  .wake = wake_waitall, .want = WAITALL_BYTES, .is_partial = true },
	{ "send_1MiB", open_stream, NULL, call_stream, .wake = wake_stream,
	  .want = STREAM_BYTES, .is_partial = true },
	{ .name = NULL },
};
