/* SPDX-License-Identifier: MIT */
/*
 * stack_tree.h - stacks that share their callers.
 *
 * Most new stacks differ from one that is known by a few frames at the leaf
 * only: where each of 290,000 stacks 34 frames deep was new, as a node for each
 * frame that is they took 56 bytes, as arrays of their own 200. A stack is its
 * leaf and the stack of its callers. From the leaf to the root:
 *
 *	for (; id != STACK_EMPTY; id = stack_callers(tree, id))
 *		use(stack_leaf(tree, id));
 */
#ifndef PROFILE_STACK_TREE_H
#define PROFILE_STACK_TREE_H

#include "util/map.h"

typedef uint32_t location_id;
typedef uint32_t stack_id;

#define STACK_EMPTY ((stack_id)0) /* the root of the tree */

struct stack_tree { /* stack_tree_init() before use */
	struct keyset nodes; /* callers << 32 | leaf; ids are stack ids */
	struct vec last;     /* stack_id: of the latest, the root's first */
};

void stack_tree_init(struct stack_tree *tree);
void stack_tree_clear(struct stack_tree *tree);

/* No more stacks are to come: free what finds them, until one comes. */
void stack_tree_seal(struct stack_tree *tree);

/* The stack of these @n locations, leaf first, made if it is new. */
stack_id stack_tree_add(struct stack_tree *tree, const location_id *locations,
			size_t n);

/* The locations of @id, leaf first, as the content of @out. */
void stack_tree_get(const struct stack_tree *tree, stack_id id,
		    struct vec *out);

static inline location_id stack_leaf(const struct stack_tree *tree,
				     stack_id id)
{
	return (location_id)keyset_at(&tree->nodes, id);
}

static inline stack_id stack_callers(const struct stack_tree *tree,
				     stack_id id)
{
	return (stack_id)(keyset_at(&tree->nodes, id) >> 32);
}

#endif
