/* SPDX-License-Identifier: MIT */
/*
 * sampling.c - the worker that profiles one target for all its clients.
 *
 * One run at a time, at the rate of the client that wants the most, since a
 * process has one tracer. A client has what the run gained between its first
 * and its last moment. When the needs change the run is stopped, another is
 * started, and each client's profile is joined from its parts.
 */
#include "serve/sampling.h"

#include <poll.h>

#include "profile/write.h"
#include "serve/session.h"
#include "serve/stacks.h"

#define STATS_NS NS_PER_S
#define PHASES_MAX 1000
/* Ten ticks: one that waits for a core is not seen at the first. */
#define THREADS_PERIOD_NS (10 * NS_PER_MS)
#define THREADS_NS (100 * NS_PER_MS)

/* What a client has of one run. */
struct part {
	struct session *session; /* held */
	struct vec base; /* struct profile_sample: from before its begin */
	int64_t begin_ns, begin_wall_ns;
	int64_t end_ns; /* 0: not yet */
};

struct client {
	struct ask ask;
	int64_t end_ns;
	struct vec parts; /* struct part, the one at hand last */
	/* Of stacks with seconds=: proto from their begin, and when that was */
	struct strbuf before;
	int64_t before_ns;
};

struct sampling {
	const struct worker_ends *ends;
	struct guard guard;
	struct session *session; /* NULL: nothing is attached */
	struct vec clients; /* struct client * */
	struct vec later;   /* struct client *: they want stacks once more */
	int64_t told_ns;
};

static struct client *client_at(const struct sampling *s, size_t i)
{
	return *(struct client **)vec_at(&s->clients, i);
}

static void clear_parts(struct client *client)
{
	for (size_t i = 0; i < client->parts.n; i++) {
		struct part *part = vec_at(&client->parts, i);

		session_release(part->session);
		vec_clear(&part->base);
	}
	client->parts.n = 0;
}

static void client_free(struct client *client)
{
	clear_parts(client);
	vec_clear(&client->parts);
	strbuf_clear(&client->before);
	free(client);
}

static void tell_stats(struct sampling *s, struct session *session)
{
	struct worker_stats stats;
	struct reply reply = { .kind = REPLY_STATS, .len = sizeof(stats) };

	session_count(session, &stats);
	ends_reply(s->ends, &reply, &stats);
	s->told_ns = clock_now_ns();
}

static bool is_threads(const struct client *client)
{
	return client->ask.kind == ASK_THREADS;
}

static int64_t duration_of(const struct client *client)
{
	return is_threads(client) ? THREADS_NS : client->ask.duration_ns;
}

/* Its period in ticks of a run with @period_ns. */
static uint32_t ticks_of(const struct client *client, int64_t period_ns)
{
	int64_t n = client->ask.period_ns / period_ns;

	return n < 1 ? 1 : n > PHASES_MAX ? PHASES_MAX : (uint32_t)n;
}

static uint32_t common_multiple(uint32_t a, uint32_t b)
{
	uint32_t x = a, y = b;

	while (y) {
		uint32_t rest = x % y;

		x = y;
		y = rest;
	}
	return a / x * b;
}

/* For every client its own n in "every n-th tick", if that is not too many. */
static uint32_t phases_of_all(const struct sampling *s, int64_t period_ns)
{
	uint32_t n_phases = 1;

	for (size_t i = 0; i < s->clients.n; i++) {
		uint32_t n = common_multiple(
			n_phases, ticks_of(client_at(s, i), period_ns));

		if (n <= PHASES_MAX)
			n_phases = n;
	}
	return n_phases;
}

static struct session_needs needs_of_all(const struct sampling *s)
{
	struct session_needs needs = { .period_ns = INT64_MAX };

