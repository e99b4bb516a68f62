/* SPDX-License-Identifier: MIT */
/* scribe.c - the child of a worker that looks names up and writes answers. */
#include "serve/scribe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "util/child.h"
#include "util/io.h"

#define NICE 5 /* where cores are short, the targets come first */

/* Before the bytes of an answer in the pipe. */
struct head {
	uint32_t client; /* which of them */
	uint32_t is_error;
	uint64_t len;
};

static bool write_answer(int fd, struct symbolizer *symbolizer, uint32_t i,
			 const struct client *client)
{
	CLEANUP(strbuf_clear) struct strbuf bytes = { 0 };
	struct error *error = client_write(client, symbolizer, &bytes);
	struct head head = { .client = i, .is_error = error != NULL };

	if (error) {
		strbuf_clear(&bytes);
		strbuf_adds(&bytes, error_text(error));
		error_free(error);
	}
	head.len = bytes.len;
	return io_write_full(fd, &head, sizeof(head)) &&
	       io_write_full(fd, bytes.data, bytes.len);
}

static void __attribute__((noreturn))
write_all(const struct vec *clients, int fd, pid_t worker)
{
	struct symbol_options options = { 0 };
	struct symbolizer *symbolizer = symbolizer_new(&options);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "psample-names");
	if (nice(NICE) < 0) /* or it stays as it is */
		errno = 0;
	for (size_t i = 0; i < clients->n && getppid() == worker; i++)
		if (!write_answer(fd, symbolizer, (uint32_t)i,
				  client_at(clients, i)))
			break;
	/* With its own children, for whom nobody else might wait. */
	symbolizer_free(symbolizer);
	_exit(0);
}

struct error *scribe_start(struct session *running, struct vec *clients,
			   const int worker_fds[], size_t n_fds,
			   struct scribe **out)
{
	pid_t worker = getpid();
	struct scribe *scribe;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return error_errno(errno, "cannot make a pipe");
	pid = session_fork(running);
	if (pid == 0) {
		for (size_t i = 0; i < n_fds; i++)
			close(worker_fds[i]);
		close(fds[0]);
		write_all(clients, fds[1], worker);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return error_errno(errno, "cannot fork");
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	scribe = xcalloc(1, sizeof(*scribe));
	scribe->pid = pid;
	scribe->fd = fds[0];
	scribe->clients = *clients;
	*clients = VEC_OF(struct client *);
	*out = scribe;
	return NULL;
}

void scribe_free(struct scribe *scribe)
{
	if (!scribe)
		return;
	kill(scribe->pid, SIGKILL);
	child_wait(scribe->pid);
	close(scribe->fd);
	for (size_t i = 0; i < scribe->clients.n; i++)
		if (client_at(&scribe->clients, i))
			client_free(client_at(&scribe->clients, i));
	vec_clear(&scribe->clients);
	strbuf_clear(&scribe->in);
	free(scribe);
}

bool scribe_read(struct scribe *scribe)
{
	return worker_read_all(scribe->fd, &scribe->in);
}

static struct client *take_client(struct scribe *scribe, size_t i)
{
	struct client **at = vec_at(&scribe->clients, i);

	return TAKE(*at);
}

bool scribe_drop(struct scribe *scribe, uint32_t id)
{
	for (size_t i = 0; i < scribe->clients.n; i++) {
		const struct client *client = client_at(&scribe->clients, i);

		if (client && client->ask.id == id) {
			client_free(take_client(scribe, i));
			return true;
		}
	}
	return false;
}

/* The answer at the front of what it wrote; false if there is no whole one. */
static bool cut_answer(struct scribe *scribe, struct head *out_head,
		       struct strbuf *out_bytes)
{
	struct strbuf *in = &scribe->in;
	size_t done = sizeof(*out_head);

	if (in->len < done)
		return false;
	memcpy(out_head, in->data, done);
	if (out_head->len > in->len - done ||
	    out_head->client >= scribe->clients.n)
		return false;
	strbuf_add(out_bytes, in->data + done, out_head->len);
	done += out_head->len;
	in->len -= done;
	memmove(in->data, in->data + done, in->len);
	return true;
}

bool scribe_take(struct scribe *scribe, struct client **out_client,
		 struct strbuf *out_bytes, struct error **out_error)
{
	struct head head;

	*out_error = NULL;
	while (cut_answer(scribe, &head, out_bytes)) {
		*out_client = take_client(scribe, head.client);
		if (*out_client && head.is_error)
			*out_error = error_new("%s", out_bytes->data);
		if (*out_client)
			return true;
		strbuf_clear(out_bytes);
	}
	for (size_t i = 0; i < scribe->clients.n; i++) {
		*out_client = take_client(scribe, i);
		if (!*out_client)
			continue;
		*out_error = error_new("the process that looked names up "
				       "ended unexpectedly");
		return true;
	}
	return false;
}
