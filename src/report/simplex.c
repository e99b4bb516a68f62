/* SPDX-License-Identifier: MIT */
/*
 * simplex.c - the network simplex method.
 *
 * A spanning tree of tight edges gives places; a tree edge whose removal
 * would part the graph so that more weight pulls the parts together than
 * apart (cut value below 0) is exchanged for the shortest one the other way.
 *
 * The cut value of a subtree's edge is the sum over the subtree of what its
 * nodes' edges weigh outwards less inwards: what lies within cancels out.
 */
#include "report/simplex.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "util/map.h"
#include "util/mem.h"

struct solver {
	struct simplex *s;
	uint32_t *first, *incident; /* edges by node, both directions */
	int64_t *pull;		    /* by node: out weight - in weight */
	bool *in_tree;		    /* by edge */
	uint32_t *parent_edge;	    /* by node; NO_ID at the root */
	uint32_t *low, *limit;	    /* postorder numbers of the subtree */
	uint32_t *postorder;	    /* nodes */
	int64_t *sum;		    /* of pull, over the subtree */
	uint32_t *stack, *next;	    /* of the walk over the tree */
	size_t work;		    /* that is left to be done */
};

/* Before looking at all nodes and edges once more: may we? */
static bool take_work(struct solver *v)
{
	size_t work = v->s->n_nodes + v->s->n_edges;

	if (v->work < work)
		return false;
	v->work -= work;
	return true;
}

static uint32_t *new_ids(size_t n)
{
	return xcalloc(n + 1, sizeof(uint32_t));
}

static void solver_init(struct solver *v, struct simplex *s)
{
	size_t n = s->n_nodes;

	*v = (struct solver){
		.s = s, .first = new_ids(n + 1),
		.incident = new_ids(2 * s->n_edges),
		.pull = xcalloc(n + 1, sizeof(int64_t)),
		.in_tree = xcalloc(s->n_edges + 1, sizeof(bool)),
		.parent_edge = new_ids(n), .low = new_ids(n),
		.limit = new_ids(n), .postorder = new_ids(n),
		.sum = xcalloc(n + 1, sizeof(int64_t)),
		.stack = new_ids(n), .next = new_ids(n),
	};
	for (size_t i = 0; i < s->n_edges; i++) {
		const struct simplex_edge *e = &s->edges[i];

		v->first[e->from + 1]++;
		v->first[e->to + 1]++;
		v->pull[e->from] += e->weight;
		v->pull[e->to] -= e->weight;
	}
	for (size_t i = 0; i < n; i++)
		v->first[i + 1] += v->first[i];
	for (size_t i = 0; i < s->n_edges; i++) {
		const struct simplex_edge *e = &s->edges[i];

		v->incident[v->first[e->from] + v->next[e->from]++] =
			(uint32_t)i;
		v->incident[v->first[e->to] + v->next[e->to]++] = (uint32_t)i;
	}
}

static void solver_clear(struct solver *v)
{
	free(v->first);
	free(v->incident);
	free(v->pull);
	free(v->in_tree);
	free(v->parent_edge);
	free(v->low);
	free(v->limit);
	free(v->postorder);
	free(v->sum);
	free(v->stack);
	free(v->next);
}

static int32_t slack(const struct solver *v, size_t edge)
{
	const struct simplex_edge *e = &v->s->edges[edge];

	return v->s->place[e->to] - v->s->place[e->from] - e->min;
}

static uint32_t other_end(const struct solver *v, uint32_t edge, uint32_t node)
{
	const struct simplex_edge *e = &v->s->edges[edge];

	return e->from == node ? e->to : e->from;
}

/* Everything as far to the front as its edges allow. */
static void place_first(struct solver *v)
{
	struct simplex *s = v->s;
	CLEANUP(free) uint32_t *n_in = new_ids(s->n_nodes);
	size_t head = 0, tail = 0;

	memset(s->place, 0, s->n_nodes * sizeof(*s->place));
	for (size_t i = 0; i < s->n_edges; i++)
		n_in[s->edges[i].to]++;
	for (uint32_t i = 0; i < s->n_nodes; i++)
		if (!n_in[i])
			v->stack[tail++] = i;
	while (head < tail) {
		uint32_t node = v->stack[head++];

		for (uint32_t i = v->first[node]; i < v->first[node + 1];
		     i++) {
			const struct simplex_edge *e =
				&s->edges[v->incident[i]];
			int32_t least = s->place[node] + e->min;

			if (e->from != node)
				continue;
			if (least > s->place[e->to])
				s->place[e->to] = least;
			if (!--n_in[e->to])
				v->stack[tail++] = e->to;
		}
	}
	assert(tail == s->n_nodes); /* no cycles */
}

/* Take all nodes into the tree that tight edges lead to from @node. */
static size_t grow(struct solver *v, bool *is_taken, uint32_t node)
{
	size_t depth = 0, n = 1;

	is_taken[node] = true;
	v->stack[depth++] = node;
	while (depth) {
		uint32_t at = v->stack[--depth];

		for (uint32_t i = v->first[at]; i < v->first[at + 1]; i++) {
			uint32_t edge = v->incident[i];
			uint32_t to = other_end(v, edge, at);

			if (is_taken[to] || slack(v, edge))
				continue;
			v->in_tree[edge] = true;
			is_taken[to] = true;
			v->stack[depth++] = to;
			n++;
		}
	}
	return n;
}

/* The edge between the tree and the rest that is nearest to being tight. */
static uint32_t find_nearest(const struct solver *v, const bool *is_taken)
{
	uint32_t best = NO_ID;

	for (uint32_t i = 0; i < v->s->n_edges; i++) {
		const struct simplex_edge *e = &v->s->edges[i];

		if (is_taken[e->from] != is_taken[e->to] &&
		    (best == NO_ID || slack(v, i) < slack(v, best)))
			best = i;
	}
	return best;
}

