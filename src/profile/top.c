/* SPDX-License-Identifier: MIT */
/*
 * top.c - add up values per function and print them as pprof's top does.
 *
 * pprof builds its graph, drops small nodes, and builds it again with what is
 * left; only the remaining calls then say what was inlined. So does top_pass.
 */
#include "profile/top.h"

#include <stdio.h>

#include "profile/names.h"
#include "profile/unit.h"

#define NODE_FRACTION 0.005 /* pprof's nodefraction and edgefraction */
#define EDGE_FRACTION 0.001

struct top_node {
	int64_t flat, cum;
	uint32_t seen;	 /* the last sample that counted it, plus 1 */
	bool is_kept;
	bool has_inlined, has_plain; /* calls to it */
};

struct top_edge {
	uint32_t callee;
	uint32_t seen;
	int64_t weight;
	bool is_inlined; /* in all stacks */
};

struct top_pass {
	const struct profile *profile;
	size_t type;
	struct intern names;	  /* ids are node ids */
	uint32_t *nodes_of_lines; /* node of each line */
	uint32_t *nodes_of_locations; /* of those without lines, or NO_ID */
	struct vec nodes;	  /* struct top_node */
	struct map edge_index;	  /* caller << 32 | callee */
	struct vec edges;	  /* struct top_edge */
	struct vec stack;	  /* location_id: of the sample at hand */
};

static uint32_t pass_node(struct top_pass *pass,
			  const struct profile_location *location, uint32_t i)
{
	CLEANUP(strbuf_clear) struct strbuf name = { 0 };
	uint32_t id;

	location_add_name(pass->profile, location, i, &name);
	id = intern_bytes(&pass->names, name.data, name.len);
	if (id == pass->nodes.n) {
		struct top_node *node = vec_push(&pass->nodes);

		node->is_kept = true;
	}
	return id;
}

static void pass_init(struct top_pass *pass, const struct profile *profile,
		      size_t type)
{
	size_t n = profile->locations.n;

	*pass = (struct top_pass){
		.profile = profile,
		.type = type,
		.nodes_of_lines = xcalloc(profile->lines.n, 4),
		.nodes_of_locations = xcalloc(n, 4),
		.nodes = VEC_OF(struct top_node),
		.edges = VEC_OF(struct top_edge),
		.stack = VEC_OF(location_id),
	};
	intern_init(&pass->names);
	for (size_t i = 0; i < n; i++) {
		const struct profile_location *l =
			vec_at(&profile->locations, i);

		if (!l->n_lines)
			pass->nodes_of_locations[i] = pass_node(pass, l, 0);
		for (uint32_t k = 0; k < l->n_lines; k++)
			pass->nodes_of_lines[l->first_line + k] =
				pass_node(pass, l, k);
	}
}

static void pass_clear(struct top_pass *pass)
{
	intern_clear(&pass->names);
	free(pass->nodes_of_lines);
	free(pass->nodes_of_locations);
	vec_clear(&pass->nodes);
	map_clear(&pass->edge_index);
	vec_clear(&pass->edges);
	vec_clear(&pass->stack);
}

static void pass_add_edge(struct top_pass *pass, uint32_t caller,
			  uint32_t callee, bool is_inlined, uint32_t sample)
{
	const struct profile_sample *s =
		vec_at(&pass->profile->samples, sample);
	uint64_t key = (uint64_t)caller << 32 | callee;
	uint32_t id = map_get(&pass->edge_index, key);
	struct top_edge *edge;

	if (id == NO_ID) {
		id = (uint32_t)pass->edges.n;
		map_put(&pass->edge_index, key, id);
		edge = vec_push(&pass->edges);
		edge->callee = callee;
		edge->is_inlined = true;
	}
	edge = vec_at(&pass->edges, id);
	if (edge->seen == sample + 1)
		return;
	edge->seen = sample + 1;
	edge->weight += s->values[pass->type];
	edge->is_inlined &= is_inlined;
}

/* The next frame towards the leaf; gives the new caller. */
static uint32_t pass_add_frame(struct top_pass *pass, uint32_t caller,
			       uint32_t id, bool is_inlined, uint32_t sample)
{
	const struct profile_sample *s =
		vec_at(&pass->profile->samples, sample);
	struct top_node *node = vec_at(&pass->nodes, id);

	if (!node->is_kept)
		return caller;
	if (node->seen != sample + 1) {
		node->seen = sample + 1;
		node->cum += s->values[pass->type];
	}
	if (caller != NO_ID && caller != id)
		pass_add_edge(pass, caller, id, is_inlined, sample);
	return id;
}

