/* SPDX-License-Identifier: MIT */
/*
 * sampling.c - the worker that profiles one target for all its clients.
 *
 * One run at a time, at the rate of the client that wants the most, since a
 * process has one tracer. A client has what the run gained between its first
 * and its last moment. When the needs change the run is stopped, another is
 * started, and each client's profile is joined from its parts. That is done,
 * and names are looked up, by a child (scribe.h): neither the targets nor the
 * other clients wait for it.
 */
#include "serve/sampling.h"

#include <poll.h>

#include "serve/scribe.h"

#define STATS_NS NS_PER_S
/* Ten ticks: one that waits for a core is not seen at the first. */
#define THREADS_PERIOD_NS (10 * NS_PER_MS)
/* More of them would wait for each other, and targets for them. */
#define SCRIBES_MAX 2

struct sampling {
	const struct worker_ends *ends;
	struct guard guard;
	struct session *session; /* NULL: nothing is attached */
	struct vec clients; /* struct client * */
	struct vec later;   /* struct client *: they want stacks once more */
	struct vec due;	    /* struct client *: their time is over */
	struct vec scribes; /* struct scribe *: they write for such ones */
	int64_t told_ns;
};

static void tell_stats(struct sampling *s, struct session *session)
{
	struct worker_stats stats;
	struct reply reply = { .kind = REPLY_STATS, .len = sizeof(stats) };

	session_count(session, &stats);
	ends_reply(s->ends, &reply, &stats);
	s->told_ns = clock_now_ns();
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
		uint32_t ticks = client_ticks(client_at(&s->clients, i),
					      period_ns);
		uint32_t n = common_multiple(n_phases, ticks);

		if (n <= SESSION_PHASES_MAX)
			n_phases = n;
	}
	return n_phases;
}

static struct session_needs needs_of_all(const struct sampling *s)
{
	struct session_needs needs = { .period_ns = INT64_MAX };

