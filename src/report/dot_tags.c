/* SPDX-License-Identifier: MIT */
/*
 * dot_tags.c - boxes beside a node for the labels of its samples.
 *
 * At most four for strings; numbers are gathered around the four heaviest of
 * them, into ranges like "16B..64B".
 */
#include <math.h>

#include "profile/unit.h"
#include "report/dot.h"

#define NODELETS_MAX 4

/* A tag, or several numbers taken together. */
struct nodelet {
	const struct graph_tag *tag; /* the first one */
	char *label;
	int64_t flat, cum;
};

struct tag_list {
	struct nodelet *items;
	size_t n;
	bool by_flat;
};

static int compare_nodelets(const void *p, const void *q, void *arg)
{
	const struct nodelet *a = p, *b = q;
	bool by_flat = *(const bool *)arg;
	int64_t x, y;

	if (!by_flat && a->cum != b->cum) {
		x = wrap_abs(a->cum);
		y = wrap_abs(b->cum);
	} else if (a->flat != b->flat) {
		x = wrap_abs(a->flat);
		y = wrap_abs(b->flat);
	} else {
		return strcmp(a->label, b->label);
	}
	return (x < y) - (x > y);
}

static void sort_list(struct tag_list *list)
{
	if (list->n)
		qsort_r(list->items, list->n, sizeof(*list->items),
			compare_nodelets, &list->by_flat);
}

static void free_list(struct tag_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i].label);
	free(list->items);
}

/* The tags of @node: strings (@labels NULL), or the numbers of @labels. */
static struct tag_list make_list(const struct dot *dot, uint32_t node,
				 const char *labels)
{
	const struct graph_tags *tags = dot->tags;
	uint32_t first = tags->first[node], end = tags->first[node + 1];
	struct tag_list list = {
		.items = xcalloc(end - first, sizeof(*list.items)),
		.by_flat = graph_node(dot->graph, node)->n_out > 0,
	};

	for (uint32_t i = first; i < end; i++) {
		const struct graph_tag *tag = vec_at(&tags->tags, i);

		if (labels ? !tag->name || strcmp(tag->labels, labels) != 0 :
			     tag->name != NULL)
			continue;
		/* Sorted by what is summed, not by means, as in pprof. */
		list.items[list.n++] = (struct nodelet){
			tag, xstrdup(tag->name ? tag->name : tag->labels),
			tag->flat, tag->cum,
		};
	}
	sort_list(&list);
	return list;
}

static double distance(const struct graph_tag *a, const struct graph_tag *b)
{
	const char *unit;

	return fabs((double)a->value -
		    unit_scale(b->value, b->unit, a->unit, &unit));
}

static bool is_beyond(const struct graph_tag *tag,
		      const struct graph_tag *limit, bool is_min)
{
	const char *unit;
	int64_t value = int64_of_double(unit_scale(tag->value, tag->unit,
						   limit->unit, &unit));

	return is_min ? value < limit->value : value > limit->value;
}

/* Take all tags that @group_of says to be of @group together. */
static struct nodelet join_group(const struct tag_list *list,
				 const size_t *group_of, size_t group)
{
	const struct graph_tag *min = NULL, *max = NULL;
	int64_t flat = 0, flat_div = 0, cum = 0, cum_div = 0;
	struct strbuf label = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		const struct graph_tag *tag = list->items[i].tag;

		if (group_of[i] != group)
			continue;
		min = !min || is_beyond(tag, min, true) ? tag : min;
		max = !max || is_beyond(tag, max, false) ? tag : max;
		flat = wrap_add(flat, tag->flat);
		flat_div = wrap_add(flat_div, tag->flat_div);
		cum = wrap_add(cum, tag->cum);
		cum_div = wrap_add(cum_div, tag->cum_div);
	}
	unit_add_value(&label, min->value, min->unit, "auto");
	if (min != max) {
		strbuf_adds(&label, "..");
		unit_add_value(&label, max->value, max->unit, "auto");
	}
	return (struct nodelet){
		NULL, strbuf_take(&label),
		flat_div ? wrap_div(flat, flat_div) : flat,
		cum_div ? wrap_div(cum, cum_div) : cum,
	};
}

