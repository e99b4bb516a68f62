/* SPDX-License-Identifier: MIT */
/* stack_tree.c - stacks that share their callers. */
#include "profile/stack_tree.h"

void stack_tree_init(struct stack_tree *tree)
{
	keyset_init(&tree->nodes);
	keyset_add(&tree->nodes, UINT64_MAX); /* STACK_EMPTY */
	tree->last = VEC_OF(stack_id);
}

void stack_tree_clear(struct stack_tree *tree)
{
	keyset_clear(&tree->nodes);
	vec_clear(&tree->last);
}

void stack_tree_seal(struct stack_tree *tree)
{
	keyset_seal(&tree->nodes);
}

stack_id stack_tree_add(struct stack_tree *tree, const location_id *locations,
			size_t n)
{
	struct vec *last = &tree->last;
	stack_id id = STACK_EMPTY;
	size_t n_equal = 0;

	/* The callers are mostly those of the stack before: no look-up. */
	for (; n_equal < n && n_equal < last->n; n_equal++) {
		stack_id at = *(stack_id *)vec_at(last, n_equal);

		if (stack_leaf(tree, at) != locations[n - 1 - n_equal])
			break;
		id = at;
	}
	last->n = n_equal;
	for (size_t i = n - n_equal; i-- > 0;) {
		id = keyset_add(&tree->nodes,
				(uint64_t)id << 32 | locations[i]);
		*(stack_id *)vec_push(last) = id;
	}
	return id;
}

void stack_tree_get(const struct stack_tree *tree, stack_id id,
		    struct vec *out)
{
	out->n = 0;
	for (; id != STACK_EMPTY; id = stack_callers(tree, id))
		*(location_id *)vec_push(out) = stack_leaf(tree, id);
}
