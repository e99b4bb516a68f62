/* SPDX-License-Identifier: MIT */
/*
 * heap_summary.c - what was allocated, how sure that is, and what it cost.
 */
#include <math.h>
#include <stdio.h>

#include "cli/record.h"
#include "heap/heap.h"
#include "heap/price.h"
#include "profile/top.h"
#include "profile/unit.h"
#include "util/log.h"

#define TOP_ROWS 5
#define SIGMA_DOUBTFUL 0.2
#define PRICE_SURE_NS 0.5 /* below that it is noise */

static void add_bytes(struct strbuf *out, double bytes)
{
	int64_t value = llround(bytes);

	unit_add_value(out, value, "bytes", unit_natural(value, "bytes"));
}

static void make_found(const struct heap_stats *stats, struct strbuf *out)
{
	double seconds = (double)stats->elapsed_ns / NS_PER_S;
	char elapsed[24];

	strbuf_addf(out, "%llu %s: ", (unsigned long long)stats->samples,
		    stats->maps ? "calls" : "samples");
	add_bytes(out, stats->alloc_bytes);
	if (stats->maps)
		strbuf_adds(out, " mapped");
	else
		strbuf_adds(out, " allocated");
	if (!stats->maps && stats->samples)
		strbuf_addf(out, " (+-%.1f%%)", 100 * stats->sigma);
	strbuf_addf(out, ", %.0f objects, in %s", stats->alloc_objects,
		    duration_format(stats->elapsed_ns, elapsed,
				    sizeof(elapsed)));
	if (seconds > 0) {
		strbuf_adds(out, ": ");
		add_bytes(out, stats->alloc_bytes / seconds);
		strbuf_adds(out, "/s");
	}
	if (stats->no_inuse)
		return;
	strbuf_adds(out, "; in use ");
	add_bytes(out, stats->inuse_bytes);
	strbuf_addf(out, ", %.0f objects", stats->inuse_objects);
}

