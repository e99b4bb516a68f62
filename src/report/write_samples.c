/* SPDX-License-Identifier: MIT */
/* write_samples.c - the reports traces, tags and comments. */
#include "profile/unit.h"
#include "report/writers.h"

/* --- traces ------------------------------------------------------------ */

static const char trace_separator[] =
	"-----------+------------------------------------------------------"
	"-\n";

static void add_label_value(const struct report *report,
			    const struct pp_label *label, const char *shown,
			    struct strbuf *out)
{
	const struct pp *pp = report->pp;

	if (label->flags & PP_LABEL_IS_NUMBER)
		unit_add_value(out, label->num,
			       tag_unit(&report->units, pp, label->key),
			       shown);
	else
		strbuf_adds(out, pp_text(pp, label->str));
}

/* Labels *@at up to the next key: "      key:  value value\n". */
static char *trace_label_line(const struct report *report,
			      const struct pp_labels *set, uint32_t *at)
{
	struct strbuf line = { 0 };
	const struct pp_label *first = &set->labels[*at];

	text_add_right(&line, pp_text(report->pp, first->key), 10);
	strbuf_adds(&line, ": ");
	for (; *at < set->n; ++*at) {
		const struct pp_label *label = &set->labels[*at];

		if (label->key != first->key || label->flags != first->flags)
			break;
		strbuf_adds(&line, " ");
		add_label_value(report, label, "auto", &line);
	}
	strbuf_adds(&line, "\n");
	return strbuf_take(&line);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Strings, then numbers; each sorted as lines. */
static void add_trace_labels(const struct report *report,
			     const struct pp_labels *set, struct strbuf *out)
{
	CLEANUP(free) char **lines = xcalloc(set->n, sizeof(*lines));
	size_t n = 0, n_strings = 0;

	for (uint32_t i = 0; i < set->n;) {
		bool is_number = set->labels[i].flags & PP_LABEL_IS_NUMBER;

		lines[n++] = trace_label_line(report, set, &i);
		n_strings += !is_number;
	}
	qsort(lines, n_strings, sizeof(*lines), compare_lines);
	qsort(lines + n_strings, n - n_strings, sizeof(*lines),
	      compare_lines);
	for (size_t i = 0; i < n; i++) {
		strbuf_adds(out, lines[i]);
		free(lines[i]);
	}
}

static void add_trace_line(struct graph *graph, uint32_t node,
			   bool is_inlined, const char *value,
			   struct strbuf *out)
{
	text_add_right(out, value, 10);
	strbuf_adds(out, "   ");
	strbuf_adds(out, graph_name(graph, graph_node(graph, node)));
	strbuf_adds(out, is_inlined ? " (inline)\n" : "\n");
}

static void add_trace(const struct report *report, struct graph *graph,
		      const struct pp_sample *sample, struct strbuf *out)
{
	const struct pp *pp = report->pp;
	const struct pp_stack *stack = vec_at(&pp->stacks, sample->stack);
	const int64_t *values = pp_values(pp, sample);
	int64_t value = values[report->type];
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	const char *shown;

	if (report->settings->mean && values[0])
		value = wrap_div(value, values[0]);
	report_add_value(report, value, &text);
	shown = text.data;
	strbuf_adds(out, trace_separator);
	add_trace_labels(report, vec_at(&pp->label_sets, sample->labels),
			 out);
	for (uint32_t i = 0; i < stack->n; i++) {
		uint32_t at = stack->frames[i];
		const struct pp_location *l = vec_at(&pp->locations, at);

		for (uint32_t j = 0; j < l->n_lines; j++) {
			add_trace_line(graph,
				       graph->line_nodes[l->first_line + j],
				       j + 1 != l->n_lines, shown, out);
			shown = "";
		}
		if (!l->n_lines)
			add_trace_line(graph, graph->location_nodes[at],
				       false, shown, out);
		shown = "";
	}
}

struct error *report_write_traces(struct report *report, struct strbuf *out)
{
	const struct pp *pp = report->pp;
	CLEANUP(graph_free) struct graph *graph =
		graph_new(report->pp, &(struct graph_options){ 0 });
	size_t before = out->len;

	report_add_profile_header(report, out);
	if (out->len == before)
		strbuf_adds(out, "\n");
	for (size_t i = 0; i < pp->samples.n; i++) {
		const struct pp_sample *sample = vec_at(&pp->samples, i);
		const struct pp_stack *stack =
			vec_at(&pp->stacks, sample->stack);

		if (stack->n)
			add_trace(report, graph, sample, out);
	}
	strbuf_adds(out, trace_separator);
	return NULL;
}

/* --- tags ---------------------------------------------------------------- */

struct tag {
	const char *name; /* a key, or a value as it is shown */
	uint32_t key;	  /* index of the key of a value */
	int64_t sum;
};

struct tag_table {
	const struct report *report;
	struct intern keys;   /* text */
	struct intern values; /* key index, then text */
	struct vec tags;      /* struct tag, ids of values */
};

static void count_label(struct tag_table *table, const struct pp_label *label,
			int64_t value)
{
	const struct report *report = table->report;
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	uint32_t key = intern_string(&table->keys,
				     pp_text(report->pp, label->key));
	uint32_t id;
	struct tag *tag;

	strbuf_add(&text, &key, sizeof(key));
	add_label_value(report, label, report->shown_unit, &text);
	id = intern_bytes(&table->values, text.data, text.len);
	if (id == table->tags.n) {
		tag = vec_push(&table->tags);
		tag->key = key;
		tag->name = (const char *)intern_get(&table->values, id)
				    ->bytes + sizeof(key);
	}
	tag = vec_at(&table->tags, id);
	tag->sum = wrap_add(tag->sum, value);
}

/* Keys together and by name, then by |sum|, then by value. */
static int compare_tags(const void *p, const void *q, void *arg)
{
	const struct tag_table *table = arg;
	const struct tag *a = p, *b = q;
	int64_t x = wrap_abs(a->sum), y = wrap_abs(b->sum);

	if (a->key != b->key)
		return strcmp(intern_get(&table->keys, a->key)->bytes,
			      intern_get(&table->keys, b->key)->bytes);
	if (a->sum != b->sum && x != y)
		return x < y ? 1 : -1;
	return strcmp(a->name, b->name);
}

/* "1.20s (41.52%)"; without percentage if there is no total. */
static void add_share(const struct report *report, int64_t value,
		      struct strbuf *out)
{
	report_add_value(report, value, out);
	if (report->total <= 0)
		return;
	strbuf_adds(out, " (");
	unit_add_percent(out, value, report->total);
	strbuf_adds(out, ")");
}

static void add_key_line(const struct report *report, const char *key,
			 int64_t sum, struct strbuf *out)
{
	strbuf_addf(out, " %s: Total ", key);
	report_add_value(report, sum, out);
	strbuf_adds(out, " of ");
	report_add_value(report, report->total, out);
	if (report->total > 0) {
		strbuf_adds(out, " (");
		unit_add_percent(out, sum, report->total);
		strbuf_adds(out, ")");
	}
	strbuf_adds(out, "\n");
}

/*
 * The @n values of one key, in two columns aligned to the right:
 *
 *	 thread: Total 3s of 3s (  100%)
 *	             2s (66.67%): main
 */
static void add_key(const struct tag_table *table, const struct tag *tags,
		    size_t n, struct strbuf *out)
{
	const struct report *report = table->report;
	const char *key = intern_get(&table->keys, tags[0].key)->bytes;
	size_t width = 0, indent = text_width(key) + 2;
	struct strbuf share = { 0 };
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum = wrap_add(sum, tags[i].sum);
		strbuf_reset(&share);
		add_share(report, tags[i].sum, &share);
		if (text_width(share.data) > width)
			width = text_width(share.data);
	}
	add_key_line(report, key, sum, out);
	for (size_t i = 0; i < n; i++) {
		strbuf_reset(&share);
		add_share(report, tags[i].sum, &share);
		strbuf_adds(&share, ":");
		text_add_right(out, "", indent);
		text_add_right(out, share.data, width + 2);
		strbuf_addf(out, " %s\n", tags[i].name);
	}
	strbuf_adds(out, "\n");
	strbuf_clear(&share);
}