/* Numbers beyond the heaviest ones join the nearest of these. */
static void collapse(struct tag_list *list)
{
	struct nodelet groups[NODELETS_MAX];
	CLEANUP(free) size_t *group_of = xcalloc(list->n, sizeof(*group_of));

	for (size_t i = 0; i < list->n; i++) {
		const struct graph_tag *tag = list->items[i].tag;
		double best = HUGE_VAL;

		for (size_t g = 0; g < NODELETS_MAX; g++) {
			double d = distance(tag, list->items[g].tag);

			if (i < NODELETS_MAX ? g == i : d < best) {
				group_of[i] = g;
				best = d;
			}
		}
	}
	for (size_t g = 0; g < NODELETS_MAX; g++)
		groups[g] = join_group(list, group_of, g);
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i].label);
	memcpy(list->items, groups, sizeof(groups));
	list->n = NODELETS_MAX;
	sort_list(list);
}

static int64_t nodelet_flat(const struct nodelet *nodelet)
{
	return nodelet->tag ? graph_tag_flat(nodelet->tag) : nodelet->flat;
}

static int64_t nodelet_cum(const struct nodelet *nodelet)
{
	return nodelet->tag ? graph_tag_cum(nodelet->tag) : nodelet->cum;
}

/* As pprof has it, but that nobody's label ends the string it is in. */
static void add_tag_label(const char *label, struct strbuf *out)
{
	for (; *label; label++) {
		if (*label == '"' || (*label == '\\' && label[1] != 'n'))
			strbuf_addc(out, '\\');
		strbuf_addc(out, *label == '\n' ? ' ' : *label);
	}
}

/* The box @name with its call from @source. */
static void add_box(const char *source, const char *name,
		    const struct nodelet *nodelet, const char *value,
		    struct strbuf *out)
{
	bool is_number = !nodelet->tag || nodelet->tag->name;
	bool is_dotted = is_number &&
			 nodelet_flat(nodelet) != nodelet_cum(nodelet);

	strbuf_addf(out, "%s [label = \"", name);
	add_tag_label(nodelet->label, out);
	strbuf_addf(out, "\" id=\"%s\" fontsize=8 shape=box3d "
		    "tooltip=\"%s\"]\n", name, value);
	strbuf_addf(out, "%s -> %s [label=\" %s\" weight=100 tooltip=\"%s\" "
		    "labeltooltip=\"%s\"%s]\n", source, name, value, value,
		    value, is_dotted ? " style=\"dotted\"" : "");
}

static bool add_numbers(const struct dot *dot, uint32_t node,
			const char *labels, const char *source,
			struct strbuf *out)
{
	struct tag_list list = make_list(dot, node, labels);
	size_t before = out->len;

	if (list.n > NODELETS_MAX)
		collapse(&list);
	for (size_t i = 0; i < list.n; i++) {
		const struct nodelet *nodelet = &list.items[i];
		CLEANUP(strbuf_clear) struct strbuf value = { 0 };
		CLEANUP(free) char *name = xasprintf("N%s_%zu", source, i);
		struct nodelet shown = *nodelet;
		int64_t flat = nodelet_flat(nodelet);
		int64_t cum = nodelet_cum(nodelet);

		if (list.by_flat) {
			shown.tag = NULL;
			shown.flat = shown.cum = flat;
		}
		if (!(list.by_flat ? flat : cum))
			continue;
		report_add_value(dot->report, list.by_flat ? flat : cum,
				 &value);
		add_box(source, name, &shown, value.data, out);
	}
	free_list(&list);
	return out->len > before;
}

bool dot_add_nodelets(const struct dot *dot, uint32_t node, uint32_t number,
		      struct strbuf *out)
{
	struct tag_list list = make_list(dot, node, NULL);
	CLEANUP(free) char *source = xasprintf("N%u", number);
	size_t before = out->len;

	for (size_t i = 0; i < list.n && i < NODELETS_MAX; i++) {
		const struct graph_tag *tag = list.items[i].tag;
		int64_t weight = list.by_flat ? graph_tag_flat(tag) :
						graph_tag_cum(tag);
		CLEANUP(strbuf_clear) struct strbuf value = { 0 };
		CLEANUP(free) char *name = xasprintf("%s_%zu", source, i);

		if (!weight)
			continue;
		report_add_value(dot->report, weight, &value);
		add_box(source, name, &list.items[i], value.data, out);
		add_numbers(dot, node, tag->labels, name, out);
	}
	free_list(&list);
	add_numbers(dot, node, "", source, out);
	return out->len > before;
}
