/* SPDX-License-Identifier: MIT */
/*
 * write_info.c - the report info: what is in a profile, who made it, what it
 * lacks. Comments are where psample and others note how they recorded it.
 */
#include "profile/unit.h"
#include "report/writers.h"

struct mapping_use {
	uint32_t index; /* of the mapping */
	size_t n_locations, n_unnamed, n_without_lines;
};

static void add_types(const struct report *report, struct strbuf *out)
{
	const struct pp *pp = report->pp;

	for (size_t t = 0; t < pp->types.n; t++) {
		const struct pp_type *type = vec_at(&pp->types, t);
		const char *unit = pp_text(pp, type->unit);
		int64_t sum = 0;

		for (size_t i = 0; i < pp->samples.n; i++)
			sum = wrap_add(sum, pp_values(pp, vec_at(&pp->samples,
								 i))[t]);
		strbuf_addf(out, "Values: %s/%s, in all ",
			    pp_text(pp, type->type), unit);
		unit_add_value(out, sum, unit, "auto");
		strbuf_adds(out, t == report->type ? " (shown)\n" : "\n");
	}
	if (pp->period) {
		strbuf_addf(out, "Period: %s/%s ",
			    pp_text(pp, pp->period_type.type),
			    pp_text(pp, pp->period_type.unit));
		unit_add_value(out, pp->period,
			       pp_text(pp, pp->period_type.unit), "auto");
		strbuf_adds(out, "\n");
	}
}

static void add_counts(const struct pp *pp, struct strbuf *out)
{
	CLEANUP(free) bool *is_used = xcalloc(pp->stacks.n, sizeof(*is_used));
	size_t n_stacks = 0, n_frames = 0;
	uint32_t deepest = 0;

	for (size_t i = 0; i < pp->samples.n; i++) {
		const struct pp_sample *sample = vec_at(&pp->samples, i);
		const struct pp_stack *stack =
			vec_at(&pp->stacks, sample->stack);

		if (is_used[sample->stack])
			continue;
		is_used[sample->stack] = true;
		n_stacks++;
		n_frames += stack->n;
		deepest = stack->n > deepest ? stack->n : deepest;
	}
	strbuf_addf(out, "Samples: %zu, of %zu stacks, %.1f frames deep on "
		    "average, %u at most\n", pp->samples.n, n_stacks,
		    n_stacks ? (double)n_frames / (double)n_stacks : 0.0,
		    deepest);
	strbuf_addf(out, "Tables: %zu mappings, %zu locations, %zu "
		    "functions\n", pp->mappings.n, pp->locations.n,
		    pp->functions.n);
}

static void add_labels(const struct pp *pp, struct strbuf *out)
{
	struct map seen = { 0 };
	const char *before = "Labels: ";

	for (size_t i = 0; i < pp->label_sets.n; i++) {
		const struct pp_labels *set = vec_at(&pp->label_sets, i);

		for (uint32_t j = 0; j < set->n; j++) {
			string_id key = set->labels[j].key;

			if (map_get(&seen, key) != NO_ID)
				continue;
			map_put(&seen, key, 1);
			strbuf_addf(out, "%s%s", before, pp_text(pp, key));
			before = ", ";
		}
	}
	strbuf_adds(out, *before == ',' ? "\n" : "");
	map_clear(&seen);
}

static bool has_name(const struct pp *pp, const struct pp_location *l)
{
	for (uint32_t i = 0; i < l->n_lines; i++) {
		const struct pp_line *line =
			vec_at(&pp->lines, l->first_line + i);

		if (((struct pp_function *)vec_at(&pp->functions,
						  line->function))->name)
			return true;
	}
	return false;
}

static bool has_line(const struct pp *pp, const struct pp_location *l)
{
	for (uint32_t i = 0; i < l->n_lines; i++)
		if (((struct pp_line *)vec_at(&pp->lines, l->first_line + i))
			    ->line)
			return true;
	return false;
}

static int compare_uses(const void *p, const void *q)
{
	const struct mapping_use *a = p, *b = q;

	if (a->n_locations != b->n_locations)
		return a->n_locations < b->n_locations ? 1 : -1;
	return (a->index > b->index) - (a->index < b->index);
}

/* "  120 locations, 3 without name, 120 without lines: /usr/lib/x.so" */
static void add_mappings(const struct pp *pp, struct strbuf *out)
{
	size_t n = pp->mappings.n;
	CLEANUP(free) struct mapping_use *uses = xcalloc(n, sizeof(*uses));

	for (size_t i = 0; i < n; i++)
		uses[i].index = (uint32_t)i;
	for (size_t i = 0; i < pp->locations.n; i++) {
		const struct pp_location *l = vec_at(&pp->locations, i);

		if (l->mapping == NO_ID)
			continue;
		uses[l->mapping].n_locations++;
		uses[l->mapping].n_unnamed += !has_name(pp, l);
		uses[l->mapping].n_without_lines += !has_line(pp, l);
	}
	qsort(uses, n, sizeof(*uses), compare_uses);
	strbuf_adds(out, "Modules:\n");
	for (size_t i = 0; i < n && uses[i].n_locations; i++) {
		const struct pp_mapping *m =
			vec_at(&pp->mappings, uses[i].index);
		const char *file = pp_text(pp, m->file);

		strbuf_addf(out, "%8zu locations", uses[i].n_locations);
		if (uses[i].n_unnamed)
			strbuf_addf(out, ", %zu without name",
				    uses[i].n_unnamed);
		if (uses[i].n_without_lines)
			strbuf_addf(out, ", %zu without line",
				    uses[i].n_without_lines);
		strbuf_addf(out, ": %s%s%s\n", *file ? file : "(no file)",
			    m->build_id ? " " : "",
			    pp_text(pp, m->build_id));
	}
}

struct error *report_write_info(struct report *report, struct strbuf *out)
{
	const struct pp *pp = report->pp;

	report_add_profile_header(report, out);
	for (size_t i = 0; i < pp->comments.n; i++) {
		const char *comment = pp_text(
			pp, *(string_id *)vec_at(&pp->comments, i));

		if (*comment == '#') /* not in headers */
			strbuf_addf(out, "%s\n", comment);
	}
	add_types(report, out);
	add_counts(pp, out);
	add_labels(pp, out);
	add_mappings(pp, out);
	return NULL;
}
