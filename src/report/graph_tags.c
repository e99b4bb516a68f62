/* SPDX-License-Identifier: MIT */
/* graph_tags.c - sum up the labels of the samples of each node. */
#include "report/graph_tags.h"

#include "profile/unit.h"

#define NO_NUMBER UINT32_MAX

struct tag_key {
	uint32_t node, labels, name, zero;
};

struct tagger {
	const struct graph *graph;
	const struct tag_units *units;
	const char *shown_unit;
	struct graph_tags *out;
	struct intern keys; /* struct tag_key -> index of tags */
	uint32_t *seen;	    /* by node: the last sample there, plus 1 */
	uint32_t *joined;   /* by label set: text of its strings, or NO_ID */
	string_id base_key, bytes_key;
	/* Of the sample at hand: */
	const struct pp_labels *set;
	uint32_t labels;
	int64_t value, divisor;
};

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "key:value\nkey:value", sorted; the \n are two characters. */
static uint32_t join_labels(struct tagger *tagger)
{
	const struct pp *pp = tagger->graph->pp;
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	CLEANUP(free) char **parts =
		xcalloc(tagger->set->n, sizeof(*parts));
	size_t n = 0;

	for (uint32_t i = 0; i < tagger->set->n; i++) {
		const struct pp_label *label = &tagger->set->labels[i];

		if (!(label->flags & PP_LABEL_IS_NUMBER) &&
		    label->key != tagger->base_key)
			parts[n++] = xasprintf("%s:%s",
					       pp_text(pp, label->key),
					       pp_text(pp, label->str));
	}
	qsort(parts, n, sizeof(*parts), compare_texts);
	for (size_t i = 0; i < n; i++) {
		strbuf_addf(&text, "%s%s", i ? "\\n" : "", parts[i]);
		free(parts[i]);
	}
	return intern_string(&tagger->out->texts, text.data ? text.data : "");
}

static void add_to_tag(struct tagger *tagger, const struct tag_key *key,
		       const struct graph_tag *model, bool is_flat)
{
	uint32_t id = intern_bytes(&tagger->keys, key, sizeof(*key));
	struct graph_tag *tag;

	if (id == tagger->out->tags.n)
		*(struct graph_tag *)vec_push(&tagger->out->tags) = *model;
	tag = vec_at(&tagger->out->tags, id);
	if (is_flat) {
		tag->flat = wrap_add(tag->flat, tagger->value);
		tag->flat_div = wrap_add(tag->flat_div, tagger->divisor);
	} else {
		tag->cum = wrap_add(tag->cum, tagger->value);
		tag->cum_div = wrap_add(tag->cum_div, tagger->divisor);
	}
}

static void tag_number(struct tagger *tagger, uint32_t node,
		       const struct pp_label *label, bool is_flat)
{
	struct intern *texts = &tagger->out->texts;
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	struct tag_key key = { .node = node, .labels = tagger->labels };
	struct graph_tag model = {
		.node = node,
		.unit = tag_unit(tagger->units, tagger->graph->pp, label->key),
		.value = label->num,
	};

	unit_add_value(&text, label->num, model.unit, tagger->shown_unit);
	key.name = intern_string(texts, text.data);
	model.labels = intern_get(texts, tagger->labels)->bytes;
	model.name = intern_get(texts, key.name)->bytes;
	add_to_tag(tagger, &key, &model, is_flat);
}

static void tag_node(struct tagger *tagger, uint32_t node, bool is_flat)
{
	const char *labels =
		intern_get(&tagger->out->texts, tagger->labels)->bytes;
	struct tag_key key = { node, tagger->labels, NO_NUMBER, 0 };
	struct graph_tag model = { .node = node, .labels = labels,
				   .unit = "" };

	if (*labels)
		add_to_tag(tagger, &key, &model, is_flat);
	for (uint32_t i = 0; i < tagger->set->n; i++) {
		const struct pp_label *label = &tagger->set->labels[i];

		if ((label->flags & PP_LABEL_IS_NUMBER) &&
		    label->key == tagger->bytes_key)
			tag_number(tagger, node, label, is_flat);
	}
}

/* The node of line @j - 1 of a location, 0 standing for one without lines. */
static uint32_t node_at(const struct graph *graph, uint32_t location,
			uint32_t j)
{
	const struct pp_location *l =
		vec_at(&graph->pp->locations, location);

	return j ? graph->line_nodes[l->first_line + j - 1] :
		   graph->location_nodes[location];
}

