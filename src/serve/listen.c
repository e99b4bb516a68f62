/* SPDX-License-Identifier: MIT */
/* listen.c - where the server is reached. */
#include "serve/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "serve/request.h"

#define BACKLOG 64
#define MODE_DEFAULT 0600

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static bool is_loopback(const union address *address)
{
	if (address->any.sa_family == AF_INET)
		return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
	return address->any.sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

static char *describe(const union address *address)
{
	char host[INET6_ADDRSTRLEN] = "";

	switch (address->any.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof(host));
		return xasprintf("http://%s:%d/debug/pprof/", host,
				 ntohs(address->v4.sin_port));
	case AF_INET6:
		inet_ntop(AF_INET6, &address->v6.sin6_addr, host,
			  sizeof(host));
		return xasprintf("http://[%s]:%d/debug/pprof/", host,
				 ntohs(address->v6.sin6_port));
	default:
		return xasprintf("unix socket %s", address->local.sun_path);
	}
}

/* What @fd, bound already, is; it is ours from now on. */
static struct listener *add_listener(int fd, struct vec *out)
{
	union address address = { 0 };
	socklen_t len = sizeof(address) - 1; /* a path may fill it */
	struct listener *listener = vec_push(out);

	getsockname(fd, &address.any, &len);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	listener->fd = fd;
	listener->is_local = address.any.sa_family == AF_UNIX;
	listener->is_loopback = listener->is_local || is_loopback(&address);
	listener->text = describe(&address);
	return listener;
}

/* A socket that nobody listens to any more is in the way. */
static struct error *remove_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, err;

	if (lstat(address->sun_path, &st))
		return NULL;
	if (!S_ISSOCK(st.st_mode))
		return error_new("%s exists and is no socket",
				 address->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	err = connect(fd, (const struct sockaddr *)address, sizeof(*address))
		      ? errno : 0;
	close(fd);
	if (err != ECONNREFUSED)
		return error_new("somebody else listens at %s",
				 address->sun_path);
	unlink(address->sun_path);
	return NULL;
}

/* "PATH" or "PATH,mode=0660" */
static struct error *split_mode(const char *text, char **out_path,
				mode_t *out_mode)
{
	const char *comma = strstr(text, ",mode=");
	char *end;
	unsigned long mode;

	*out_mode = MODE_DEFAULT;
	*out_path = comma ? xstrndup(text, (size_t)(comma - text))
			  : xstrdup(text);
	if (!comma)
		return NULL;
	mode = strtoul(comma + 6, &end, 8);
	if (end == comma + 6 || *end || mode > 0777)
		return error_new("%s is no mode of a socket", comma + 6);
	*out_mode = (mode_t)mode;
	return NULL;
}

static struct error *open_local(const char *text, struct vec *out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP(free) char *path = NULL;
	struct error *error;
	mode_t mode, mask;
	int fd, err = 0;

	error = split_mode(text, &path, &mode);
	if (error)
		return error;
	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return error_new("%s is no path of a socket", path);
	strcpy(address.sun_path, path);
	error = remove_stale(&address);
	if (error)
		return error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0777 & ~mode); /* from the first moment on */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, BACKLOG))
		err = errno;
	umask(mask);
	if (err) {
		close(fd);
		return error_errno(err, "cannot listen at %s", path);
	}
	add_listener(fd, out)->path = TAKE(path);
	return NULL;
}

/* "3": from a service manager, see sd_listen_fds(3). */
static struct error *open_inherited(const char *text, struct vec *out)
{
	int64_t number;
	int is_listening = 0;
	socklen_t len = sizeof(is_listening);

	if (!request_parse_int(text, &number) || number < 3 ||
	    number > 1 << 20)
		return error_new("fd:%s is no descriptor", text);
	if (getsockopt((int)number, SOL_SOCKET, SO_ACCEPTCONN, &is_listening,
		       &len) || !is_listening)
		return error_hint(error_new("descriptor %s is no socket that "
					    "listens", text),
				  "fd:3 is for services that are started by "
				  "a socket, see systemd.socket(5)");
	add_listener((int)number, out);
	return NULL;
}

