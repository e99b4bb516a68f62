/* SPDX-License-Identifier: MIT */
/* write_raw.c - the report raw: every table of a profile, as text. */
#include <stdio.h>
#include <time.h>

#include "report/writers.h"
#include "util/clock.h"

/* "2026-11-22 16:07:15.123456789 +0000 UTC", without zeros at the end. */
static void add_time(int64_t time_ns, struct strbuf *out)
{
	int64_t ns = time_ns % NS_PER_S;
	time_t seconds = (time_t)(time_ns / NS_PER_S - (ns < 0));
	char text[80], fraction[16] = "";
	struct tm tm;
	size_t n;

	if (ns) {
		ns += ns < 0 ? NS_PER_S : 0;
		n = (size_t)snprintf(fraction, sizeof(fraction), ".%09lld",
				     (long long)ns);
		while (fraction[n - 1] == '0')
			fraction[--n] = '\0';
	}
	localtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	strbuf_addf(out, "Time: %s%s", text, fraction);
	strftime(text, sizeof(text), " %z %Z", &tm);
	strbuf_addf(out, "%s\n", text);
}

/* @ns / 10^@digits, without zeros at the end of the fraction. */
static void add_decimal(uint64_t value, unsigned digits, struct strbuf *out)
{
	char text[40];
	uint64_t power = 1;
	size_t n;

	for (unsigned i = 0; i < digits; i++)
		power *= 10;
	n = (size_t)snprintf(text, sizeof(text), "%llu.%0*llu",
			     (unsigned long long)(value / power),
			     (int)digits, (unsigned long long)(value % power));
	while (text[n - 1] == '0')
		n--;
	n -= text[n - 1] == '.';
	strbuf_add(out, text, n);
}

/* "1h2m3.5s", "1.5ms", "2\xc2\xb5s": as Go writes durations. */
static void add_duration(int64_t duration, struct strbuf *out)
{
	uint64_t ns = duration < 0 ? 0 - (uint64_t)duration :
				     (uint64_t)duration;
	uint64_t s = ns / NS_PER_S;

	strbuf_adds(out, duration < 0 ? "-" : "");
	if (ns < (uint64_t)NS_PER_US) {
		strbuf_addf(out, "%lluns", (unsigned long long)ns);
	} else if (ns < (uint64_t)NS_PER_MS) {
		add_decimal(ns, 3, out);
		strbuf_adds(out, "\xc2\xb5s");
	} else if (!s) {
		add_decimal(ns, 6, out);
		strbuf_adds(out, "ms");
	} else {
		if (s >= 3600)
			strbuf_addf(out, "%lluh",
				    (unsigned long long)(s / 3600));
		if (s >= 60)
			strbuf_addf(out, "%llum",
				    (unsigned long long)(s / 60 % 60));
		add_decimal(ns % (60 * (uint64_t)NS_PER_S), 9, out);
		strbuf_adds(out, "s");
	}
}

/* Four characters of it, since pprof's "%.4v" cuts the text. */
static void add_short_duration(int64_t duration, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	size_t end = 0;

	add_duration(duration, &text);
	for (size_t n = 0; text.data[end] && n < 4; n++) {
		end++;
		while ((text.data[end] & 0xc0) == 0x80)
			end++;
	}
	strbuf_adds(out, "Duration: ");
	strbuf_add(out, text.data, end);
	strbuf_adds(out, "\n");
}

static void add_header(const struct pp *pp, struct strbuf *out)
{
	for (size_t i = 0; i < pp->comments.n; i++)
		strbuf_addf(out, "Comment: %s\n",
			    pp_text(pp, *(string_id *)vec_at(&pp->comments,
							     i)));
	if (pp->doc_url)
		strbuf_addf(out, "Doc: %s\n", pp_text(pp, pp->doc_url));
	strbuf_addf(out, "PeriodType: %s %s\n",
		    pp_text(pp, pp->period_type.type),
		    pp_text(pp, pp->period_type.unit));
	strbuf_addf(out, "Period: %lld\n", (long long)pp->period);
	if (pp->time_ns)
		add_time(pp->time_ns, out);
	if (pp->duration_ns)
		add_short_duration(pp->duration_ns, out);
	strbuf_adds(out, "Samples:\n");
	for (size_t i = 0; i < pp->types.n; i++) {
		const struct pp_type *type = vec_at(&pp->types, i);

		strbuf_addf(out, "%s%s/%s%s", i ? " " : "",
			    pp_text(pp, type->type), pp_text(pp, type->unit),
			    type->type == pp->default_type ? "[dflt]" : "");
	}
	strbuf_adds(out, "\n");
}