/* Of malloc and its family, where the agent has counted. */
static void make_exact(const struct heap_stats *stats, struct strbuf *out)
{
	/* What a process has not told of when it ends is short of a mean. */
	if (stats->n_children || stats->n_programs)
		strbuf_addf(out, "counted at least %.0f bytes",
			    stats->exact_bytes);
	else
		strbuf_addf(out, "counted %.0f bytes (estimate / count %.3f)",
			    stats->exact_bytes,
			    stats->exact_bytes > 0
				    ? stats->alloc_bytes / stats->exact_bytes
				    : 1);
	strbuf_addf(out, ", %llu slots lead to the agent",
		    (unsigned long long)stats->n_slots);
	if (!stats->maps) {
		strbuf_adds(out, ", a sample every ");
		add_bytes(out, (double)stats->mean_bytes);
	}
	if (stats->n_dropped)
		strbuf_addf(out, "; %llu %s",
			    (unsigned long long)stats->n_dropped,
			    stats->maps ? "calls were too fast: what is in "
					  "use lacks them"
					: "samples lost, corrected for");
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

/* A process has one tracer, which is the recorder of time if there is one. */
static bool leaves_others_out(const struct run *run,
			      const struct heap_stats *stats)
{
	return run->options->has_beside && run->is_launched &&
	       stats->is_native && run->options->sampler.children;
}

static void make_followed(const struct run *run,
			  const struct heap_stats *stats, struct strbuf *out)
{
	if (leaves_others_out(run, stats))
		strbuf_addf(out, "not followed: its children, and what it "
				 "becomes by exec, have time alone; -e %s in "
				 "a run of its own has their allocations",
			    output_event_name(run->options));
	if (!stats->n_children && !stats->n_programs && !stats->n_left_out)
		return;
	strbuf_addf(out, "followed: %llu forked children, %llu programs begun "
			 "by exec",
		    (unsigned long long)stats->n_children,
		    (unsigned long long)stats->n_programs);
	if (stats->n_left_out)
		strbuf_addf(out, "; %llu are not in the profile (%s)",
			    (unsigned long long)stats->n_left_out,
			    stats->left_out);
}

/* Memory that malloc did not give, or gave before the run. */
static void make_unseen(const struct heap_stats *stats, struct strbuf *out)
{
	double rest = (double)stats->rss_bytes - stats->inuse_bytes;

	if (!stats->is_native || stats->maps || !stats->rss_bytes ||
	    stats->no_inuse ||
	    stats->n_children || stats->n_programs)
		return;
	strbuf_adds(out, "its anonymous memory was ");
	add_bytes(out, (double)stats->rss_bytes);
	if (rest <= 0) {
		strbuf_adds(out, " when it was last looked at, less than "
				 "what is in use: not all is touched");
		return;
	}
	strbuf_adds(out, " at the end: ");
	add_bytes(out, rest);
	strbuf_adds(out, " is from before the run, stacks, what malloc keeps, "
			 "or from mmap(2), which -e mmap shows");
}

static void add_price(const struct heap_stats *stats, struct strbuf *out)
{
	struct price price;
	double sum;

	price_measure(stats->no_inuse, &price);
	if (price.sample_ns <= 0)
		return;
	sum = price.sample_ns * (double)stats->samples;
	if (stats->maps) {
		strbuf_addf(out, "; each call took some %.1f us more",
			    price.sample_ns / NS_PER_US);
		return;
	}
	strbuf_adds(out, "; in the program ");
	if (price.pair_ns < PRICE_SURE_NS)
		strbuf_addf(out, "less than %.1f ns", PRICE_SURE_NS);
	else
		strbuf_addf(out, "some %.1f ns", price.pair_ns);
	strbuf_addf(out, " for each object, and at most %.1f us for each "
			 "sample",
		    price.sample_ns / NS_PER_US);
	if (price.pair_ns < PRICE_SURE_NS)
		price.pair_ns = PRICE_SURE_NS;
	if (stats->alloc_objects > 0)
		strbuf_addf(out, ": %.1f ns per object",
			    price.pair_ns + sum / stats->alloc_objects);
}

static void make_cost(const struct heap_stats *stats, struct strbuf *out)
{
	char read[24], held[24], stood[24];

	if (stats->is_native) {
		strbuf_addf(out, "cost: %llu looks in %s",
			    (unsigned long long)stats->n_reads,
			    duration_format(stats->read_ns, read,
					    sizeof(read)));
		if (stats->held_ns)
			strbuf_addf(out, "; one thread was held for %s, once",
				    duration_format(stats->held_ns, held,
						    sizeof(held)));
		if (stats->stood_ns)
			strbuf_addf(out, "; all of its threads for %s at most, "
					 "to change its code",
				    duration_format(stats->stood_ns, stood,
						    sizeof(stood)));
		add_price(stats, out);
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
	make_followed(run, stats, &text);
	if (text.len)
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
	if (top.total) /* not where nothing is in use: a head without rows */
		top_write(profile, &top, type, TOP_ROWS, &text);
	fputs(text.data ? text.data : "", stderr);
	top_clear(&top);
}

void heap_summary_print(const struct run *run, const struct heap_stats *stats,
			const struct profile *profile, const struct vec *gaps)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };

	if (!log_enabled(LOG_NOTICE) || run->options->no_summary)
		return;
	make_found(stats, &text);
	log_notice("%s", text.data);
	print_top(profile);
	summary_print_gaps(run, gaps);
	if (!stats->samples && stats->exact_bytes > 0 && !stats->maps)
		log_notice("no samples: a smaller -i takes some");
	if (stats->samples && stats->sigma > SIGMA_DOUBTFUL)
		log_notice("few samples: shares are doubtful; a smaller -i "
			   "takes more");
	strbuf_reset(&text);
	make_rate(stats, &text);
	log_notice("%s", text.data);
	strbuf_reset(&text);
	make_followed(run, stats, &text);
	if (text.len)
		log_notice("%s", text.data);
	strbuf_reset(&text);
	make_unseen(stats, &text);
	if (text.len)
		log_notice("%s", text.data);
	strbuf_reset(&text);
	make_cost(stats, &text);
	log_notice("%s", text.data);
	summary_print_next(run);
}