	for (size_t i = 0; i < s->clients.n; i++) {
		const struct client *client = client_at(s, i);

		if (client->ask.period_ns < needs.period_ns)
			needs.period_ns = client->ask.period_ns;
		needs.is_wall |= client->ask.kind != ASK_CPU;
		needs.by_thread |= is_threads(client) || client->ask.tid;
	}
	needs.n_phases = phases_of_all(s, needs.period_ns);
	return needs;
}

static bool is_same(const struct session_needs *a,
		    const struct session_needs *b)
{
	return a->period_ns == b->period_ns && a->is_wall == b->is_wall &&
	       a->by_thread == b->by_thread && a->n_phases == b->n_phases;
}

static uint32_t every_of(const struct client *client,
			 const struct session_needs *needs)
{
	uint32_t n = ticks_of(client, needs->period_ns);

	return !is_threads(client) && needs->n_phases % n == 0 ? n : 1;
}

/* --- what a client takes ----------------------------------------------- */

/* From now on, or with all of @session if it has just begun. */
static void begin_part(struct client *client, struct session *session,
		       bool has_all)
{
	const struct session_times *times = session_times(session);
	struct part *part = vec_push(&client->parts);

	part->base = VEC_OF(struct profile_sample);
	part->session = session_hold(session);
	part->begin_ns = times->begin_ns;
	part->begin_wall_ns = times->begin_wall_ns;
	if (has_all)
		return;
	session_mark(session, &part->base);
	part->begin_ns = clock_now_ns();
	part->begin_wall_ns = clock_wall_ns();
}

static void end_part(struct client *client, int64_t now)
{
	struct part *part;

	if (!client->parts.n)
		return;
	part = vec_at(&client->parts, client->parts.n - 1);
	part->end_ns = now;
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
		       struct strbuf *out)
{
	struct shape shape = {
		.base = &part->base,
		.is_wall = client->ask.kind != ASK_CPU,
		.has_threads = is_threads(client) || client->ask.tid,
		.tid = client->ask.tid,
		.pid = client->ask.pid,
		.every = every_of(client, session_needs(part->session)),
		.time_ns = part->begin_wall_ns,
		.duration_ns = part->end_ns - part->begin_ns,
		.comment = "psample serve",
	};
	struct profile *profile = session_lock(part->session, &shape);

	if (is_threads(client))
		write_stacks(client, part->end_ns, profile, out);
	else
		profile_write_proto(profile, out);
	session_unlock(part->session);
}

/* @is_plain: as text, or as proto that is not compressed. */
static struct error *write_parts(const struct client *client, bool is_plain,
				 struct strbuf *out)
{
	struct vec all = VEC_OF(struct strbuf);
	struct error *error = NULL;

	for (size_t i = 0; i < client->parts.n; i++)
		write_part(client, vec_at(&client->parts, i),
			   vec_push(&all));
	if (is_threads(client) && client->before.len)
		error = shape_subtract(&client->before, vec_at(&all, 0), out);
	else if (is_plain)
		strbuf_add(out, ((struct strbuf *)vec_at(&all, 0))->data,
			   ((struct strbuf *)vec_at(&all, 0))->len);
	else
		error = shape_join(&all, out);
	for (size_t i = 0; i < all.n; i++)
		strbuf_clear(vec_at(&all, i));
	vec_clear(&all);
	return error;
}

static void reply_to(struct sampling *s, struct client *client,
		     uint32_t flags)
{
	CLEANUP(strbuf_clear) struct strbuf bytes = { 0 };
	struct reply reply = { .kind = REPLY_PROFILE, .status = 200,
			       .id = client->ask.id, .flags = flags };
	struct error *error = write_parts(
		client, is_threads(client) && client->ask.debug, &bytes);

	if (error) {
		ends_reply_error(s->ends, client->ask.id, 500,
				 error_text(error));
		error_free(error);
		return;
	}
	if (is_threads(client) && client->ask.debug)
		reply.kind = REPLY_TEXT;
	reply.len = bytes.len;
	ends_reply(s->ends, &reply, bytes.data);
}

static void remove_client(struct sampling *s, size_t i)
{
	client_free(client_at(s, i));
	vec_remove_swap(&s->clients, i);
}

