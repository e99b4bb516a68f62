/* SPDX-License-Identifier: MIT */
/*
 * heaping.c - the worker that has the allocation profile of one process.
 *
 * The counts only grow, so clients share them: one who asks for some seconds
 * has what came between, the same profile twice and subtracted.
 */
#include "serve/heaping.h"

#include <poll.h>
#include <stdio.h>

#include "heap/heap.h"
#include "profile/write.h"
#include "serve/heap_text.h"
#include "serve/shape.h"
#include "target/guard.h"
#include "util/clock.h"

struct waiting { /* for the end of its seconds */
	struct ask ask;
	int64_t begin_ns, end_ns;
	struct strbuf before; /* profile.proto */
};

struct heaping {
	const struct worker_ends *ends;
	struct heap *heap;
	struct guard guard;
	struct symbolizer *symbolizer;
	struct vec clients; /* struct waiting */
	bool has_ended;	    /* the target, or what it ran */
};

static struct error *begin(struct heaping *h, pid_t pid)
{
	struct heap_options options = { 0 };
	struct error *error = heap_open(pid, &options, &h->heap);

	if (!error)
		error = guard_start(&h->guard);
	if (!error)
		error = heap_start(h->heap, &h->guard.page->poke);
	if (error) {
		heap_free(TAKE(h->heap));
		guard_end(&h->guard);
	}
	return error;
}

static struct profile *read_profile(struct heaping *h, const char *name)
{
	struct profile *profile;

	heap_poll(h->heap);
	profile = heap_profile(h->heap, h->symbolizer);
	profile->default_type = profile_string(
		profile, strncmp(name, "allocs", 6) ? "inuse_space"
						    : "alloc_space");
	profile->comments.n = 0;
	profile_add_comment(profile, "psample serve");
	return profile;
}

static void reply_bytes(struct heaping *h, const struct ask *ask,
			enum reply_kind kind, const struct strbuf *bytes)
{
	struct reply reply = { .kind = kind, .id = ask->id, .status = 200,
			       .len = bytes->len };

	if (h->has_ended)
		reply.flags = REPLY_TARGET_ENDED;
	ends_reply(h->ends, &reply, bytes->data);
}

static void reply_now(struct heaping *h, const struct ask *ask)
{
	CLEANUP(strbuf_clear) struct strbuf bytes = { 0 };
	struct profile *profile = read_profile(h, ask->name);
	struct error *error = NULL;

	if (ask->debug)
		heap_write_text(profile, &bytes);
	else
		error = profile_write_pprof(profile, &bytes);
	if (error)
		ends_reply_error(h->ends, ask->id, 500, error_text(error));
	else
		reply_bytes(h, ask, ask->debug ? REPLY_TEXT : REPLY_PROFILE,
			    &bytes);
	error_free(error);
}

static void reply_delta(struct heaping *h, struct waiting *client)
{
	CLEANUP(strbuf_clear) struct strbuf after = { 0 };
	CLEANUP(strbuf_clear) struct strbuf bytes = { 0 };
	struct profile *profile = read_profile(h, client->ask.name);
	struct error *error;

	profile->time_ns = clock_wall_ns();
	profile->duration_ns = clock_now_ns() - client->begin_ns;
	profile_write_proto(profile, &after);
	error = shape_subtract(&client->before, &after, &bytes);
	if (error)
		ends_reply_error(h->ends, client->ask.id, 500,
				 "failed to compute delta");
	else
		reply_bytes(h, &client->ask, REPLY_PROFILE, &bytes);
	error_free(error);
}

static void remove_client(struct heaping *h, size_t i)
{
	struct waiting *client = vec_at(&h->clients, i);

	strbuf_clear(&client->before);
	vec_remove_swap(&h->clients, i);
}

static void wait_for(struct heaping *h, const struct ask *ask)
{
	struct waiting *client = vec_push(&h->clients);

	client->ask = *ask;
	client->begin_ns = clock_now_ns();
	client->end_ns = client->begin_ns + ask->duration_ns;
	profile_write_proto(read_profile(h, ask->name), &client->before);
}

static void drop(struct heaping *h, uint32_t id)
{
	for (size_t i = 0; i < h->clients.n; i++)
		if (((struct waiting *)vec_at(&h->clients, i))->ask.id == id) {
			remove_client(h, i);
			return;
		}
}

/* False if the profile cannot be had: this worker is of no use. */
static bool take_ask(struct heaping *h, const struct ask *ask)
{
	struct error *error = NULL;

	if (ask->kind == ASK_DROP) {
		drop(h, ask->id);
		return true;
	}
	if (!h->heap)
		error = begin(h, ask->pids[0]);
	if (error && ask->id)
		ends_reply_error(h->ends, ask->id, 503, error_text(error));
	if (error) {
		error_free(error);
		return false;
	}
	if (ask->duration_ns)
		wait_for(h, ask);
	else if (ask->id)
		reply_now(h, ask);
	return true;
}

static void end_due(struct heaping *h, int64_t now)
{
	for (size_t i = h->clients.n; i-- > 0;) {
		struct waiting *client = vec_at(&h->clients, i);

		if (now < client->end_ns)
			continue;
		reply_delta(h, client);
		remove_client(h, i);
	}
}

static int wait_ms(const struct heaping *h)
{
	int64_t wait_ns;
	int64_t now = clock_now_ns();

	if (!h->heap)
		return -1;
	wait_ns = heap_poll_wait_ns(h->heap);
	for (size_t i = 0; i < h->clients.n; i++) {
		const struct waiting *client = vec_at(&h->clients, i);

		if (client->end_ns - now < wait_ns)
			wait_ns = client->end_ns - now;
	}
	return wait_ns <= 0 ? 0 : (int)(wait_ns / NS_PER_MS) + 1;
}

static void run(struct heaping *h)
{
	bool is_running = true;

	while (is_running) {
		struct pollfd pfd = { h->ends->ask_fd, POLLIN, 0 };
		struct ask ask;

		poll(&pfd, 1, wait_ms(h));
		if (pfd.revents)
			is_running = ends_receive(h->ends, &ask) &&
				     take_ask(h, &ask);
		if (h->heap)
			end_due(h, clock_now_ns());
		h->has_ended = h->heap && heap_poll(h->heap) != HEAP_RUNS;
		is_running &= !h->has_ended;
	}
	/* What was read before the target ended is still there. */
	if (h->heap)
		end_due(h, INT64_MAX);
}

void heaping_main(const struct worker_ends *ends, const void *arg)
{
	struct symbol_options options = { 0 };
	struct heaping h = { .ends = ends,
			     .clients = VEC_OF(struct waiting),
			     .symbolizer = symbolizer_new(&options) };

	(void)arg;
	run(&h);
	if (h.heap)
		error_free(heap_stop(h.heap));
	heap_free(h.heap);
	guard_end(&h.guard);
	while (h.clients.n)
		remove_client(&h, 0);
	vec_clear(&h.clients);
	symbolizer_free(h.symbolizer);
}
