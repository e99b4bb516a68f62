/* SPDX-License-Identifier: MIT */
/* client.c - one who has asked a worker for samples, and its parts of runs. */
#include "serve/client.h"

#include "profile/write.h"
#include "serve/stacks.h"

#define PHASES_MAX SESSION_PHASES_MAX
#define THREADS_NS (100 * NS_PER_MS)

struct client *client_new(const struct ask *ask)
{
	struct client *client = xcalloc(1, sizeof(*client));

	client->ask = *ask;
	client->parts = VEC_OF(struct part);
	return client;
}

void client_clear_parts(struct client *client)
{
	for (size_t i = 0; i < client->parts.n; i++) {
		struct part *part = vec_at(&client->parts, i);

		session_release(part->session);
		vec_clear(&part->base);
		vec_clear(&part->last);
	}
	client->parts.n = 0;
}

void client_free(struct client *client)
{
	client_clear_parts(client);
	vec_clear(&client->parts);
	strbuf_clear(&client->before);
	free(client);
}

int64_t client_duration_ns(const struct client *client)
{
	return client_wants_threads(client) ? THREADS_NS
					    : client->ask.duration_ns;
}

uint32_t client_ticks(const struct client *client, int64_t period_ns)
{
	int64_t n = client->ask.period_ns / period_ns;

	return n < 1 ? 1 : n > PHASES_MAX ? PHASES_MAX : (uint32_t)n;
}

static uint32_t every_of(const struct client *client,
			 const struct session_needs *needs)
{
	uint32_t n = client_ticks(client, needs->period_ns);

	return !client_wants_threads(client) && needs->n_phases % n == 0 ? n
									 : 1;
}

void client_begin_part(struct client *client, struct session *session,
		       bool has_all)
{
	const struct session_times *times = session_times(session);
	struct part *part = vec_push(&client->parts);

	part->base = VEC_OF(struct profile_sample);
	part->last = VEC_OF(struct profile_sample);
	part->session = session_hold(session);
	part->begin_ns = times->begin_ns;
	part->begin_wall_ns = times->begin_wall_ns;
	if (has_all)
		return;
	session_flush(session);
	session_mark(session, &part->base);
	part->begin_ns = clock_now_ns();
	part->begin_wall_ns = clock_wall_ns();
}

void client_end_part(struct client *client, int64_t now)
{
	struct part *part;

	if (!client->parts.n)
		return;
	part = vec_at(&client->parts, client->parts.n - 1);
	part->end_ns = now;
	part->is_cut = !session_times(part->session)->end_ns;
	if (part->is_cut)
		session_mark(part->session, &part->last);
}

static void write_stacks(const struct client *client, int64_t end_ns,
			 struct profile *profile, struct strbuf *out)
{
	const char *name = client->ask.name;
	/* without "-delta" */
	CLEANUP(free) char *type = xstrndup(name, strcspn(name, "-"));

	stacks_choose(profile);
	if (client->ask.debug) {
		stacks_write(profile, type, client->ask.debug, out);
		return;
	}
	stacks_make_counts(profile, type);
	if (client->before.len)
		profile->duration_ns = end_ns - client->before_ns;
	profile_write_proto(profile, out);
}

static void write_part(const struct client *client, const struct part *part,
		       struct symbolizer *symbolizer, struct strbuf *out)
{
	struct shape shape = {
		.base = &part->base,
		.last = part->is_cut ? &part->last : NULL,
		.is_wall = client->ask.kind != ASK_CPU,
		.has_threads = client_wants_threads(client) ||
			       client->ask.tid,
		.tid = client->ask.tid,
		.pid = client->ask.pid,
		.every = every_of(client, session_needs(part->session)),
		.time_ns = part->begin_wall_ns,
		.duration_ns = part->end_ns - part->begin_ns,
		.comment = "psample serve",
	};
	struct profile *profile = session_lock(part->session, symbolizer,
					       &shape);

	if (client_wants_threads(client))
		write_stacks(client, part->end_ns, profile, out);
	else
		profile_write_proto(profile, out);
	session_unlock(part->session);
}

struct error *client_write(const struct client *client,
			   struct symbolizer *symbolizer, struct strbuf *out)
{
	struct vec all = VEC_OF(struct strbuf);
	struct strbuf *first;
	struct error *error = NULL;

	for (size_t i = 0; i < client->parts.n; i++)
		write_part(client, vec_at(&client->parts, i), symbolizer,
			   vec_push(&all));
	first = vec_at(&all, 0);
	if (client_wants_threads(client) && client->before.len)
		error = shape_subtract(&client->before, first, out);
	else if (client_wants_second(client) || client->ask.debug)
		strbuf_add(out, first->data, first->len);
	else
		error = shape_join(&all, out);
	for (size_t i = 0; i < all.n; i++)
		strbuf_clear(vec_at(&all, i));
	vec_clear(&all);
	return error;
}
