/* SPDX-License-Identifier: MIT */
/* flame.c - the tree behind flame graphs and folded stacks. */
#include "report/flame.h"

struct flame_maker {
	struct flame *flame;
	struct map index; /* parent << 32 | node -> frame */
};

static uint32_t add_child(struct flame_maker *maker, uint32_t parent,
			  uint32_t node, bool is_inlined)
{
	struct flame *flame = maker->flame;
	uint64_t key = (uint64_t)parent << 32 | node;
	uint32_t id = map_get(&maker->index, key);
	struct flame_frame *frame;

	if (id == NO_ID) {
		id = (uint32_t)flame->frames.n;
		map_put(&maker->index, key, id);
		frame = vec_push(&flame->frames);
		frame->node = node;
		frame->parent = parent;
		frame->depth = flame_frame(flame, parent)->depth + 1;
		frame->is_inlined = true;
		if (frame->depth > flame->depth)
			flame->depth = frame->depth;
	}
	flame_frame(flame, id)->is_inlined &= is_inlined;
	return id;
}

static void add_stack(struct flame_maker *maker, const struct pp_stack *stack,
		      int64_t value, int64_t base)
{
	struct flame *flame = maker->flame;
	const struct graph *graph = flame->graph;
	uint32_t at = 0;

	for (uint32_t i = stack->n; i; i--) {
		uint32_t location = stack->frames[i - 1];
		const struct pp_location *l =
			vec_at(&graph->pp->locations, location);

		for (uint32_t j = l->n_lines; j; j--)
			at = add_child(maker, at,
				       graph->line_nodes[l->first_line + j -
							 1],
				       j != l->n_lines);
		if (!l->n_lines)
			at = add_child(maker, at,
				       graph->location_nodes[location],
				       false);
	}
	flame_frame(flame, at)->self =
		wrap_add(flame_frame(flame, at)->self, value);
	flame_frame(flame, at)->base =
		wrap_add(flame_frame(flame, at)->base, base);
}

/* Frames come after their parents, so that one pass from the end sums up. */
static void sum_up(struct flame *flame)
{
	for (size_t i = flame->frames.n; i; i--) {
		struct flame_frame *frame = flame_frame(flame, i - 1);
		struct flame_frame *parent =
			flame_frame(flame, frame->parent);

		frame->total = wrap_add(frame->total, frame->self);
		if (i == 1)
			break;
		parent->total = wrap_add(parent->total, frame->total);
		parent->base = wrap_add(parent->base, frame->base);
	}
}

static int compare_frames(const void *p, const void *q, void *arg)
{
	const struct flame *flame = arg;
	uint32_t i = *(const uint32_t *)p, j = *(const uint32_t *)q;
	int c = strcmp(flame_name(flame, i), flame_name(flame, j));

	return c ? c : (i > j) - (i < j);
}

static void link_children(struct flame *flame)
{
	uint32_t at = 0;

	flame->children = xcalloc(flame->frames.n, sizeof(uint32_t));
	for (size_t i = 1; i < flame->frames.n; i++)
		flame_frame(flame, flame_frame(flame, i)->parent)
			->n_children++;
	for (size_t i = 0; i < flame->frames.n; i++) {
		struct flame_frame *frame = flame_frame(flame, i);

		frame->first_child = at;
		at += frame->n_children;
		frame->n_children = 0;
	}
	for (size_t i = 1; i < flame->frames.n; i++) {
		struct flame_frame *parent =
			flame_frame(flame, flame_frame(flame, i)->parent);

		flame->children[parent->first_child + parent->n_children++] =
			(uint32_t)i;
	}
	for (size_t i = 0; i < flame->frames.n; i++) {
		const struct flame_frame *frame = flame_frame(flame, i);

		if (frame->n_children > 1)
			qsort_r(flame->children + frame->first_child,
				frame->n_children, sizeof(uint32_t),
				compare_frames, flame);
	}
}

/* What all samples of each stack add up to, and those of a base, negated. */
static void sum_stacks(const struct pp *pp, size_t type, int64_t *values,
		       int64_t *bases)
{
	CLEANUP(free) bool *is_base = pp_find_base_sets(pp);

	for (size_t i = 0; i < pp->samples.n; i++) {
		const struct pp_sample *sample = vec_at(&pp->samples, i);
		int64_t value = pp_values(pp, sample)[type];
		int64_t *base = &bases[sample->stack];

		values[sample->stack] = wrap_add(values[sample->stack],
						 value);
		if (is_base[sample->labels])
			*base = wrap_add(*base, wrap_mul(value, -1));
	}
}

void flame_make(struct graph *graph, size_t type, struct flame *out)
{
	const struct pp *pp = graph->pp;
	struct flame_maker maker = { .flame = out };
	CLEANUP(free) int64_t *values = xcalloc(2 * pp->stacks.n,
						sizeof(*values));
	int64_t *bases = values + pp->stacks.n;

	*out = (struct flame){ .graph = graph,
			       .frames = VEC_OF(struct flame_frame) };
	((struct flame_frame *)vec_push(&out->frames))->node = NO_ID;
	sum_stacks(pp, type, values, bases);
	for (size_t i = 0; i < pp->stacks.n; i++) {
		if (values[i] || bases[i])
			add_stack(&maker, vec_at(&pp->stacks, i), values[i],
				  bases[i]);
		out->has_base |= bases[i] != 0;
	}
	map_clear(&maker.index);
	sum_up(out);
	link_children(out);
}

void flame_clear(struct flame *flame)
{
	vec_clear(&flame->frames);
	free(flame->children);
	*flame = (struct flame){ 0 };
}

const char *flame_name(const struct flame *flame, uint32_t frame)
{
	uint32_t node = flame_frame(flame, frame)->node;

	return node == NO_ID ? "all" :
			       graph_name(flame->graph,
					  graph_node(flame->graph, node));
}
