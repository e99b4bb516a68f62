/* SPDX-License-Identifier: MIT */
/* graph_visual.h - a graph made fit to be drawn. */
#ifndef REPORT_GRAPH_VISUAL_H
#define REPORT_GRAPH_VISUAL_H

#include "report/graph_tags.h"

/* Sort what is listed by how much it tells; links the graph. */
void graph_sort_by_entropy(struct graph *graph);

/* How many listed nodes fit into @max boxes, those of their tags included. */
size_t graph_count_visible(const struct graph *graph,
			   const struct graph_tags *tags, size_t max);

/* Drop calls over nodes left out whose ends are connected otherwise. */
void graph_drop_redundant_edges(struct graph *graph);

#endif
