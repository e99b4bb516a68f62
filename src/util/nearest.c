/* SPDX-License-Identifier: MIT */
/* nearest.c - the distance of words (optimal string alignment). */
#include "util/nearest.h"

#include <stdbool.h>
#include <string.h>

/* So many faults are forgiven: one, and one more for each four letters. */
static size_t bound(size_t len)
{
	return 1 + len / 4;
}

void nearest_init(struct nearest *nearest, const char *word, size_t len)
{
	*nearest = (struct nearest){ word, len, NULL, bound(len) + 1 };
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Rows of the table: of the prefix before last, the last one, this one. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t rows[3][NEAREST_MAX + 1];

	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *row = rows[i % 3], *last = rows[(i + 2) % 3];
		const size_t *before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			bool is_swap = i > 1 && j > 1 &&
				       a[i - 1] == b[j - 2] &&
				       a[i - 2] == b[j - 1];

			row[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = least(row[j], last[j] + 1);
			row[j] = least(row[j], row[j - 1] + 1);
			if (is_swap)
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
	size_t len = strlen(candidate), d;

	if (nearest->len > NEAREST_MAX || len > NEAREST_MAX)
		return;
	d = distance(nearest->word, nearest->len, candidate, len);
	/* A word of which no letter is left is another word. */
	if (d >= nearest->distance || d >= least(len, nearest->len))
		return;
	nearest->best = candidate;
	nearest->distance = d;
}