/* Stacks with seconds= are the first of two, whose difference is wanted. */
static bool is_first_of_two(const struct client *client)
{
	return is_threads(client) && client->ask.duration_ns > 0 &&
	       !client->before.len;
}

static void wait_for_second(struct sampling *s, size_t i)
{
	struct client *client = client_at(s, i);
	const struct part *part = vec_at(&client->parts, 0);

	client->before_ns = part->end_ns;
	error_free(write_parts(client, true, &client->before)); /* is none */
	vec_remove_swap(&s->clients, i);
	clear_parts(client);
	client->end_ns = client->before_ns + client->ask.duration_ns;
	*(struct client **)vec_push(&s->later) = client;
}

/* --- runs ---------------------------------------------------------------- */

static void end_run(struct sampling *s, struct session *session)
{
	session_stop(session);
	tell_stats(s, session);
}

/* The targets have ended, or cannot be had: all get what there is. */
static void end_all(struct sampling *s, const char *failure)
{
	int64_t now = clock_now_ns();

	for (size_t i = 0; i < s->clients.n; i++)
		end_part(client_at(s, i), now);
	while (s->clients.n) {
		struct client *client = client_at(s, 0);

		if (client->parts.n)
			reply_to(s, client, REPLY_TARGET_ENDED);
		else
			ends_reply_error(s->ends, client->ask.id, 500,
					 failure);
		remove_client(s, 0);
	}
}

/* Who wants all threads at once begins anew. */
static void join_run(struct sampling *s, struct client *client)
{
	if (is_threads(client))
		clear_parts(client);
	begin_part(client, s->session, true);
	if (is_threads(client) || client->parts.n == 1)
		client->end_ns = session_times(s->session)->begin_ns +
				 duration_of(client);
}

/* A run as the clients need it now, which goes on where the last one ended. */
static void change_run(struct sampling *s)
{
	struct session_needs needs = needs_of_all(s);
	const struct ask *ask = &client_at(s, s->clients.n - 1)->ask;
	struct error *error;

	if (s->session) {
		end_run(s, s->session);
		for (size_t i = 0; i < s->clients.n; i++)
			end_part(client_at(s, i),
				 session_times(s->session)->end_ns);
		session_release(TAKE(s->session));
	}
	error = session_start(&needs, ask->pids, ask->n_pids, s->guard.page,
			      &s->session);
	for (size_t i = 0; !error && i < s->clients.n; i++)
		join_run(s, client_at(s, i));
	if (error)
		end_all(s, error_text(error));
	error_free(error);
}

static void fit_run(struct sampling *s)
{
	struct session_needs needs = needs_of_all(s);

	if (!s->clients.n && s->session) {
		end_run(s, s->session);
		session_release(TAKE(s->session));
	} else if (s->clients.n &&
		   (!s->session ||
		    !is_same(&needs, session_needs(s->session)))) {
		change_run(s);
	}
}

/* --- what comes in ------------------------------------------------------- */

static void add_client(struct sampling *s, struct client *client)
{
	struct session_needs needs;

	*(struct client **)vec_push(&s->clients) = client;
	needs = needs_of_all(s);
	if (!s->session || !is_same(&needs, session_needs(s->session))) {
		change_run(s);
		return;
	}
	begin_part(client, s->session, false);
	client->end_ns = clock_now_ns() + duration_of(client);
}

static void take_client(struct sampling *s, const struct ask *ask)
{
	struct client *client = xcalloc(1, sizeof(*client));

	client->ask = *ask;
	client->parts = VEC_OF(struct part);
	if (is_threads(client))
		client->ask.period_ns = THREADS_PERIOD_NS;
	add_client(s, client);
}

static void drop_from(struct vec *clients, uint32_t id)
{
	for (size_t i = 0; i < clients->n; i++) {
		struct client *client = *(struct client **)vec_at(clients, i);

		if (client->ask.id != id)
			continue;
		client_free(client);
		vec_remove_swap(clients, i);
		return;
	}
}