	for (size_t i = 0; i < s->clients.n; i++) {
		const struct client *client = client_at(&s->clients, i);

		if (client->ask.period_ns < needs.period_ns)
			needs.period_ns = client->ask.period_ns;
		needs.is_wall |= client->ask.kind != ASK_CPU;
		needs.by_thread |= client_wants_threads(client) ||
				   client->ask.tid;
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

/* --- what clients take --------------------------------------------------- */

static void reply_to(struct sampling *s, const struct client *client,
		     const struct strbuf *bytes)
{
	struct reply reply = { .kind = REPLY_PROFILE, .status = 200,
			       .id = client->ask.id, .flags = client->flags,
			       .len = bytes->len };

	if (client_wants_threads(client) && client->ask.debug)
		reply.kind = REPLY_TEXT;
	ends_reply(s->ends, &reply, bytes->data);
}

static void wait_for_second(struct sampling *s, struct client *client,
			    struct strbuf *bytes)
{
	const struct part *part = vec_at(&client->parts, 0);

	client->before_ns = part->end_ns;
	client->before = *bytes;
	*bytes = (struct strbuf){ 0 };
	client_clear_parts(client);
	client->end_ns = client->before_ns + client->ask.duration_ns;
	*(struct client **)vec_push(&s->later) = client;
}

static void hand_out(struct sampling *s, struct scribe *scribe)
{
	struct client *client;
	struct error *error;
	struct strbuf bytes = { 0 };

	while (scribe_take(scribe, &client, &bytes, &error)) {
		if (!error && client_wants_second(client)) {
			wait_for_second(s, client, &bytes);
			continue;
		}
		if (error)
			ends_reply_error(s->ends, client->ask.id, 500,
					 error_text(error));
		else
			reply_to(s, client, &bytes);
		error_free(error);
		client_free(client);
		strbuf_clear(&bytes);
	}
}

static void begin_writing(struct sampling *s)
{
	const int fds[] = { s->ends->ask_fd, s->ends->reply_fd,
			    s->guard.pipe_fd };
	struct scribe *scribe;
	struct error *error;

	if (!s->due.n || s->scribes.n >= SCRIBES_MAX)
		return;
	error = scribe_start(s->session, &s->due, fds, ARRAY_SIZE(fds),
			     &scribe);
	if (!error) {
		*(struct scribe **)vec_push(&s->scribes) = scribe;
		return;
	}
	while (s->due.n) {
		struct client *client = client_at(&s->due, --s->due.n);

		ends_reply_error(s->ends, client->ask.id, 500,
				 error_text(error));
		client_free(client);
	}
	error_free(error);
}

static struct scribe *scribe_at(const struct sampling *s, size_t i)
{
	return *(struct scribe **)vec_at(&s->scribes, i);
}

static void read_scribes(struct sampling *s)
{
	for (size_t i = s->scribes.n; i-- > 0;) {
		struct scribe *scribe = scribe_at(s, i);

		if (scribe_read(scribe))
			continue;
		vec_remove_swap(&s->scribes, i);
		hand_out(s, scribe);
		scribe_free(scribe);
	}
}

/* Its time is over: it goes where the answers are written. */
static void end_client(struct sampling *s, size_t i)
{
	*(struct client **)vec_push(&s->due) = client_at(&s->clients, i);
	vec_remove_swap(&s->clients, i);
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

	while (s->clients.n) {
		struct client *client = client_at(&s->clients, 0);

		client_end_part(client, now);
		client->flags |= REPLY_TARGET_ENDED;
		end_client(s, 0);
		if (client->parts.n)
			continue;
		s->due.n--;
		ends_reply_error(s->ends, client->ask.id, 500, failure);
		client_free(client);
	}
}

/* Who wants all threads at once begins anew. */
static void join_run(struct sampling *s, struct client *client)
{
	if (client_wants_threads(client))
		client_clear_parts(client);
	client_begin_part(client, s->session, true);
	if (client_wants_threads(client) || client->parts.n == 1)
		client->end_ns = session_times(s->session)->begin_ns +
				 client_duration_ns(client);
}

/* A run as the clients need it now, which goes on where the last one ended. */
static void change_run(struct sampling *s)
{
	struct session_needs needs = needs_of_all(s);
	const struct ask *ask = &client_at(&s->clients, s->clients.n - 1)->ask;
	struct error *error;

	if (s->session) {
		end_run(s, s->session);
		for (size_t i = 0; i < s->clients.n; i++)
			client_end_part(client_at(&s->clients, i),
					session_times(s->session)->end_ns);
		session_release(TAKE(s->session));
	}
	error = session_start(&needs, ask->pids, ask->n_pids, s->guard.page,
			      &s->session);
	for (size_t i = 0; !error && i < s->clients.n; i++)
		join_run(s, client_at(&s->clients, i));
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
	client_begin_part(client, s->session, false);
	client->end_ns = clock_now_ns() + client_duration_ns(client);
}

static void take_client(struct sampling *s, const struct ask *ask)
{
	struct client *client = client_new(ask);

	if (client_wants_threads(client))
		client->ask.period_ns = THREADS_PERIOD_NS;
	add_client(s, client);
}

static bool drop_from(struct vec *clients, uint32_t id)
{
	for (size_t i = 0; i < clients->n; i++) {
		struct client *client = client_at(clients, i);

		if (client->ask.id != id)
			continue;
		client_free(client);
		vec_remove_swap(clients, i);
		return true;
	}
	return false;
}

static void drop_client(struct sampling *s, uint32_t id)
{
	bool is_found = drop_from(&s->clients, id);

	if (is_found)
		fit_run(s);
	is_found = is_found || drop_from(&s->later, id) ||
		   drop_from(&s->due, id);
	for (size_t i = 0; i < s->scribes.n && !is_found; i++)
		is_found = scribe_drop(scribe_at(s, i), id);
}

/* Who had stacks, and waited, wants them once more. */
static void begin_later(struct sampling *s)
{
	int64_t now = clock_now_ns();

	for (size_t i = s->later.n; i-- > 0;) {
		struct client *client = client_at(&s->later, i);

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
		n_due += now >= client_at(&s->clients, i)->end_ns;
	if (!n_due)
		return;
	if (n_due == s->clients.n)
		end_run(s, s->session);
	else
		session_flush(s->session);
	for (size_t i = s->clients.n; i-- > 0;) {
		if (now < client_at(&s->clients, i)->end_ns)
			continue;
		client_end_part(client_at(&s->clients, i), now);
		end_client(s, i);
	}
	fit_run(s);
}

static int64_t first_end_ns(const struct vec *clients, int64_t until_ns)
{
	for (size_t i = 0; i < clients->n; i++) {
		const struct client *client = client_at(clients, i);

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
		drop_client(s, ask->id);
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

static void wait_once(struct sampling *s, bool *out_is_asked)
{
	struct pollfd fds[2 + SCRIBES_MAX] = {
		{ s->ends->ask_fd, POLLIN, 0 },
		{ s->session ? session_done_fd(s->session) : -1, POLLIN, 0 },
	};

	for (size_t i = 0; i < s->scribes.n; i++)
		fds[2 + i] = (struct pollfd){ scribe_at(s, i)->fd, POLLIN,
					      0 };
	poll(fds, 2 + s->scribes.n, wait_ms(s));
	if (fds[1].revents)
		take_end(s);
	read_scribes(s);
	*out_is_asked = fds[0].revents != 0;
}

static void clear(struct sampling *s)
{
	struct vec *all[] = { &s->clients, &s->later, &s->due };

	while (s->scribes.n)
		scribe_free(scribe_at(s, --s->scribes.n));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		while (all[i]->n)
			client_free(client_at(all[i], --all[i]->n));
		vec_clear(all[i]);
	}
	session_release(s->session);
	guard_end(&s->guard);
	vec_clear(&s->scribes);
}

void sampling_main(const struct worker_ends *ends, const void *arg)
{
	struct sampling s = { .ends = ends,
			      .clients = VEC_OF(struct client *),
			      .later = VEC_OF(struct client *),
			      .due = VEC_OF(struct client *),
			      .scribes = VEC_OF(struct scribe *) };
	struct ask ask;
	bool is_asked;

	(void)arg;
	error_free(guard_start(&s.guard));
	for (;;) {
		wait_once(&s, &is_asked);
		if (is_asked && !ends_receive(ends, &ask))
			break;
		if (is_asked)
			take_ask(&s, &ask);
		begin_later(&s);
		if (s.session)
			end_due(&s);
		begin_writing(&s);
		if (s.session && clock_now_ns() - s.told_ns >= STATS_NS)
			tell_stats(&s, s.session);
	}
	clear(&s);
}
