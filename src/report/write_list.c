/* SPDX-License-Identifier: MIT */
/*
 * write_list.c - the report list: source lines with their weights.
 *
 * pprof adds up the cum of all lines of a function for its header, so that a
 * function which calls itself from two lines counts twice and may go beyond
 * 100 %. Here a sample counts once for the function and once for a line, as
 * in top; --pprof-sums gives pprof's figures.
 */
#include "report/listing.h"
#include "report/sourcefile.h"
#include "report/sum.h"
#include "report/writers.h"


struct listed_line {
	int64_t number;
	struct sum sum;
};

/* A function in one file. */
struct list {
	struct report *report;
	struct graph *graph;
	struct intern keys;	/* name, file -> index of listings */
	struct vec listings;	/* struct listing */
	struct intern line_keys; /* listing, line -> index of lines */
	struct vec lines;	/* struct listed_line */
	uint32_t *listing_of, *line_of; /* by node; NO_ID: not shown */
};

static void add_node(struct list *list, uint32_t id)
{
	const struct graph_node *node = graph_node(list->graph, id);
	uint32_t key[] = { node->info.name, node->info.file };
	uint32_t at = intern_bytes(&list->keys, key, sizeof(key));
	uint64_t line_key[] = { at, (uint64_t)node->info.line };
	uint32_t line = intern_bytes(&list->line_keys, line_key,
				     sizeof(line_key));

	if (at == list->listings.n)
		*(struct listing *)vec_push(&list->listings) =
			(struct listing){ .name = key[0], .file = key[1],
					  .first = INT64_MAX,
					  .last = INT64_MIN };
	if (line == list->lines.n)
		((struct listed_line *)vec_push(&list->lines))->number =
			node->info.line;
	listing_widen(vec_at(&list->listings, at), &node->info);
	list->listing_of[id] = at;
	list->line_of[id] = line;
}

static void find_listings(struct list *list)
{
	struct graph *graph = list->graph;

	for (size_t i = 0; i < graph->nodes.n; i++)
		list->listing_of[i] = list->line_of[i] = NO_ID;
	for (size_t i = 0; i < graph->order.n; i++) {
		uint32_t id = *(uint32_t *)vec_at(&graph->order, i);
		const char *name = pp_text(list->report->pp,
					   graph_node(graph, id)->info.name);

		if (regex_matches(list->report->symbol, name))
			add_node(list, id);
	}
}

static void add_node_sums(struct sum *sum, const struct graph_node *node)
{
	sum->flat = wrap_add(sum->flat, node->flat);
	sum->cum = wrap_add(sum->cum, node->cum);
}

/* pprof's figures: sums over nodes, which are no averages with -mean. */
static void sum_nodes(struct list *list)
{
	for (size_t i = 0; i < list->graph->nodes.n; i++) {
		const struct graph_node *node = graph_node(list->graph, i);
		struct listing *listing;
		struct listed_line *line;

		if (list->listing_of[i] == NO_ID)
			continue;
		listing = vec_at(&list->listings, list->listing_of[i]);
		line = vec_at(&list->lines, list->line_of[i]);
		add_node_sums(&listing->sum, node);
		add_node_sums(&line->sum, node);
	}
}

static void sum_frame(struct list *list, uint32_t node,
		      const struct stack_weight *weight, uint32_t stamp,
		      bool is_leaf)
{
	struct listing *listing;
	struct listed_line *line;

	if (list->listing_of[node] == NO_ID)
		return;
	listing = vec_at(&list->listings, list->listing_of[node]);
	line = vec_at(&list->lines, list->line_of[node]);
	sum_add(&listing->sum, weight, stamp, is_leaf);
	sum_add(&line->sum, weight, stamp, is_leaf);
}

static void sum_stack(struct list *list, const struct pp_stack *stack,
		      const struct stack_weight *weight, uint32_t stamp)
{
	const struct graph *graph = list->graph;
	bool is_leaf = true;

	for (uint32_t i = 0; i < stack->n; i++) {
		uint32_t at = stack->frames[i];
		const struct pp_location *l =
			vec_at(&graph->pp->locations, at);

		for (uint32_t j = 0; j < l->n_lines; j++) {
			sum_frame(list, graph->line_nodes[l->first_line + j],
				  weight, stamp, is_leaf);
			is_leaf = false;
		}
		is_leaf = false;
	}
}

static void sum_samples(struct list *list)
{
	const struct pp *pp = list->report->pp;
	CLEANUP(free) struct stack_weight *weights =
		graph_weigh_stacks(list->graph);

	for (size_t i = 0; i < pp->stacks.n; i++)
		if (weights[i].is_used)
			sum_stack(list, vec_at(&pp->stacks, i), &weights[i],
				  (uint32_t)i + 1);
}

