/* SPDX-License-Identifier: MIT */
/*
 * summary.c - what was found, what was lost, and what it cost.
 *
 * The same lines go to the user and into the profile's comments; those on
 * cost start with '#', so that pprof does not print them above each report.
 */
#include <math.h>
#include <stdio.h>

#include "cli/record.h"
#include "profile/top.h"
#include "sampler/gaps.h"
#include "util/log.h"

#define CHECK_LOW 0.8 /* outside of these the shares are doubtful */
#define CHECK_HIGH 1.25
#define TOP_ROWS 5
#define GAPS_MAX 3	  /* modules without names that are told of */
#define GAP_SHARE_MIN 0.01 /* of the samples */
/* Too little CPU time for the ratio to say anything. */
#define CHECK_MIN_NS (200 * NS_PER_MS)
/* Below this psample's beginning would pass for what it takes all the time. */
#define SHARE_MIN_NS NS_PER_S

struct lines {
	struct strbuf found, check, lost, cost;
};

static void lines_clear(struct lines *lines)
{
	strbuf_clear(&lines->found);
	strbuf_clear(&lines->check);
	strbuf_clear(&lines->lost);
	strbuf_clear(&lines->cost);
}

static double self_check(const struct sampler_stats *stats)
{
	return stats->exact_cpu_ns > 0
		       ? (double)stats->expected_cpu_ns /
				 (double)stats->exact_cpu_ns
		       : 1;
}

static void make_found(const struct run *run, struct strbuf *out)
{
	const struct sampler_stats *stats = collect_stats(run->collect);
	char cpu[24], elapsed[24];

	strbuf_addf(out, "%llu samples, CPU %s in %s at %.4g Hz",
		    (unsigned long long)(stats->samples +
					 stats->wall_samples),
		    duration_format(stats->exact_cpu_ns, cpu, sizeof(cpu)),
		    duration_format(stats->elapsed_ns, elapsed,
				    sizeof(elapsed)),
		    1e9 / (double)run->options->sampler.period_ns);
	if (stats->period_ns > run->options->sampler.period_ns)
		strbuf_addf(out, ", lowered to %.4g Hz by --max-pause",
			    1e9 / (double)stats->period_ns);
	strbuf_addf(out, "; %llu process%s, %llu thread%s",
		    (unsigned long long)stats->processes,
		    stats->processes == 1 ? "" : "es",
		    (unsigned long long)stats->threads,
		    stats->threads == 1 ? "" : "s");
}

/* Further off than chance, which may be three times its square root. */
static bool is_doubtful(const struct sampler_stats *stats)
{
	double off = self_check(stats) - 1;
	double n = (double)stats->exact_cpu_ns /
		   (double)(stats->period_ns ? stats->period_ns : 1);
	double chance = n > 0 ? 3 / sqrt(n) : INFINITY;

	return off < -fmax(1 - CHECK_LOW, chance) ||
	       off > fmax(CHECK_HIGH - 1, chance);
}

/* Of all that was due, what share had this fate? */
static double share_of(uint64_t n, uint64_t others)
{
	return n ? (double)n / (double)(n + others) : 0;
}

/* What explains most of the samples that lack, or that are too many. */
static const char *find_cause(const struct sampler_stats *stats)
{
	double late = share_of(stats->late_ticks + stats->missed_ticks,
			       stats->ticks);
	double dropped = share_of(stats->dropped, stats->samples);
	double unread = share_of(stats->busy + stats->unreadable +
					 stats->refused, stats->samples);
	/* No stop is answered in a task's exit, which has CPU time, too. */
	double ended = share_of(stats->ended, stats->samples);
	double needed = (1 - self_check(stats)) / 3;
	const struct {
		double share;
		const char *text;
	} causes[] = {
		{ late, "the sampler was late" },
		{ dropped, "samples were dropped, the unwinder being behind" },
		{ ended, "threads ended before they could be stopped" },
		{ unread, "stacks could not be read" },
	};
	size_t most = 0;

	if (needed < 0)
		return "threads ran too shortly, or in step with the ticks";
	for (size_t i = 1; i < ARRAY_SIZE(causes); i++)
		if (causes[i].share > causes[most].share)
			most = i;
	if (causes[most].share >= needed)
		return causes[most].text;
	return "threads ran too shortly to be seen";
}