/* Port 0 is chosen for the first address and kept for the others. */
static int open_address(const struct addrinfo *info, in_port_t *port)
{
	union address address = { 0 };
	socklen_t len = sizeof(address);
	int on = 1, fd;

	memcpy(&address, info->ai_addr, info->ai_addrlen);
	if (*port && info->ai_family == AF_INET)
		address.v4.sin_port = *port;
	if (*port && info->ai_family == AF_INET6)
		address.v6.sin6_port = *port;
	fd = socket(info->ai_family,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (info->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, &address.any, info->ai_addrlen) ||
	    listen(fd, BACKLOG) ||
	    getsockname(fd, &address.any, &len)) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	*port = address.any.sa_family == AF_INET ? address.v4.sin_port
						 : address.v6.sin6_port;
	return fd;
}

/* Half of localhost would be a trap if somebody else has the rest. */
static struct error *open_all(const struct addrinfo *list, const char *where,
			      const char *host, struct vec *out)
{
	size_t n_before = out->n;
	in_port_t port = 0;
	int err = 0;

	for (; list; list = list->ai_next) {
		int fd = open_address(list, &port);

		if (fd >= 0) {
			add_listener(fd, out)->host = xstrdup(host);
			continue;
		}
		/* Many machines have no IPv6. */
		if (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT)
			err = errno;
	}
	if (!err && out->n == n_before)
		err = EADDRNOTAVAIL;
	if (!err)
		return NULL;
	return error_hint(error_errno(err, "cannot listen at %s", where),
			  "try:   -l HOST:PORT with another port");
}

/* Not by /etc/hosts, which may have but one of them, or another one. */
static struct error *open_localhost(const char *where, uint16_t port,
				    struct vec *out)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	struct addrinfo second = {
		.ai_family = AF_INET6,
		.ai_addrlen = sizeof(v6),
		.ai_addr = (struct sockaddr *)&v6,
	};
	struct addrinfo first = {
		.ai_family = AF_INET,
		.ai_addrlen = sizeof(v4),
		.ai_addr = (struct sockaddr *)&v4,
		.ai_next = &second,
	};

	return open_all(&first, where, "localhost", out);
}

static struct error *open_tcp(const char *where, struct vec *out)
{
	const char *colon = strrchr(where, ':');
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE }, *list;
	CLEANUP(free) char *host = NULL;
	struct error *error;
	int64_t port;
	int err;

	if (!colon || !request_parse_int(colon + 1, &port) || port < 0 ||
	    port > UINT16_MAX)
		return error_hint(error_new("%s is no address to listen at",
					    where),
				  "expected: HOST:PORT, unix:PATH or fd:3");
	host = *where == '[' && colon > where + 1 && colon[-1] == ']'
		       ? xstrndup(where + 1, (size_t)(colon - where - 2))
		       : xstrndup(where, (size_t)(colon - where));
	if (!*host || !strcmp(host, "localhost"))
		return open_localhost(where, (uint16_t)port, out);
	err = getaddrinfo(host, colon + 1, &hints, &list);
	if (err)
		return error_new("cannot listen at %s: %s", where,
				 gai_strerror(err));
	error = open_all(list, where, host, out);
	freeaddrinfo(list);
	return error;
}

struct error *listen_open(const char *where, struct vec *out)
{
	if (!strncmp(where, "unix:", 5))
		return open_local(where + 5, out);
	if (!strncmp(where, "fd:", 3))
		return open_inherited(where + 3, out);
	return open_tcp(where, out);
}

void listen_close(struct vec *listeners)
{
	for (size_t i = 0; i < listeners->n; i++) {
		struct listener *listener = vec_at(listeners, i);

		close(listener->fd);
		if (listener->path)
			unlink(listener->path);
		free(listener->path);
		free(listener->host);
		free(listener->text);
	}
	vec_clear(listeners);
}