/* Who had stacks, and waited, wants them once more. */
static void begin_later(struct sampling *s)
{
	int64_t now = clock_now_ns();

	for (size_t i = s->later.n; i-- > 0;) {
		struct client *client =
			*(struct client **)vec_at(&s->later, i);

		if (now < client->end_ns)
			continue;
		vec_remove_swap(&s->later, i);
		add_client(s, client);
	}
}

/* The last ones of a run let the targets go before names are looked up. */
static void end_due(struct sampling *s)
{
	int64_t now = clock_now_ns();
	size_t n_due = 0;

	for (size_t i = 0; i < s->clients.n; i++)
		n_due += now >= client_at(s, i)->end_ns;
	if (!n_due)
		return;
	if (n_due == s->clients.n)
		end_run(s, s->session);
	else
		session_flush(s->session);
	for (size_t i = 0; i < s->clients.n; i++)
		if (now >= client_at(s, i)->end_ns)
			end_part(client_at(s, i), now);
	for (size_t i = s->clients.n; i-- > 0;) {
		if (now < client_at(s, i)->end_ns)
			continue;
		if (is_first_of_two(client_at(s, i))) {
			wait_for_second(s, i);
			continue;
		}
		reply_to(s, client_at(s, i), 0);
		remove_client(s, i);
	}
	fit_run(s);
}

static int64_t first_end_ns(const struct vec *clients, int64_t until_ns)
{
	for (size_t i = 0; i < clients->n; i++) {
		const struct client *client =
			*(struct client **)vec_at(clients, i);

		if (client->end_ns < until_ns)
			until_ns = client->end_ns;
	}
	return until_ns;
}

static int wait_ms(const struct sampling *s)
{
	int64_t now = clock_now_ns(), until_ns = INT64_MAX;

	if (s->session)
		until_ns = s->told_ns + STATS_NS;
	until_ns = first_end_ns(&s->clients, until_ns);
	until_ns = first_end_ns(&s->later, until_ns);
	if (until_ns == INT64_MAX)
		return -1;
	return until_ns <= now ? 0 : (int)((until_ns - now) / NS_PER_MS) + 1;
}

static void take_ask(struct sampling *s, const struct ask *ask)
{
	if (ask->kind == ASK_DROP) {
		drop_from(&s->clients, ask->id);
		drop_from(&s->later, ask->id);
		fit_run(s);
	} else {
		take_client(s, ask);
	}
}

/* The targets have ended. */
static void take_end(struct sampling *s)
{
	end_run(s, s->session);
	end_all(s, "the target has ended");
	session_release(TAKE(s->session));
}

void sampling_main(const struct worker_ends *ends, const void *arg)
{
	struct sampling s = { .ends = ends,
			      .clients = VEC_OF(struct client *),
			      .later = VEC_OF(struct client *) };
	struct ask ask;

	(void)arg;
	error_free(guard_start(&s.guard));
	for (;;) {
		struct pollfd fds[] = {
			{ ends->ask_fd, POLLIN, 0 },
			{ s.session ? session_done_fd(s.session) : -1,
			  POLLIN, 0 },
		};

		poll(fds, ARRAY_SIZE(fds), wait_ms(&s));
		if (fds[1].revents)
			take_end(&s);
		if (fds[0].revents) {
			if (!ends_receive(ends, &ask))
				break;
			take_ask(&s, &ask);
		}
		begin_later(&s);
		if (s.session)
			end_due(&s);
		if (s.session && clock_now_ns() - s.told_ns >= STATS_NS)
			tell_stats(&s, s.session);
	}
	while (s.clients.n)
		remove_client(&s, 0);
	while (s.later.n)
		client_free(*(struct client **)vec_at(&s.later, --s.later.n));
	session_release(s.session);
	guard_end(&s.guard);
	vec_clear(&s.clients);
	vec_clear(&s.later);
}
