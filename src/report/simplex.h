/* SPDX-License-Identifier: MIT */
/*
 * simplex.h - places on a line, so that weighted edges are short.
 *
 * The network simplex of Gansner, Koutsofios, North, Vo, "A Technique for
 * Drawing Directed Graphs" (1993): minimize the sum of weight * (to - from),
 * every edge being at least as long as its minimum. It gives both the ranks
 * of a layered drawing and the x coordinates within them.
 */
#ifndef REPORT_SIMPLEX_H
#define REPORT_SIMPLEX_H

#include <stddef.h>
#include <stdint.h>

struct simplex_edge {
	uint32_t from, to;
	int64_t weight;
	int32_t min; /* >= 0 */
};

struct simplex { /* acyclic and connected */
	size_t n_nodes, n_edges;
	const struct simplex_edge *edges;
	int32_t *place; /* by node, the least is 0 */
};

/*
 * Fill places, which the caller owns. After about @max_work looks at nodes and
 * edges, the places so far are good enough; they keep the minima always.
 */
void simplex_solve(struct simplex *simplex, size_t max_work);

#endif