static void pass_add_sample(struct top_pass *pass, uint32_t sample)
{
	const struct profile *profile = pass->profile;
	const struct profile_sample *s = vec_at(&profile->samples, sample);
	uint32_t caller = NO_ID, leaf = NO_ID;
	struct top_node *node;

	stack_tree_get(&profile->stacks, s->stack, &pass->stack);
	for (size_t i = pass->stack.n; i-- > 0;) {
		location_id id = *(location_id *)vec_at(&pass->stack, i);
		const struct profile_location *l =
			vec_at(&profile->locations, id);

		if (!l->n_lines) {
			leaf = pass->nodes_of_locations[id];
			caller = pass_add_frame(pass, caller, leaf, false,
						sample);
		}
		for (uint32_t k = l->n_lines; k-- > 0;) {
			leaf = pass->nodes_of_lines[l->first_line + k];
			caller = pass_add_frame(pass, caller, leaf,
						k + 1 != l->n_lines, sample);
		}
	}
	if (leaf == NO_ID)
		return;
	node = vec_at(&pass->nodes, leaf);
	if (node->is_kept)
		node->flat += s->values[pass->type];
}

static int64_t magnitude(int64_t value)
{
	if (value == INT64_MIN)
		return INT64_MAX;
	return value < 0 ? -value : value;
}

/* Add all samples up; edges lighter than @cutoff say nothing. */
static void pass_run(struct top_pass *pass, int64_t cutoff)
{
	for (size_t i = 0; i < pass->nodes.n; i++) {
		struct top_node *node = vec_at(&pass->nodes, i);

		*node = (struct top_node){ .is_kept = node->is_kept };
	}
	map_reset(&pass->edge_index);
	pass->edges.n = 0;
	for (uint32_t i = 0; i < pass->profile->samples.n; i++) {
		const struct profile_sample *s =
			vec_at(&pass->profile->samples, i);

		if (s->values[pass->type])
			pass_add_sample(pass, i);
	}
	for (size_t i = 0; i < pass->edges.n; i++) {
		const struct top_edge *edge = vec_at(&pass->edges, i);
		struct top_node *node = vec_at(&pass->nodes, edge->callee);

		if (magnitude(edge->weight) < cutoff)
			continue;
		node->has_inlined |= edge->is_inlined;
		node->has_plain |= !edge->is_inlined;
	}
}

static enum top_inlining node_inlining(const struct top_node *node)
{
	if (!node->has_inlined)
		return TOP_NOT_INLINED;
	return node->has_plain ? TOP_PARTLY_INLINED : TOP_INLINED;
}