/* Labels *@at up to the next key: "key:[value value]". */
static char *label_text(const struct pp *pp, const struct pp_labels *set,
			uint32_t *at)
{
	struct strbuf text = { 0 };
	const struct pp_label *first = &set->labels[*at];
	const char *blank = "";

	strbuf_addf(&text, "%s:[", pp_text(pp, first->key));
	for (; *at < set->n; ++*at) {
		const struct pp_label *label = &set->labels[*at];

		if (label->key != first->key || label->flags != first->flags)
			break;
		strbuf_adds(&text, blank);
		blank = " ";
		if (!(label->flags & PP_LABEL_IS_NUMBER))
			strbuf_adds(&text, pp_text(pp, label->str));
		else
			strbuf_addf(&text, "%lld", (long long)label->num);
		if (label->flags & PP_LABEL_HAS_UNITS)
			strbuf_addf(&text, " %s", pp_text(pp, label->unit));
	}
	strbuf_adds(&text, "]");
	return strbuf_take(&text);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One line of strings, one of numbers, each sorted by their whole text. */
static void add_labels(const struct pp *pp, const struct pp_labels *set,
		       bool is_numbers, struct strbuf *out)
{
	CLEANUP(free) char **texts = xcalloc(set->n, sizeof(*texts));
	size_t n = 0;

	for (uint32_t i = 0; i < set->n;) {
		bool is_number = set->labels[i].flags & PP_LABEL_IS_NUMBER;

		if (is_number == is_numbers)
			texts[n++] = label_text(pp, set, &i);
		else
			i++;
	}
	if (!n)
		return;
	qsort(texts, n, sizeof(*texts), compare_texts);
	strbuf_adds(out, "                ");
	for (size_t i = 0; i < n; i++) {
		strbuf_addf(out, "%s%s", i ? " " : "", texts[i]);
		free(texts[i]);
	}
	strbuf_adds(out, "\n");
}

static void add_sample(const struct pp *pp, const struct pp_sample *sample,
		       struct strbuf *out)
{
	const struct pp_stack *stack = vec_at(&pp->stacks, sample->stack);
	const struct pp_labels *set = vec_at(&pp->label_sets, sample->labels);
	const int64_t *values = pp_values(pp, sample);

	for (size_t i = 0; i < pp->types.n; i++)
		strbuf_addf(out, " %10lld", (long long)values[i]);
	strbuf_adds(out, ": ");
	for (uint32_t i = 0; i < stack->n; i++) {
		const struct pp_location *l =
			vec_at(&pp->locations, stack->frames[i]);

		strbuf_addf(out, "%llu ", (unsigned long long)l->id);
	}
	strbuf_adds(out, "\n");
	add_labels(pp, set, false, out);
	add_labels(pp, set, true, out);
}

static void add_line(const struct pp *pp, const struct pp_line *line,
		     struct strbuf *out)
{
	const struct pp_function *f = vec_at(&pp->functions, line->function);

	strbuf_addf(out, "%s %s:%lld:%lld s=%lld", pp_text(pp, f->name),
		    pp_text(pp, f->filename), (long long)line->line,
		    (long long)line->column, (long long)f->start_line);
	if (f->name != f->system_name)
		strbuf_addf(out, "(%s)", pp_text(pp, f->system_name));
	strbuf_adds(out, "\n");
}

static void add_hex(uint64_t value, const char *after, struct strbuf *out)
{
	strbuf_addf(out, "0x%llx%s", (unsigned long long)value, after);
}

static void add_location(const struct pp *pp, const struct pp_location *l,
			 struct strbuf *out)
{
	strbuf_addf(out, "%6llu: ", (unsigned long long)l->id);
	add_hex(l->address, " ", out);
	if (l->mapping != NO_ID) {
		const struct pp_mapping *m =
			vec_at(&pp->mappings, l->mapping);

		strbuf_addf(out, "M=%llu ", (unsigned long long)m->id);
	}
	if (l->is_folded)
		strbuf_adds(out, "[F] ");
	if (!l->n_lines)
		strbuf_adds(out, "\n");
	for (uint32_t i = 0; i < l->n_lines; i++) {
		strbuf_adds(out, i ? "             " : "");
		add_line(pp, vec_at(&pp->lines, l->first_line + i), out);
	}
}

static void add_mapping(const struct pp *pp, const struct pp_mapping *m,
			struct strbuf *out)
{
	strbuf_addf(out, "%llu: ", (unsigned long long)m->id);
	add_hex(m->start, "/", out);
	add_hex(m->limit, "/", out);
	add_hex(m->offset, " ", out);
	strbuf_addf(out, "%s %s ", pp_text(pp, m->file),
		    pp_text(pp, m->build_id));
	strbuf_adds(out, m->has_functions ? "[FN]" : "");
	strbuf_adds(out, m->has_filenames ? "[FL]" : "");
	strbuf_adds(out, m->has_line_numbers ? "[LN]" : "");
	strbuf_adds(out, m->has_inline_frames ? "[IN]" : "");
	strbuf_adds(out, "\n");
}

struct error *report_write_raw(struct report *report, struct strbuf *out)
{
	const struct pp *pp = report->pp;

	add_header(pp, out);
	for (size_t i = 0; i < pp->samples.n; i++)
		add_sample(pp, vec_at(&pp->samples, i), out);
	strbuf_adds(out, "Locations\n");
	for (size_t i = 0; i < pp->locations.n; i++)
		add_location(pp, vec_at(&pp->locations, i), out);
	strbuf_adds(out, "Mappings\n");
	for (size_t i = 0; i < pp->mappings.n; i++)
		add_mapping(pp, vec_at(&pp->mappings, i), out);
	return NULL;
}