/* False: there was not enough time for it. */
static bool make_tree(struct solver *v)
{
	CLEANUP(free) bool *is_taken = xcalloc(v->s->n_nodes + 1,
					       sizeof(*is_taken));
	size_t n = grow(v, is_taken, 0);

	while (n < v->s->n_nodes) {
		uint32_t edge = find_nearest(v, is_taken);
		const struct simplex_edge *e;
		int32_t by;

		assert(edge != NO_ID); /* connected */
		if (!take_work(v))
			return false;
		e = &v->s->edges[edge];
		by = is_taken[e->to] ? -slack(v, edge) : slack(v, edge);
		for (size_t i = 0; i < v->s->n_nodes; i++)
			if (is_taken[i])
				v->s->place[i] += by;
		v->in_tree[edge] = true;
		n += grow(v, is_taken, is_taken[e->to] ? e->from : e->to);
	}
	return true;
}

/* The next child of @node in the tree, or NO_ID. */
static uint32_t next_child(struct solver *v, uint32_t node)
{
	while (v->next[node] < v->first[node + 1]) {
		uint32_t edge = v->incident[v->next[node]++];

		if (!v->in_tree[edge] || edge == v->parent_edge[node])
			continue;
		v->parent_edge[other_end(v, edge, node)] = edge;
		return other_end(v, edge, node);
	}
	return NO_ID;
}

/* Number the nodes in postorder, so that subtrees are ranges. */
static void number_tree(struct solver *v)
{
	uint32_t depth = 0, n = 0;

	memcpy(v->next, v->first, v->s->n_nodes * sizeof(uint32_t));
	v->parent_edge[0] = NO_ID;
	v->low[0] = 0;
	v->stack[depth++] = 0;
	while (depth) {
		uint32_t node = v->stack[depth - 1];
		uint32_t child = next_child(v, node);

		if (child != NO_ID) {
			v->low[child] = n;
			v->stack[depth++] = child;
			continue;
		}
		v->postorder[n] = node;
		v->limit[node] = n++;
		depth--;
	}
}

static bool is_below(const struct solver *v, uint32_t node, uint32_t root)
{
	return v->low[root] <= v->limit[node] &&
	       v->limit[node] <= v->limit[root];
}

/* The node whose edge to its parent has the least cut value below 0. */
static uint32_t find_leaving(struct solver *v)
{
	uint32_t best = NO_ID;
	int64_t least = 0;

	for (size_t i = 0; i < v->s->n_nodes; i++)
		v->sum[i] = v->pull[i];
	for (size_t i = 0; i < v->s->n_nodes; i++) {
		uint32_t node = v->postorder[i];
		uint32_t edge = v->parent_edge[node];
		int64_t cut;

		if (edge == NO_ID)
			continue;
		v->sum[other_end(v, edge, node)] += v->sum[node];
		cut = v->s->edges[edge].from == node ? v->sum[node] :
						       -v->sum[node];
		if (cut < least) {
			least = cut;
			best = node;
		}
	}
	return best;
}

/* The shortest edge of @node to or from the other part, if it beats @best. */
static uint32_t find_shortest(const struct solver *v, uint32_t node,
			      uint32_t root, bool is_out, uint32_t best)
{
	for (uint32_t i = v->first[node]; i < v->first[node + 1]; i++) {
		uint32_t edge = v->incident[i];
		const struct simplex_edge *e = &v->s->edges[edge];

		if ((e->from == node) == is_out ||
		    is_below(v, other_end(v, edge, node), root))
			continue;
		if (best == NO_ID || slack(v, edge) < slack(v, best) ||
		    (slack(v, edge) == slack(v, best) && edge < best))
			best = edge;
	}
	return best;
}

/* The shortest edge the other way between the subtree and the rest. */
static uint32_t find_entering(const struct solver *v, uint32_t root,
			      bool is_out)
{
	uint32_t best = NO_ID;

	for (uint32_t i = v->low[root]; i <= v->limit[root]; i++)
		best = find_shortest(v, v->postorder[i], root, is_out, best);
	return best;
}

static bool improve(struct solver *v)
{
	uint32_t root = find_leaving(v), leaving, entering;
	int32_t by;
	bool is_out;

	if (root == NO_ID)
		return false;
	leaving = v->parent_edge[root];
	is_out = v->s->edges[leaving].from == root;
	entering = find_entering(v, root, is_out);
	if (entering == NO_ID)
		return false;
	by = is_out ? -slack(v, entering) : slack(v, entering);
	for (uint32_t i = v->low[root]; i <= v->limit[root]; i++)
		v->s->place[v->postorder[i]] += by;
	v->in_tree[leaving] = false;
	v->in_tree[entering] = true;
	number_tree(v);
	return true;
}

static void normalize(struct simplex *s)
{
	int32_t least = s->n_nodes ? s->place[0] : 0;

	for (size_t i = 0; i < s->n_nodes; i++)
		least = s->place[i] < least ? s->place[i] : least;
	for (size_t i = 0; i < s->n_nodes; i++)
		s->place[i] -= least;
}

void simplex_solve(struct simplex *simplex, size_t max_work)
{
	struct solver solver;

	if (!simplex->n_nodes)
		return;
	solver_init(&solver, simplex);
	solver.work = max_work;
	place_first(&solver);
	memset(solver.next, 0, simplex->n_nodes * sizeof(uint32_t));
	if (make_tree(&solver)) {
		number_tree(&solver);
		while (take_work(&solver) && improve(&solver))
			;
	}
	solver_clear(&solver);
	normalize(simplex);
}
