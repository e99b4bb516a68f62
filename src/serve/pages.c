/* SPDX-License-Identifier: MIT */
/* pages.c - the index for people, the metrics for Prometheus. */
#include "serve/server.h"
#include "target/proc.h"
#include "util/clock.h"

/* Text of a target's into HTML. */
static void add_escaped(const char *text, struct strbuf *out)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			strbuf_adds(out, "&amp;");
			break;
		case '<':
			strbuf_adds(out, "&lt;");
			break;
		case '>':
			strbuf_adds(out, "&gt;");
			break;
		case '"':
			strbuf_adds(out, "&#34;");
			break;
		case '\'':
			strbuf_adds(out, "&#39;");
			break;
		default:
			strbuf_addc(out, *text);
			break;
		}
	}
}

struct index_row {
	const char *name, *query, *text;
	bool is_threads; /* its count is that of the threads */
};

static const struct index_row rows[] = {
	{ "allocs", "debug=1", "A sampling of memory allocations since this "
	  "server began to watch them (--heap). seconds=N gives those of that "
	  "time.", false },
	{ "cmdline", "", "The command line of the target.", false },
	{ "goroutine", "debug=1", "Where all threads are at the moment; "
	  "debug=2 in the form of a panic.", true },
	{ "heap", "debug=1", "The same allocations, by what is still in use.",
	  false },
	{ "profile", "", "CPU profile. seconds=N is its duration, hz=N its "
	  "rate, tid=N one thread.", false },
	{ "symbol", "", "Names for addresses: in the query of a GET or the "
	  "body of a POST, joined by '+'.", false },
	{ "threadcreate", "debug=1", "The same threads, under the name that "
	  "other tools ask for.", true },
	{ "wall", "", "Where threads spend their time, on a core or waiting. "
	  "seconds=N, hz=N and tid=N as for profile.", false },
};

static size_t count_threads(const struct vec *pids)
{
	struct vec tids = VEC_OF(pid_t);
	size_t n;

	for (size_t i = 0; i < pids->n; i++)
		proc_list_threads(*(pid_t *)vec_at(pids, i), &tids);
	n = tids.n;
	vec_clear(&tids);
	return n;
}

static void add_targets(const struct exchange *x, const struct vec *pids,
			struct strbuf *out)
{
	strbuf_adds(out, "<p>Targets:</p>\n<ul>\n");
	for (size_t i = 0; i < pids->n; i++) {
		pid_t pid = *(pid_t *)vec_at(pids, i);
		CLEANUP(free) char *line = proc_command_line(pid);

		strbuf_addf(out, "<li><a href='/pid/%d/debug/pprof/'>%d</a> ",
			    (int)pid, (int)pid);
		line[strcspn(line, " ")] = '\0'; /* arguments: cmdline */
		add_escaped(line, out);
		strbuf_adds(out, "</li>\n");
	}
	if (!pids->n)
		strbuf_adds(out, "<li>none at the moment</li>\n");
	strbuf_adds(out, "</ul>\n");
	if (x->serve->targets->allows_pids)
		strbuf_adds(out, "<p>Any other process: "
				 "/pid/PID/debug/pprof/</p>\n");
}

void page_index(const struct exchange *x, struct strbuf *out)
{
	struct vec pids = VEC_OF(pid_t);
	size_t n_threads;

	if (x->pid)
		*(pid_t *)vec_push(&pids) = x->pid;
	else
		targets_list(x->serve->targets, &pids);
	n_threads = count_threads(&pids);
	strbuf_adds(out, "<html>\n<head>\n"
			 "<title>/debug/pprof/</title>\n</head>\n<body>\n"
			 "<p>/debug/pprof/ by psample</p>\n");
	add_targets(x, &pids, out);
	strbuf_adds(out, "<p>Set debug=1 as a query parameter to export in "
			 "legacy text format</p>\n"
			 "<p>Types of profiles available:</p>\n<table>\n"
			 "<thead><tr><td>Count</td><td>Profile</td></tr>"
			 "</thead>\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		strbuf_addf(out, "<tr><td>%zu</td><td><a href='%s%s%s'>%s</a>"
				 "</td></tr>\n",
			    rows[i].is_threads ? n_threads : 0, rows[i].name,
			    *rows[i].query ? "?" : "", rows[i].query,
			    rows[i].name);
	strbuf_adds(out, "</table>\n<p><a href=\"goroutine?debug=2\">full "
			 "goroutine stack dump</a></p>\n"
			 "<p>Profile Descriptions:</p>\n<ul>\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		strbuf_addf(out, "<li>%s: %s</li>\n", rows[i].name,
			    rows[i].text);
	strbuf_adds(out, "</ul>\n</body>\n</html>\n");
	vec_clear(&pids);
}