static int compare_listings(const void *p, const void *q, void *arg)
{
	const struct list *list = arg;
	const struct listing *a =
		vec_at(&list->listings, *(const uint32_t *)p);
	const struct listing *b =
		vec_at(&list->listings, *(const uint32_t *)q);
	const struct pp *pp = list->report->pp;
	int c = strcmp(pp_text(pp, a->name), pp_text(pp, b->name));

	return c ? c : strcmp(pp_text(pp, a->file), pp_text(pp, b->file));
}

static void write_lines(const struct list *list, uint32_t index,
			const struct sourcefile *source, struct strbuf *out)
{
	const struct listing *listing = vec_at(&list->listings, index);
	int64_t number = listing->first < 1 ? 1 : listing->first;
	const char *text;

	for (; number <= listing->last &&
	       (text = sourcefile_line(source, number)); number++) {
		uint64_t key[] = { index, (uint64_t)number };
		struct listed_line line = { 0 };
		uint32_t id = intern_find(&list->line_keys, key, sizeof(key));

		if (id != NO_ID)
			line = *(struct listed_line *)vec_at(&list->lines,
							     id);
		report_add_value_or_dot(list->report, sum_flat(&line.sum),
					out);
		report_add_value_or_dot(list->report, sum_cum(&line.sum),
					out);
		strbuf_addf(out, "%6lld:%s\n", (long long)number, text);
	}
}

static void write_listing(const struct list *list, uint32_t index,
			  struct strbuf *out)
{
	const struct listing *listing = vec_at(&list->listings, index);
	const struct report *report = list->report;
	const char *name = pp_text(report->pp, listing->name);
	const char *path = pp_text(report->pp, listing->file);
	struct sourcefile source;

	strbuf_addf(out, "ROUTINE ======================== %s in %s\n", name,
		    path);
	report_add_sums(report, sum_flat(&listing->sum),
			sum_cum(&listing->sum), " of Total\n", out);
	if (listing->last < (listing->first < 1 ? 1 : listing->first))
		return; /* a start line that cannot be: nothing to read */
	sourcefile_open(&source, path, report->settings->trim_path,
			report->settings->source_path);
	sourcefile_ask(&source, report->pp, listing->file,
		       report->settings->source_server);
	if (source.error)
		strbuf_addf(out, " Error: %s\n", source.error);
	else
		write_lines(list, index, &source, out);
	sourcefile_clear(&source);
}

/* Has the function of @order[@at] lines in any file? */
static bool has_file(const struct list *list, const uint32_t *order,
		     size_t at)
{
	const struct listing *first = vec_at(&list->listings, order[at]);

	for (; at < list->listings.n; at++) {
		const struct listing *l = vec_at(&list->listings, order[at]);

		if (l->name != first->name)
			break;
		if (l->file)
			return true;
	}
	return false;
}

static void write_listings(const struct list *list, struct strbuf *out)
{
	const struct report *report = list->report;
	size_t n = list->listings.n, n_hidden = 0;
	CLEANUP(free) uint32_t *order = xcalloc(n, sizeof(*order));
	int64_t cutoff = report_listing_cutoff(report);

	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, n, sizeof(*order), compare_listings,
		(void *)(uintptr_t)list);
	for (size_t i = 0; i < n; i++) {
		const struct listing *l = vec_at(&list->listings, order[i]);

		if (wrap_abs(sum_cum(&l->sum)) < cutoff)
			n_hidden++;
		else if (l->file)
			write_listing(list, order[i], out);
		else if (!has_file(list, order, i))
			strbuf_addf(out, "No source information for %s\n",
				    pp_text(report->pp, l->name));
	}
	report_add_hidden(report, n_hidden, cutoff, out);
}

struct error *report_write_list(struct report *report, struct strbuf *out)
{
	CLEANUP(graph_free) struct graph *graph = report_whole_graph(report);
	CLEANUP(free) uint32_t *ids =
		xcalloc(2 * graph->nodes.n, sizeof(*ids));
	struct list list = {
		.report = report, .graph = graph,
		.listings = VEC_OF(struct listing),
		.lines = VEC_OF(struct listed_line),
		.listing_of = ids, .line_of = ids + graph->nodes.n,
	};
	struct error *error = NULL;

	intern_init(&list.keys);
	intern_init(&list.line_keys);
	find_listings(&list);
	if (report->settings->pprof_sums)
		sum_nodes(&list);
	else
		sum_samples(&list);
	if (list.listings.n) {
		strbuf_adds(out, "Total: ");
		report_add_value(report, report->total, out);
		strbuf_adds(out, "\n");
		write_listings(&list, out);
	} else {
		error = error_new("no matches found for regexp: %s",
				  regex_pattern(report->symbol));
	}
	intern_clear(&list.keys);
	intern_clear(&list.line_keys);
	vec_clear(&list.listings);
	vec_clear(&list.lines);
	return error;
}