static void make_check(const struct sampler_stats *stats, struct strbuf *out)
{
	double check = self_check(stats);
	bool is_judged = stats->exact_cpu_ns >= CHECK_MIN_NS;

	strbuf_addf(out, "self-check %.2f (samples x period / exact CPU)",
		    check);
	if (is_judged && is_doubtful(stats))
		strbuf_addf(out, ": %s; shares are doubtful (priority: %s)",
			    find_cause(stats),
			    stats->priority ? stats->priority : "none");
	if (!is_judged)
		strbuf_adds(out, ": too little CPU time to judge");
	if (stats->is_coarse)
		strbuf_adds(out, "; no schedstat: shares are less exact");
	if (stats->unsampled_ns > 0 && stats->exact_cpu_ns > 0)
		strbuf_addf(out, "; %.2f%% unsampled",
			    100 * (double)stats->unsampled_ns /
				    (double)stats->exact_cpu_ns);
}

static void add_ends(const struct walk_counts *walks, struct strbuf *out)
{
	uint64_t not_root = walks->stacks - walks->ends[WALK_ROOT];
	const char *separator = " (";

	strbuf_addf(out, "; %llu of %llu stacks not to the root",
		    (unsigned long long)not_root,
		    (unsigned long long)walks->stacks);
	for (int end = 0; end < N_WALK_ENDS; end++) {
		if (end == WALK_ROOT || !walks->ends[end])
			continue;
		strbuf_addf(out, "%s%s %llu", separator, walk_end_name(end),
			    (unsigned long long)walks->ends[end]);
		separator = ", ";
	}
	if (not_root)
		strbuf_adds(out, ")");
	if (walks->lost_switches)
		strbuf_addf(out, "; %llu end at a change of stacks",
			    (unsigned long long)walks->lost_switches);
}

static void make_lost(const struct run *run, struct strbuf *out)
{
	const struct sampler_stats *stats = collect_stats(run->collect);

	strbuf_addf(out,
		    "lost: %llu of %llu ticks late, %llu missed, %llu busy, "
		    "%llu unreadable, %llu dropped",
		    (unsigned long long)stats->late_ticks,
		    (unsigned long long)(stats->ticks + stats->late_ticks),
		    (unsigned long long)stats->missed_ticks,
		    (unsigned long long)stats->busy,
		    (unsigned long long)stats->unreadable,
		    (unsigned long long)stats->dropped);
	if (stats->refused)
		strbuf_addf(out, ", %llu stacks not safe to read",
			    (unsigned long long)stats->refused);
	add_ends(collect_walk_counts(run->collect), out);
}

static void make_cost(const struct sampler_stats *stats, struct strbuf *out)
{
	char sum[24], p50[24], p99[24], max[24], own[24];
	double existed = (double)(stats->existed_ns ? stats->existed_ns : 1);

	strbuf_addf(out,
		    "cost: target held %s (%.3f%%), p50 %s, p99 %s, max %s; "
		    "stops %llu, repaired %llu; psample ",
		    duration_format(stats->held.sum_ns, sum, sizeof(sum)),
		    100 * (double)stats->held.sum_ns / existed,
		    duration_format(histogram_percentile(&stats->held, 50),
				    p50, sizeof(p50)),
		    duration_format(histogram_percentile(&stats->held, 99),
				    p99, sizeof(p99)),
		    duration_format(stats->held.max_ns, max, sizeof(max)),
		    (unsigned long long)stats->stops,
		    (unsigned long long)stats->repaired);
	if (stats->elapsed_ns >= SHARE_MIN_NS)
		strbuf_addf(out, "%.2f%% of a core",
			    100 * (double)stats->own_cpu_ns /
				    (double)stats->elapsed_ns);
	else
		strbuf_addf(out, "%s of CPU time",
			    duration_format(stats->own_cpu_ns, own,
					    sizeof(own)));
}

static void make_lines(const struct run *run, struct lines *lines)
{
	const struct sampler_stats *stats = collect_stats(run->collect);

	make_found(run, &lines->found);
	make_check(stats, &lines->check);
	make_lost(run, &lines->lost);
	make_cost(stats, &lines->cost);
}

