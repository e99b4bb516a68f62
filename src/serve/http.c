/* SPDX-License-Identifier: MIT */
/*
 * http.c - the only user of libmicrohttpd.
 *
 * The library has no socket that listens: we accept, so that one daemon has
 * all addresses and we know how many connections there are and how long each
 * has had. A call that waits is suspended, and then the library does not look
 * at its socket: our own epoll set does, for the client's end. What takes too
 * long is shut down, which the library takes for the client's end.
 */
#include "serve/http.h"

#ifdef HAVE_LIBMICROHTTPD
#include <errno.h>
#include <microhttpd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#endif

#include "serve/listen.h"
#include "util/clock.h"

#ifdef HAVE_LIBMICROHTTPD

#define HEAD_BYTES_MAX 16384 /* of a request, and of our own answer's head */
#define BODY_BYTES_MAX ((size_t)1 << 20)
#define SPARE_CONNECTIONS 64 /* beyond those that wait */
#define REQUEST_NS (5 * NS_PER_S)  /* for all of a request */
#define ANSWER_NS (30 * NS_PER_S)  /* to take the answer */
#define IDLE_NS (15 * NS_PER_S)	   /* until the next request */
#define EVENTS_MAX 64
#define WAIT_MS_MAX 250

struct connection {
	struct http *http;
	int fd;
	bool is_local, is_waiting, is_shut;
	int64_t deadline_ns; /* INT64_MAX: none */
	struct http_call *call;
};

struct http_call {
	struct connection *connection;
	struct MHD_Connection *mhd;
	char *target;
	char *method;
	struct strbuf body;
	struct answer answer;
	bool is_met, is_taken, is_answered, is_queued, is_suspended;
};

struct http {
	struct MHD_Daemon *daemon;
	struct http_hooks hooks;
	struct http_limits limits;
	const struct vec *listeners;
	struct vec connections; /* struct connection * */
	struct http_counts counts;
	int epoll_fd;
	bool is_next_local; /* while a connection is handed over */
};

bool http_is_possible(void)
{
	return true;
}

const char *http_library_version(void)
{
	return MHD_get_version();
}

/* --- connections --------------------------------------------------------- */

static void shut(struct connection *connection)
{
	if (!connection->is_shut)
		shutdown(connection->fd, SHUT_RDWR);
	connection->is_shut = true;
	connection->deadline_ns = INT64_MAX;
}