static int row_compare(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int64_t fx = magnitude(x->flat), fy = magnitude(y->flat);

	if (fx != fy)
		return fx > fy ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void top_from_pass(struct top *top, const struct top_pass *pass)
{
	top->rows.n = 0;
	for (uint32_t i = 0; i < pass->nodes.n; i++) {
		const struct top_node *node = vec_at(&pass->nodes, i);
		const struct intern_entry *name;
		struct top_row *row;
		uint32_t id;

		if (!node->is_kept || (!node->flat && !node->cum))
			continue;
		name = intern_get(&pass->names, i);
		id = intern_bytes(&top->names, name->bytes, name->len);
		row = vec_push(&top->rows);
		row->name = intern_get(&top->names, id)->bytes;
		row->flat = node->flat;
		row->cum = node->cum;
		row->inlining = node_inlining(node);
	}
	if (top->rows.n)
		qsort(top->rows.data, top->rows.n, sizeof(struct top_row),
		      row_compare);
}

static void top_init(struct top *top, const struct profile *profile,
		     size_t type)
{
	*top = (struct top){ .rows = VEC_OF(struct top_row) };
	intern_init(&top->names);
	for (size_t i = 0; i < profile->samples.n; i++) {
		const struct profile_sample *s = vec_at(&profile->samples, i);

		top->total += magnitude(s->values[type]);
	}
}

void top_make(const struct profile *profile, size_t type_index,
	      struct top *out)
{
	struct top_pass pass;

	assert(type_index < PROFILE_MAX_TYPES);
	top_init(out, profile, type_index);
	pass_init(&pass, profile, type_index);
	pass_run(&pass, 0);
	top_from_pass(out, &pass);
	pass_clear(&pass);
}

void top_clear(struct top *top)
{
	vec_clear(&top->rows);
	intern_clear(&top->names);
}

static int64_t top_flat_sum(const struct top *top)
{
	int64_t sum = 0;

	for (size_t i = 0; i < top->rows.n; i++)
		sum += ((const struct top_row *)vec_at(&top->rows, i))->flat;
	return sum;
}

/* Make @out the first @n rows of @all with at least @cutoff in cum. */
static void top_select(const struct profile *profile, const struct top *all,
		       size_t type, size_t n, struct top *out)
{
	int64_t sum = top_flat_sum(all);
	int64_t cutoff = magnitude((int64_t)((double)sum * NODE_FRACTION));
	struct top_pass pass;

	top_init(out, profile, type);
	pass_init(&pass, profile, type);
	for (size_t i = 0; i < pass.nodes.n; i++)
		((struct top_node *)vec_at(&pass.nodes, i))->is_kept = false;
	for (size_t i = 0; i < all->rows.n && n; i++) {
		const struct top_row *row = vec_at(&all->rows, i);
		uint32_t id;

		if (magnitude(row->cum) < cutoff)
			continue;
		id = intern_string(&pass.names, row->name);
		((struct top_node *)vec_at(&pass.nodes, id))->is_kept = true;
		n--;
	}
	pass_run(&pass, magnitude((int64_t)((double)sum * EDGE_FRACTION)));
	top_from_pass(out, &pass);
	pass_clear(&pass);
}

/* The unit that suits all rows (pprof's unit=minimum). */
static const char *top_unit(const struct top *top, const char *unit)
{
	int64_t min = 0;

	for (size_t i = 0; i < top->rows.n; i++) {
		const struct top_row *row = vec_at(&top->rows, i);
		int64_t value = magnitude(row->flat ? row->flat : row->cum);

		if (value && (!min || value < min))
			min = value;
	}
	return unit_for_range(min ? min : top->total, top->total, unit);
}

/* Names come from files that may want to write to a terminal. */
static void top_add_name(struct strbuf *out, const char *name)
{
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		strbuf_addc(out, c < 0x20 || c == 0x7f ? '?' : *name);
	}
}

static void top_write_row(const struct top *top, const struct top_row *row,
			  int64_t sum, const char *const units[2],
			  struct strbuf *out)
{
	static const char *const notes[] = {
		[TOP_NOT_INLINED] = "",
		[TOP_INLINED] = " (inline)",
		[TOP_PARTLY_INLINED] = " (partial-inline)",
	};
	CLEANUP(strbuf_clear) struct strbuf flat = { 0 };
	CLEANUP(strbuf_clear) struct strbuf cum = { 0 };

	unit_add_value(&flat, row->flat, units[0], units[1]);
	unit_add_value(&cum, row->cum, units[0], units[1]);
	strbuf_addf(out, "%10s ", flat.data);
	unit_add_percent(out, row->flat, top->total);
	strbuf_addc(out, ' ');
	unit_add_percent(out, sum, top->total);
	strbuf_addf(out, " %10s ", cum.data);
	unit_add_percent(out, row->cum, top->total);
	strbuf_adds(out, "  ");
	top_add_name(out, row->name);
	strbuf_addf(out, "%s\n", notes[row->inlining]);
}

void top_write(const struct profile *profile, const struct top *top,
	       size_t type_index, size_t n, struct strbuf *out)
{
	const char *units[2]; /* of the values, and as shown */
	struct top shown;
	int64_t sum = 0;

	assert(type_index < profile->n_types);
	units[0] = profile_string_text(profile,
				       profile->types[type_index].unit);
	top_select(profile, top, type_index, n, &shown);
	units[1] = top_unit(&shown, units[0]);
	strbuf_addf(out, "%10s %5s%% %5s%% %10s %5s%%\n", "flat", "flat",
		    "sum", "cum", "cum");
	for (size_t i = 0; i < shown.rows.n; i++) {
		const struct top_row *row = vec_at(&shown.rows, i);

		sum += row->flat;
		top_write_row(top, row, sum, units, out);
	}
	top_clear(&shown);
}