/* Root first: each kept node once, then the last one if it is the leaf. */
static void tag_sample(struct tagger *tagger, const struct pp_stack *stack,
		       uint32_t stamp)
{
	const struct graph *graph = tagger->graph;
	uint32_t last = NO_ID, node = NO_ID;
	bool is_cut = false;

	for (uint32_t i = stack->n; i; i--) {
		const struct pp_location *l = vec_at(&graph->pp->locations,
						     stack->frames[i - 1]);

		for (uint32_t j = l->n_lines;; j--) {
			node = graph_child(graph, node,
					   node_at(graph,
						   stack->frames[i - 1], j));
			is_cut = !graph_node(graph, node)->is_kept;
			if (!is_cut && tagger->seen[node] != stamp) {
				tagger->seen[node] = stamp;
				tag_node(tagger, node, false);
			}
			last = is_cut ? last : node;
			if (j <= 1)
				break;
		}
	}
	if (last != NO_ID && !is_cut)
		tag_node(tagger, last, true);
}

static void tag_samples(struct tagger *tagger)
{
	const struct pp *pp = tagger->graph->pp;

	for (size_t i = 0; i < pp->samples.n; i++) {
		const struct pp_sample *sample = vec_at(&pp->samples, i);
		const int64_t *values = pp_values(pp, sample);

		tagger->value = values[tagger->graph->options.type];
		tagger->divisor = tagger->graph->options.is_mean ? values[0]
								 : 0;
		tagger->set = vec_at(&pp->label_sets, sample->labels);
		if ((!tagger->value && !tagger->divisor) || !tagger->set->n)
			continue;
		if (tagger->joined[sample->labels] == NO_ID)
			tagger->joined[sample->labels] = join_labels(tagger);
		tagger->labels = tagger->joined[sample->labels];
		tag_sample(tagger, vec_at(&pp->stacks, sample->stack),
			   (uint32_t)i + 1);
	}
}

static int compare_nodes(const void *p, const void *q)
{
	const struct graph_tag *a = p, *b = q;

	return (a->node > b->node) - (a->node < b->node);
}

/* Drop the light ones, and index the rest by node. */
static void finish(const struct graph *graph, int64_t cutoff,
		   struct graph_tags *out)
{
	struct graph_tag *tags = out->tags.data;
	size_t n = 0, at = 0;

	for (size_t i = 0; i < out->tags.n; i++)
		if (wrap_abs(tags[i].flat) >= cutoff ||
		    wrap_abs(tags[i].cum) >= cutoff)
			tags[n++] = tags[i];
	out->tags.n = n;
	if (n)
		qsort(tags, n, sizeof(*tags), compare_nodes);
	out->first = xcalloc(graph->nodes.n + 1, sizeof(*out->first));
	for (size_t node = 0; node <= graph->nodes.n; node++) {
		while (at < n && tags[at].node < node)
			at++;
		out->first[node] = (uint32_t)at;
	}
}

void graph_tags_make(const struct graph *graph, const struct tag_units *units,
		     const char *shown_unit, int64_t cutoff,
		     struct graph_tags *out)
{
	const struct pp *pp = graph->pp;
	struct tagger tagger = { .graph = graph, .units = units,
				 .shown_unit = shown_unit, .out = out };

	*out = (struct graph_tags){ .tags = VEC_OF(struct graph_tag) };
	intern_init(&out->texts);
	intern_init(&tagger.keys);
	tagger.base_key = intern_string(pp->strings, "pprof::base");
	tagger.bytes_key = intern_string(pp->strings, "bytes");
	tagger.seen = xcalloc(graph->nodes.n, sizeof(*tagger.seen));
	tagger.joined = xreallocarray(NULL, pp->label_sets.n,
				      sizeof(*tagger.joined));
	memset(tagger.joined, 0xff,
	       pp->label_sets.n * sizeof(*tagger.joined));
	tag_samples(&tagger);
	finish(graph, cutoff, out);
	intern_clear(&tagger.keys);
	free(tagger.seen);
	free(tagger.joined);
}

void graph_tags_clear(struct graph_tags *tags)
{
	vec_clear(&tags->tags);
	intern_clear(&tags->texts);
	free(tags->first);
	*tags = (struct graph_tags){ 0 };
}

size_t graph_tags_count(const struct graph_tags *tags, uint32_t node)
{
	size_t n = 0;

	for (uint32_t i = tags->first[node]; i < tags->first[node + 1]; i++)
		n += ((struct graph_tag *)vec_at(&tags->tags, i))->flat != 0;
	return n;
}