static void on_connection(void *ctx, struct MHD_Connection *mhd,
			  void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http *http = ctx;
	struct connection *connection = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		connection = xcalloc(1, sizeof(*connection));
		connection->http = http;
		connection->is_local = http->is_next_local;
		connection->deadline_ns = clock_now_ns() + REQUEST_NS;
		connection->fd = MHD_get_connection_info(
			mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		*(struct connection **)vec_push(&http->connections) =
			connection;
		*socket_context = connection;
		return;
	}
	for (size_t i = 0; i < http->connections.n; i++)
		if (*(struct connection **)vec_at(&http->connections, i) ==
		    connection) {
			vec_remove_swap(&http->connections, i);
			break;
		}
	free(connection);
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(
		       mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

/* While the library does not look: does the client go away? */
static void watch(struct connection *connection, bool is_waiting)
{
	struct http *http = connection->http;
	struct epoll_event event = {
		.events = EPOLLRDHUP | EPOLLHUP | EPOLLERR,
		.data.ptr = connection,
	};

	if (connection->is_waiting == is_waiting)
		return;
	connection->is_waiting = is_waiting;
	http->counts.waiting += is_waiting ? 1 : -1u;
	epoll_ctl(http->epoll_fd, is_waiting ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
		  connection->fd, &event);
}

/* --- calls --------------------------------------------------------------- */

static void call_free(struct http_call *call)
{
	if (!call)
		return;
	strbuf_clear(&call->body);
	answer_clear(&call->answer);
	free(call->target);
	free(call->method);
	free(call);
}

/* The library is to close: it gets an answer that nobody reads. */
static void drop(struct http_call *call)
{
	struct http *http = call->connection->http;

	http->hooks.leave(http->hooks.ctx, call);
	shut(call->connection);
	if (!call->is_answered) {
		struct answer answer;

		answer_init_error(&answer, 503, "gone");
		http_answer(call, &answer);
	}
}

static void *on_target(void *ctx, const char *target,
		       struct MHD_Connection *mhd)
{
	struct http_call *call = xcalloc(1, sizeof(*call));

	(void)ctx;
	call->target = xstrdup(target);
	call->mhd = mhd;
	call->connection = connection_of(mhd);
	call->connection->call = call;
	return call;
}

static void on_completed(void *ctx, struct MHD_Connection *mhd,
			 void **call_context,
			 enum MHD_RequestTerminationCode code)
{
	struct http_call *call = *call_context;
	struct http *http = ctx;

	(void)mhd;
	(void)code;
	if (!call)
		return;
	watch(call->connection, false);
	if (call->is_taken && !call->is_answered)
		http->hooks.leave(http->hooks.ctx, call);
	call->connection->call = NULL;
	if (!call->connection->is_shut)
		call->connection->deadline_ns = clock_now_ns() + IDLE_NS;
	call_free(call);
	*call_context = NULL;
}

static enum MHD_Result queue(struct http_call *call)
{
	struct answer *answer = &call->answer;
	struct MHD_Response *response = MHD_create_response_from_buffer(
		answer->body.len, answer->body.data, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	for (size_t i = 0; i < answer->headers.n; i++) {
		struct answer_header *header = vec_at(&answer->headers, i);

		MHD_add_response_header(response, header->name,
					header->value);
	}
	call->is_queued = true;
	if (!call->connection->is_shut)
		call->connection->deadline_ns = clock_now_ns() + ANSWER_NS;
	result = MHD_queue_response(call->mhd, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static void take(struct http *http, struct http_call *call)
{
	call->is_taken = true;
	call->connection->deadline_ns = INT64_MAX;
	http->counts.requests++;
	http->hooks.take(http->hooks.ctx, call);
}

static void add_body(struct http_call *call, const char *data, size_t len)
{
	struct answer answer;

	if (call->is_answered)
		return;
	if (call->body.len + len <= BODY_BYTES_MAX) {
		strbuf_add(&call->body, data, len);
		return;
	}
	answer_init_error(&answer, 413, "the body is larger than 1 MiB");
	http_answer(call, &answer);
}

/*
 * The library calls first with the head, then with pieces of the body, last
 * with none; and once more after each resume.
 */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *mhd,
				  const char *url, const char *method,
				  const char *version, const char *data,
				  size_t *data_len, void **call_context)
{
	struct http *http = ctx;
	struct http_call *call = *call_context;

	(void)mhd;
	(void)url;
	(void)version;
	if (call->is_queued)
		return MHD_YES;
	if (!call->is_met) {
		call->is_met = true;
		call->method = xstrdup(method);
		http->hooks.meet(http->hooks.ctx, call);
		return call->is_answered ? queue(call) : MHD_YES;
	}
	if (*data_len) {
		add_body(call, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	if (!call->is_answered && !call->is_taken)
		take(http, call);
	if (call->is_answered)
		return queue(call);
	call->is_suspended = true;
	MHD_suspend_connection(call->mhd);
	watch(call->connection, true);
	return MHD_YES;
}

bool http_is_full(struct http *http)
{
	bool is_full = http->counts.waiting >= http->limits.max_clients;

	http->counts.refused += is_full;
	return is_full;
}

const char *http_method(const struct http_call *call)
{
	return call->method;
}

const char *http_target(const struct http_call *call)
{
	return call->target;
}

const char *http_header(const struct http_call *call, const char *name)
{
	return MHD_lookup_connection_value(call->mhd, MHD_HEADER_KIND, name);
}

const struct strbuf *http_body(const struct http_call *call)
{
	return &call->body;
}

bool http_is_local(const struct http_call *call)
{
	return call->connection->is_local;
}

bool http_is_answered(const struct http_call *call)
{
	return call->is_answered;
}

void http_answer(struct http_call *call, struct answer *answer)
{
	call->answer = *answer;
	call->is_answered = true;
	if (!call->is_suspended)
		return;
	call->is_suspended = false;
	watch(call->connection, false);
	MHD_resume_connection(call->mhd);
}

/* --- the daemon ---------------------------------------------------------- */

static void refuse_connection(int fd)
{
	static const char text[] =
		"HTTP/1.1 429 Too Many Requests\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"X-Go-Pprof: 1\r\nRetry-After: 1\r\nConnection: close\r\n"
		"Content-Length: 21\r\n\r\ntoo many connections\n";
	ssize_t n = send(fd, text, sizeof(text) - 1,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	(void)n;
	close(fd);
}

/* Room for a new one: who has asked for nothing yet, the oldest first. */
static void drop_idle(struct http *http)
{
	struct connection *oldest = NULL;

	for (size_t i = 0; i < http->connections.n; i++) {
		struct connection *connection =
			*(struct connection **)vec_at(&http->connections, i);

		if (connection->is_shut ||
		    (connection->call && connection->call->is_taken))
			continue;
		if (!oldest ||
		    connection->deadline_ns < oldest->deadline_ns)
			oldest = connection;
	}
	if (oldest)
		shut(oldest);
}

static void accept_all(struct http *http, const struct listener *listener)
{
	size_t max = http->limits.max_clients + SPARE_CONNECTIONS;
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	int fd;

	while ((fd = accept4(listener->fd, (struct sockaddr *)&address, &len,
			     SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		if (http->connections.n >= max) {
			http->counts.refused++;
			drop_idle(http);
			refuse_connection(fd);
		} else {
			http->is_next_local = listener->is_local;
			MHD_add_connection(http->daemon, fd,
					   (struct sockaddr *)&address, len);
		}
		len = sizeof(address);
	}
}

static void shut_late(struct http *http)
{
	int64_t now = clock_now_ns();

	for (size_t i = 0; i < http->connections.n; i++) {
		struct connection *connection =
			*(struct connection **)vec_at(&http->connections, i);

		if (now >= connection->deadline_ns) {
			http->counts.refused += connection->call != NULL;
			shut(connection);
		}
	}
}

static const struct listener *listener_of(const struct http *http,
					  const void *ptr)
{
	for (size_t i = 0; i < http->listeners->n; i++)
		if (vec_at(http->listeners, i) == ptr)
			return ptr;
	return NULL;
}

void http_run(struct http *http)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(http->epoll_fd, events, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++) {
		const struct listener *listener =
			listener_of(http, events[i].data.ptr);
		struct connection *connection = events[i].data.ptr;

		if (listener)
			accept_all(http, listener);
		else if (connection && connection->is_waiting)
			drop(connection->call);
	}
	shut_late(http);
	MHD_run(http->daemon);
}

int http_fd(const struct http *http)
{
	return http->epoll_fd;
}

int http_wait_ms(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(http->daemon, &ms) == MHD_YES &&
	    ms < WAIT_MS_MAX)
		return (int)ms;
	return http->connections.n ? WAIT_MS_MAX : -1;
}

struct http_counts http_counts(const struct http *http)
{
	struct http_counts counts = http->counts;

	counts.connections = (unsigned)http->connections.n;
	return counts;
}

static bool add_to_epoll(struct http *http, int fd, void *ptr)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = ptr };

	return !epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static bool start(struct http *http)
{
	const union MHD_DaemonInfo *info;

	http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	http->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
			MHD_ALLOW_SUSPEND_RESUME,
		0, NULL, NULL, on_request, http,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, http,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES_MAX,
		MHD_OPTION_CONNECTION_LIMIT,
		http->limits.max_clients + 2 * SPARE_CONNECTIONS,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!http->daemon)
		return false;
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info || !add_to_epoll(http, info->epoll_fd, NULL))
		return false;
	for (size_t i = 0; i < http->listeners->n; i++) {
		struct listener *listener = vec_at(http->listeners, i);

		if (!add_to_epoll(http, listener->fd, listener))
			return false;
	}
	return true;
}

struct error *http_open(const struct vec *listeners,
			const struct http_limits *limits,
			const struct http_hooks *hooks, struct http **out)
{
	struct http *http = xcalloc(1, sizeof(*http));

	http->hooks = *hooks;
	http->limits = *limits;
	http->listeners = listeners;
	http->connections = VEC_OF(struct connection *);
	http->epoll_fd = -1;
	if (!start(http)) {
		http_close(http);
		return error_new("cannot start the HTTP server");
	}
	*out = http;
	return NULL;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	for (size_t i = 0; i < http->connections.n; i++) {
		struct connection *connection =
			*(struct connection **)vec_at(&http->connections, i);

		if (connection->is_waiting)
			drop(connection->call);
	}
	if (http->daemon)
		MHD_stop_daemon(http->daemon);
	vec_clear(&http->connections);
	if (http->epoll_fd >= 0)
		close(http->epoll_fd);
	free(http);
}

#endif
