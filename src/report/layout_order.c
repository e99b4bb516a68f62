/* SPDX-License-Identifier: MIT */
/*
 * layout_order.c - order each rank so that few links cross.
 *
 * Sweeps down and up put each point at the weighted median of its neighbours
 * (Eades, Wormald; as in the paper named in simplex.h), then neighbours on a
 * rank change places as long as that helps. It begins from several orders,
 * of which the best result is taken.
 */
#include <float.h>

#include "report/layout.h"

#define SWEEPS 24	  /* without any success before one gives up */
#define STARTS 24	  /* orders to begin with */
#define SWAPS_MAX 30	  /* rounds of a rank */
#define WORK_MAX 20000000 /* looks at points and links, of all starts */

struct order {
	struct layout *layout;
	uint32_t *best; /* order of each point */
	uint64_t best_crossings;
	uint32_t *scratch; /* positions of links' ends; two of each link */
	double *medians;   /* by point */
	uint64_t random;
	size_t work; /* done so far */
};

/* --- crossings ----------------------------------------------------------- */

static int compare_ids(const void *p, const void *q)
{
	uint32_t a = *(const uint32_t *)p, b = *(const uint32_t *)q;

	return (a > b) - (a < b);
}

/* Most points have two or three neighbours; calls of qsort() took most time. */
static void sort_ids(uint32_t *ids, size_t n)
{
	if (n > 16) {
		qsort(ids, n, sizeof(*ids), compare_ids);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		uint32_t id = ids[i];
		size_t j = i;

		for (; j && ids[j - 1] > id; j--)
			ids[j] = ids[j - 1];
		ids[j] = id;
	}
}

/* The positions of @point's neighbours, in order. */
static size_t list_neighbours(struct order *order, uint32_t point,
			      bool is_out, uint32_t *out)
{
	const struct layout *layout = order->layout;
	const struct layout_ids *list = is_out ? &layout->out : &layout->in;
	size_t n = 0;

	for (uint32_t i = list->first[point]; i < list->first[point + 1];
	     i++) {
		const struct layout_link *l =
			layout_link(layout, list->ids[i]);

		out[n++] = layout_point(layout,
					is_out ? l->to : l->from)->order;
	}
	sort_ids(out, n);
	order->work += n + 1;
	return n;
}

/* Crossings of the links of two points, the first standing left. */
static uint64_t count_pair(const uint32_t *left, size_t n_left,
			   const uint32_t *right, size_t n_right)
{
	uint64_t n = 0;
	size_t j = 0;

	for (size_t i = 0; i < n_left; i++) {
		while (j < n_right && right[j] < left[i])
			j++;
		n += j;
	}
	return n;
}

/* Inversions of @n positions, by merging; sorts them. */
static uint64_t count_inversions(uint32_t *a, size_t n, uint32_t *scratch)
{
	size_t half = n / 2, i = 0, j = half, k = 0;
	uint64_t count;

	if (n < 2)
		return 0;
	count = count_inversions(a, half, scratch) +
		count_inversions(a + half, n - half, scratch);
	while (i < half || j < n) {
		if (j == n || (i < half && a[i] <= a[j])) {
			scratch[k++] = a[i++];
		} else {
			count += half - i;
			scratch[k++] = a[j++];
		}
	}
	memcpy(a, scratch, n * sizeof(*a));
	return count;
}

static uint64_t count_all(struct order *order)
{
	const struct layout *layout = order->layout;
	uint32_t *ends = order->scratch;
	uint64_t count = 0;

	for (size_t r = 0; r < layout->n_ranks; r++) {
		const struct layout_rank *rank = &layout->ranks[r];
		size_t n = 0;

		for (uint32_t i = 0; i < rank->n; i++)
			n += list_neighbours(order, rank->points[i], true,
					     ends + n);
		count += count_inversions(ends, n, ends + layout->links.n);
	}
	return count;
}

/* --- one order ------------------------------------------------------------ */

