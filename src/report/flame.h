/* SPDX-License-Identifier: MIT */
/*
 * flame.h - samples merged from the root into a tree of frames.
 *
 * Frame 0 is the root of all. Children of a frame are sorted by name, so that
 * equal profiles give equal pictures. Values below 0 count as they are.
 *
 * With a diff base total and self are differences; what the base had is known
 * besides, so that the two can be told apart.
 */
#ifndef REPORT_FLAME_H
#define REPORT_FLAME_H

#include "report/graph.h"

struct flame_frame {
	uint32_t node; /* of the graph; NO_ID: the root */
	uint32_t parent, depth;
	uint32_t first_child, n_children; /* in flame.children */
	int64_t total, self;
	int64_t base; /* of the total; what is now is total + base */
	bool is_inlined;
};

struct flame {
	struct graph *graph; /* for names; of the caller */
	struct vec frames;   /* struct flame_frame */
	uint32_t *children;
	uint32_t depth; /* of the deepest frame */
	bool has_base;
};

/* @type: which values. The graph must outlive the tree. */
void flame_make(struct graph *graph, size_t type, struct flame *out);
void flame_clear(struct flame *flame);

static inline struct flame_frame *flame_frame(const struct flame *flame,
					      size_t i)
{
	return vec_at(&flame->frames, i);
}

/* "all" for the root. */
const char *flame_name(const struct flame *flame, uint32_t frame);

#endif
