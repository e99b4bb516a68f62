/* SPDX-License-Identifier: MIT */
/*
 * graph_tags.h - what part of a node's weight has which labels.
 *
 * A node has a tag for each combination of string labels among its samples,
 * called "key:value\nkey:value", and below each of them (or none) one for
 * each number of the key "bytes", as pprof's call graphs show them.
 */
#ifndef REPORT_GRAPH_TAGS_H
#define REPORT_GRAPH_TAGS_H

#include "report/graph.h"
#include "report/tags.h"

struct graph_tag {
	uint32_t node;
	const char *labels; /* "" if there are none */
	const char *name;   /* of a number; NULL: the tag of @labels itself */
	const char *unit;
	int64_t value;
	int64_t flat, flat_div, cum, cum_div;
};

struct graph_tags {
	struct vec tags;	/* struct graph_tag, by node */
	struct intern texts;
	uint32_t *first;	/* tag of each node; nodes.n + 1 of them */
};

/*
 * Sum up the tags of listed nodes as graph_fill() left them; those with
 * |flat| and |cum| below @cutoff are left out. @shown_unit is for numbers.
 */
void graph_tags_make(const struct graph *graph, const struct tag_units *units,
		     const char *shown_unit, int64_t cutoff,
		     struct graph_tags *out);
void graph_tags_clear(struct graph_tags *tags);

/* How many boxes the tags of @node take, roughly; as pprof counts them. */
size_t graph_tags_count(const struct graph_tags *tags, uint32_t node);

static inline int64_t graph_tag_flat(const struct graph_tag *tag)
{
	return tag->flat_div ? wrap_div(tag->flat, tag->flat_div) : tag->flat;
}

static inline int64_t graph_tag_cum(const struct graph_tag *tag)
{
	return tag->cum_div ? wrap_div(tag->cum, tag->cum_div) : tag->cum;
}

#endif