static void renumber(const struct layout *layout, struct layout_rank *rank)
{
	for (uint32_t i = 0; i < rank->n; i++)
		layout_point(layout, rank->points[i])->order = i;
}

/* The middle of the neighbours, nearer to where they are dense; -1: none. */
static double median_of(struct order *order, uint32_t point, bool is_out)
{
	uint32_t *p = order->scratch;
	size_t n = list_neighbours(order, point, is_out, p);
	size_t middle = n / 2;
	double left, right;

	if (!n)
		return -1;
	if (n % 2)
		return p[middle];
	if (n == 2)
		return (p[0] + p[1]) / 2.0;
	left = p[middle - 1] - p[0];
	right = p[n - 1] - p[middle];
	if (left + right == 0)
		return (p[middle - 1] + p[middle]) / 2.0;
	return (p[middle - 1] * right + p[middle] * left) / (left + right);
}

/* Sort by medians; points without neighbours stay where they are. */
static void sort_rank(struct order *order, struct layout_rank *rank,
		      bool takes_equal)
{
	for (uint32_t end = rank->n; end > 1; end--) {
		uint32_t last = NO_ID;
		bool has_moved = false;

		order->work += end;
		for (uint32_t i = 0; i < end; i++) {
			uint32_t *p = rank->points;
			double m = order->medians[p[i]], before;

			if (m < 0)
				continue;
			before = last == NO_ID ? -1 : order->medians[p[last]];
			if (last != NO_ID &&
			    (before > m || (takes_equal && before == m))) {
				uint32_t moved = p[i];

				p[i] = p[last];
				p[last] = moved;
				has_moved = true;
			}
			last = i;
		}
		if (!has_moved || order->work > WORK_MAX)
			break;
	}
	renumber(order->layout, rank);
}

static void sweep(struct order *order, bool is_down, bool takes_equal)
{
	struct layout *layout = order->layout;

	for (size_t i = 1; i < layout->n_ranks; i++) {
		size_t r = is_down ? i : layout->n_ranks - 1 - i;
		struct layout_rank *rank = &layout->ranks[r];

		for (uint32_t j = 0; j < rank->n; j++)
			order->medians[rank->points[j]] = median_of(
				order, rank->points[j], !is_down);
		sort_rank(order, rank, takes_equal);
	}
}

/* What exchanging the points at @i and @i + 1 would change. */
static int64_t gain_of(struct order *order, const struct layout_rank *rank,
		       uint32_t i)
{
	uint32_t *left = order->scratch;
	uint32_t *right = order->scratch + order->layout->links.n;
	int64_t gain = 0;

	for (int is_out = 0; is_out < 2; is_out++) {
		size_t n = list_neighbours(order, rank->points[i], is_out,
					   left);
		size_t m = list_neighbours(order, rank->points[i + 1],
					   is_out, right);

		gain += (int64_t)count_pair(left, n, right, m) -
			(int64_t)count_pair(right, m, left, n);
	}
	return gain;
}

static bool swap_rank(struct order *order, struct layout_rank *rank,
		      bool takes_equal)
{
	bool has_gained = false;

	for (uint32_t i = 0; i + 1 < rank->n; i++) {
		int64_t gain = gain_of(order, rank, i);
		uint32_t moved = rank->points[i];

		if (gain < 0 || (gain == 0 && !takes_equal))
			continue;
		rank->points[i] = rank->points[i + 1];
		rank->points[i + 1] = moved;
		layout_point(order->layout, rank->points[i])->order = i;
		layout_point(order->layout, moved)->order = i + 1;
		has_gained |= gain > 0;
	}
	return has_gained;
}

static void swap_neighbours(struct order *order, bool takes_equal)
{
	bool goes_on = true;

	for (int round = 0; goes_on && round < SWAPS_MAX &&
			    order->work <= WORK_MAX; round++) {
		goes_on = false;
		for (size_t r = 0; r < order->layout->n_ranks; r++)
			goes_on |= swap_rank(order, &order->layout->ranks[r],
					     takes_equal && !round);
	}
}

/* --- many orders ---------------------------------------------------------- */