struct error *report_write_tags(struct report *report, struct strbuf *out)
{
	struct tag_table table = { .report = report,
				   .tags = VEC_OF(struct tag) };
	const struct pp *pp = report->pp;
	struct tag *tags;

	intern_init(&table.keys);
	intern_init(&table.values);
	for (size_t i = 0; i < pp->samples.n; i++) {
		const struct pp_sample *sample = vec_at(&pp->samples, i);
		const struct pp_labels *set =
			vec_at(&pp->label_sets, sample->labels);

		for (uint32_t j = 0; j < set->n; j++)
			count_label(&table, &set->labels[j],
				    pp_values(pp, sample)[report->type]);
	}
	tags = table.tags.data;
	if (table.tags.n)
		qsort_r(tags, table.tags.n, sizeof(*tags), compare_tags,
			&table);
	for (size_t i = 0, end; i < table.tags.n; i = end) {
		for (end = i; end < table.tags.n &&
			      tags[end].key == tags[i].key; end++)
			;
		add_key(&table, tags + i, end - i, out);
	}
	vec_clear(&table.tags);
	intern_clear(&table.keys);
	intern_clear(&table.values);
	return NULL;
}

/* --- comments ------------------------------------------------------------ */

struct error *report_write_comments(struct report *report, struct strbuf *out)
{
	const struct pp *pp = report->pp;

	for (size_t i = 0; i < pp->comments.n; i++)
		strbuf_addf(out, "%s\n",
			    pp_text(pp, *(string_id *)vec_at(&pp->comments,
							     i)));
	return NULL;
}
