/* SPDX-License-Identifier: MIT */
/*
 * heap_summary.c - what was allocated, how sure that is, and what it cost.
 */
#include <math.h>
#include <stdio.h>

#include "cli/record.h"
#include "heap/heap.h"
#include "profile/top.h"
#include "profile/unit.h"
#include "util/log.h"

#define TOP_ROWS 5
#define SIGMA_DOUBTFUL 0.2

static void add_bytes(struct strbuf *out, double bytes)
{
	int64_t value = llround(bytes);

	unit_add_value(out, value, "bytes", unit_natural(value, "bytes"));
}

static void make_found(const struct heap_stats *stats, struct strbuf *out)
{
	double seconds = (double)stats->elapsed_ns / NS_PER_S;
	char elapsed[24];

	strbuf_addf(out, "%llu samples: ",
		    (unsigned long long)stats->samples);
	add_bytes(out, stats->alloc_bytes);
	strbuf_addf(out, " allocated (+-%.1f%%), %.0f objects, in %s",
		    100 * stats->sigma, stats->alloc_objects,
		    duration_format(stats->elapsed_ns, elapsed,
				    sizeof(elapsed)));
	if (seconds > 0) {
		strbuf_adds(out, ": ");
		add_bytes(out, stats->alloc_bytes / seconds);
		strbuf_adds(out, "/s");
	}
	strbuf_adds(out, "; in use ");
	add_bytes(out, stats->inuse_bytes);
	strbuf_addf(out, ", %.0f objects", stats->inuse_objects);
}

/* Of malloc and its family, where the agent has counted. */
static void make_exact(const struct heap_stats *stats, struct strbuf *out)
{
	strbuf_addf(out, "counted %.0f bytes (estimate / count %.3f), %llu "
			 "slots lead to the agent, a sample every ",
		    stats->exact_bytes,
		    stats->exact_bytes > 0
			    ? stats->alloc_bytes / stats->exact_bytes : 1,
		    (unsigned long long)stats->n_slots);
	add_bytes(out, (double)stats->mean_bytes);
	if (stats->n_dropped)
		strbuf_addf(out, "; %llu samples lost, corrected for",
			    (unsigned long long)stats->n_dropped);
	if (stats->n_unlisted)
		strbuf_addf(out, "; %llu live objects not known",
			    (unsigned long long)stats->n_unlisted);
	if (stats->n_skipped)
		strbuf_addf(out, "; %llu slots hold something else",
			    (unsigned long long)stats->n_skipped);
}

static void make_rate(const struct heap_stats *stats, struct strbuf *out)
{
	char version[32] = "Go before 1.13";

	if (stats->is_native) {
		make_exact(stats, out);
		return;
	}
	if (stats->minor)
		snprintf(version, sizeof(version), "Go 1.%d", stats->minor);
	strbuf_addf(out, "%s, MemProfileRate %llu", version,
		    (unsigned long long)stats->mean_bytes);
	if (stats->mean_before == stats->mean_bytes)
		strbuf_adds(out, " as the program has it");
	else
		strbuf_addf(out, " instead of %llu",
			    (unsigned long long)stats->mean_before);
	if (stats->has_ended)
		strbuf_adds(out, "; it has ended, and its last moments are "
				 "not in the profile");
	else if (stats->mean_before != stats->mean_bytes)
		strbuf_adds(out, ", which is put back now");
	if (stats->rate_was_changed)
		strbuf_adds(out, "; somebody else changed it during the run, "
				 "so the sums are doubtful");
}

static void make_cost(const struct heap_stats *stats, struct strbuf *out)
{
	char read[24], held[24];

	if (stats->is_native) {
		strbuf_addf(out, "cost: %llu looks in %s",
			    (unsigned long long)stats->n_reads,
			    duration_format(stats->read_ns, read,
					    sizeof(read)));
		if (stats->held_ns)
			strbuf_addf(out, "; one thread was held for %s, once",
				    duration_format(stats->held_ns, held,
						    sizeof(held)));
		return;
	}
	strbuf_addf(out, "cost: nothing stopped; %llu stacks read %llu times "
			 "in %s",
		    (unsigned long long)stats->n_buckets,
		    (unsigned long long)stats->n_reads,
		    duration_format(stats->read_ns, read, sizeof(read)));
}

void heap_summary_add_comments(const struct run *run,
			       const struct heap_stats *stats,
			       struct profile *profile)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };

	profile->comments.n = 0; /* of an earlier write in the same run */
	strbuf_addf(&text, "psample %s", run->command_line);
	profile_add_comment(profile, text.data);
	strbuf_reset(&text);
	make_found(stats, &text);
	profile_add_comment(profile, text.data);
	strbuf_reset(&text);
	make_rate(stats, &text);
	profile_add_comment(profile, text.data);
	strbuf_reset(&text);
	strbuf_adds(&text, "# ");
	make_cost(stats, &text);
	profile_add_comment(profile, text.data);
}

static void print_top(const struct profile *profile)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	size_t type = output_shown_type(profile);
	struct top top;

	if (!profile->samples.n)
		return;
	top_make(profile, type, &top);
	top_write(profile, &top, type, TOP_ROWS, &text);
	fputs(text.data ? text.data : "", stderr);
	top_clear(&top);
}

static void print_next(const struct run *run, const struct profile *profile)
{
	const char *type = profile_string_text(profile, profile->default_type);

	if (!run->written || !strcmp(run->written, "-"))
		return;
	if (output_format_of(run->options) == FORMAT_PPROF ||
	    output_format_of(run->options) == FORMAT_AUTO)
		log_notice("wrote %s; next: go tool pprof -%s %s",
			   run->written, type, run->written);
	else
		log_notice("wrote %s", run->written);
}

void heap_summary_print(const struct run *run, const struct heap_stats *stats,
			const struct profile *profile)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };

	if (!log_enabled(LOG_NOTICE) || run->options->no_summary)
		return;
	make_found(stats, &text);
	log_notice("%s", text.data);
	print_top(profile);
	if (stats->samples && stats->sigma > SIGMA_DOUBTFUL)
		log_notice("few samples: shares are doubtful; a smaller -i "
			   "takes more");
	strbuf_reset(&text);
	make_rate(stats, &text);
	log_notice("%s", text.data);
	strbuf_reset(&text);
	make_cost(stats, &text);
	log_notice("%s", text.data);
	print_next(run, profile);
}