static void add_metric(struct strbuf *out, const char *name, const char *type,
		       const char *help, double value)
{
	strbuf_addf(out, "# HELP psample_%s %s\n# TYPE psample_%s %s\n"
			 "psample_%s %.17g\n", name, help, name, type, name,
		    value);
}

static double seconds(int64_t ns)
{
	return (double)ns / NS_PER_S;
}

static void add_sampling(const struct worker_stats *totals,
			 struct strbuf *out)
{
	add_metric(out, "samples_total", "counter", "Samples taken.",
		   (double)totals->samples);
	add_metric(out, "ticks_total", "counter",
		   "Deadlines that were looked at in time.",
		   (double)totals->ticks);
	add_metric(out, "ticks_late_total", "counter",
		   "Deadlines that were looked at too late.",
		   (double)totals->late_ticks);
	add_metric(out, "ticks_missed_total", "counter",
		   "Deadlines that passed while psample did not run.",
		   (double)totals->missed_ticks);
	add_metric(out, "stops_total", "counter",
		   "Threads stopped to be sampled.", (double)totals->stops);
	add_metric(out, "samples_dropped_total", "counter",
		   "Samples lost to a full buffer.",
		   (double)totals->dropped);
	add_metric(out, "samples_unreadable_total", "counter",
		   "Samples lost since a thread or its stack could not be "
		   "read.", (double)totals->unreadable);
	add_metric(out, "stacks_total", "counter", "Stacks walked.",
		   (double)totals->stacks);
	add_metric(out, "stacks_truncated_total", "counter",
		   "Stacks that were not walked to their root.",
		   (double)totals->truncated);
	add_metric(out, "pause_seconds_total", "counter",
		   "Time that threads of targets were held.",
		   seconds(totals->held_ns));
	add_metric(out, "pause_seconds_max", "gauge",
		   "The longest of these pauses.",
		   seconds(totals->held_max_ns));
	add_metric(out, "attached_seconds_total", "counter",
		   "Time that targets were attached to.",
		   seconds(totals->elapsed_ns));
}

void page_metrics(const struct serve *serve, struct strbuf *out)
{
	struct http_counts counts = http_counts(serve->http);
	struct vec pids = VEC_OF(pid_t);
	size_t n_busy = 0;

	for (size_t i = 0; i < serve->posts.n; i++) {
		const struct post *post =
			*(struct post **)vec_at(&serve->posts, i);

		n_busy += post->kind == WORKER_SAMPLING &&
			  post->worker->n_jobs;
	}
	targets_list(serve->targets, &pids);
	add_metric(out, "targets", "gauge", "Targets that are alive.",
		   (double)pids.n);
	vec_clear(&pids);
	add_metric(out, "targets_attached", "gauge",
		   "Groups of targets that are being sampled.",
		   (double)n_busy);
	add_sampling(&serve->totals, out);
	add_metric(out, "profiles_total", "counter", "Profiles handed out.",
		   (double)serve->n_profiles);
	add_metric(out, "profiles_failed_total", "counter",
		   "Profiles that could not be had.",
		   (double)serve->n_failed);
	add_metric(out, "http_requests_total", "counter",
		   "Requests that were let in.", (double)counts.requests);
	add_metric(out, "http_refused_total", "counter",
		   "Requests refused for their number or slowness.",
		   (double)counts.refused);
	add_metric(out, "http_connections", "gauge", "Connections open.",
		   counts.connections);
	add_metric(out, "http_waiting", "gauge",
		   "Clients that wait for a profile.", counts.waiting);
	add_metric(out, "uptime_seconds", "gauge", "Age of this server.",
		   seconds(clock_now_ns() - serve->start_ns));
}