void summary_add_comments(const struct run *run, struct profile *profile)
{
	struct lines lines = { 0 };
	struct strbuf text = { 0 };

	make_lines(run, &lines);
	profile->comments.n = 0; /* of an earlier write in the same run */
	strbuf_addf(&text, "psample %s", run->command_line);
	profile_add_comment(profile, text.data);
	profile_add_comment(profile, lines.check.data);
	profile_add_comment(profile, lines.lost.data);
	strbuf_reset(&text);
	strbuf_addf(&text, "# %s", lines.cost.data);
	profile_add_comment(profile, text.data);
	strbuf_clear(&text);
	lines_clear(&lines);
}

/* The hottest functions; not below a report of the same on a terminal. */
static void print_top(const struct run *run, const struct profile *profile)
{
	enum output_format format = output_format_of(run->options);
	struct strbuf text = { 0 };
	struct top top;
	size_t type = profile->n_types - 1;

	if (!profile->samples.n)
		return;
	if ((format == FORMAT_TEXT || format == FORMAT_STACKS) &&
	    run->written && !strcmp(run->written, "-") &&
	    isatty(STDOUT_FILENO))
		return;
	top_make(profile, type, &top);
	top_write(profile, &top, type, TOP_ROWS, &text);
	fputs(text.data ? text.data : "", stderr);
	top_clear(&top);
	strbuf_clear(&text);
}

void summary_print_gaps(const struct run *run, const struct vec *gaps)
{
	size_t n_told = 0;

	for (size_t i = 0; i < gaps->n && n_told < GAPS_MAX; i++) {
		const struct gap *gap = vec_at(gaps, i);
		CLEANUP(free) char *text = NULL;

		if (gap->unnamed < GAP_SHARE_MIN)
			break;
		text = gap_describe(gap, run->symbolizer);
		log_notice("%s", text);
		n_told++;
	}
	for (size_t i = 0; i < gaps->n && log_enabled(LOG_INFO); i++) {
		const struct gap *gap = vec_at(gaps, i);
		CLEANUP(free) char *text = NULL;

		if (gap->seen < GAP_SHARE_MIN)
			continue;
		text = gap_details(gap, run->symbolizer);
		log_info("%s", text);
	}
}

void summary_print_next(const struct run *run)
{
	if (!run->written || !strcmp(run->written, "-"))
		return;
	switch (output_format_of(run->options)) {
	case FORMAT_FOLDED:
		log_notice("wrote %s; next: psample flamegraph -o x.svg %s",
			   run->written, run->written);
		break;
	case FORMAT_TEXT:
	case FORMAT_STACKS:
		log_notice("wrote %s", run->written);
		break;
	case FORMAT_FLAMEGRAPH:
		log_notice("wrote %s; next: open it in a browser",
			   run->written);
		break;
	case FORMAT_SPEEDSCOPE:
		log_notice("wrote %s; next: open it at www.speedscope.app",
			   run->written);
		break;
	case FORMAT_AUTO:
	case FORMAT_PPROF:
		log_notice("wrote %s\n  next:  psample top %s  (or tree, "
			   "list, web; go tool pprof)", run->written,
			   run->written);
		break;
	}
}

void summary_print(const struct run *run, const struct profile *profile)
{
	const struct sampler_stats *stats = collect_stats(run->collect);
	struct lines lines = { 0 };
	struct vec gaps;

	if (!log_enabled(LOG_NOTICE) || run->options->no_summary)
		return;
	make_lines(run, &lines);
	log_notice("%s", lines.found.data);
	if (!stats->samples && !stats->wall_samples) {
		char ran[24];

		log_notice("no samples: the target used %s of CPU time%s",
			   duration_format(stats->exact_cpu_ns, ran,
					   sizeof(ran)),
			   stats->exact_cpu_ns <
					   run->options->sampler.period_ns
				   ? "; -e wall shows where it waits"
				   : "");
	} else {
		print_top(run, profile);
		collect_find_gaps(run->collect, run->symbolizer, &gaps);
		summary_print_gaps(run, &gaps);
		vec_clear(&gaps);
	}
	if (stats->samples || stats->exact_cpu_ns >= CHECK_MIN_NS)
		log_notice("%s", lines.check.data);
	log_notice("%s", lines.lost.data);
	log_notice("%s", lines.cost.data);
	summary_print_next(run);
	lines_clear(&lines);
}