static bool keep_best(struct order *order)
{
	uint64_t crossings = count_all(order);

	if (crossings >= order->best_crossings)
		return false;
	order->best_crossings = crossings;
	for (size_t i = 0; i < order->layout->points.n; i++)
		order->best[i] = layout_point(order->layout, i)->order;
	return true;
}

static void take_best(struct order *order)
{
	struct layout *layout = order->layout;

	for (uint32_t i = 0; i < layout->points.n; i++) {
		struct layout_point *point = layout_point(layout, i);

		point->order = order->best[i];
		layout->ranks[point->rank].points[point->order] = i;
	}
}

static uint64_t next_random(struct order *order)
{
	order->random += 0x9e3779b97f4a7c15u;
	return hash_u64(order->random);
}

/* Points in the order in which a walk from the first or last rank comes. */
static void start_with_walk(struct order *order, bool is_down)
{
	struct layout *layout = order->layout;
	const struct layout_ids *list = is_down ? &layout->out : &layout->in;
	CLEANUP(free) bool *is_seen = xcalloc(layout->points.n + 1,
					      sizeof(*is_seen));
	CLEANUP(free) uint32_t *queue = xcalloc(layout->points.n + 1,
						sizeof(*queue));
	size_t head = 0, tail = 0;

	for (size_t i = 0; i < layout->n_ranks; i++)
		layout->ranks[i].n = 0;
	for (uint32_t start = 0; start < layout->points.n; start++) {
		const struct layout_ids *back = is_down ? &layout->in :
							  &layout->out;

		if (back->first[start] == back->first[start + 1])
			queue[tail++] = start;
		for (; head < tail; head++) {
			uint32_t at = queue[head];
			struct layout_rank *rank = &layout->ranks
				[layout_point(layout, at)->rank];

			rank->points[rank->n++] = at;
			for (uint32_t i = list->first[at];
			     i < list->first[at + 1]; i++) {
				const struct layout_link *l = layout_link(
					layout, list->ids[i]);
				uint32_t to = is_down ? l->to : l->from;

				if (!is_seen[to])
					queue[tail++] = to;
				is_seen[to] = true;
			}
		}
	}
	for (size_t i = 0; i < layout->n_ranks; i++)
		renumber(layout, &layout->ranks[i]);
}

static void shuffle(struct order *order)
{
	for (size_t r = 0; r < order->layout->n_ranks; r++) {
		struct layout_rank *rank = &order->layout->ranks[r];

		for (uint32_t i = rank->n; i > 1; i--) {
			uint32_t j = (uint32_t)(next_random(order) % i);
			uint32_t moved = rank->points[i - 1];

			rank->points[i - 1] = rank->points[j];
			rank->points[j] = moved;
		}
		renumber(order->layout, rank);
	}
}

static void improve(struct order *order)
{
	int failures = 0;

	keep_best(order);
	for (int i = 0; failures < SWEEPS && order->best_crossings &&
			order->work <= WORK_MAX; i++) {
		bool takes_equal = i % 4 > 1;

		sweep(order, i % 2 == 0, takes_equal);
		swap_neighbours(order, takes_equal);
		failures = keep_best(order) ? 0 : failures + 1;
	}
}

void layout_order(struct layout *layout)
{
	size_t n = layout->points.n;
	CLEANUP(free) uint32_t *best = xcalloc(n + 1, sizeof(*best));
	CLEANUP(free) uint32_t *scratch =
		xcalloc(2 * layout->links.n + 2, sizeof(*scratch));
	CLEANUP(free) double *medians = xcalloc(n + 1, sizeof(*medians));
	struct order order = { .layout = layout, .best = best,
			       .best_crossings = UINT64_MAX,
			       .scratch = scratch, .medians = medians };

	for (int i = 0; i < STARTS && order.best_crossings &&
			(!i || order.work <= WORK_MAX); i++) {
		if (i < 2)
			start_with_walk(&order, i == 0);
		else
			shuffle(&order);
		improve(&order);
	}
	take_best(&order);
}
