/* SPDX-License-Identifier: MIT */
/*
 * fuzz_kept.c - samples of allocations that come, are looked for and are
 * forgotten in any order, beside a plain list.
 */
#include <math.h>

#include "fuzz.h"
#include "heap/kept.h"

#define N_STEPS_MAX 4096
#define N_STACKS 16

struct plain {
	uint64_t ids[N_STEPS_MAX], sizes[N_STEPS_MAX];
	size_t n;
	double bytes[N_STACKS];
};

enum deed { ADD, LOSE, FIND, FORGET };

struct step { /* of the input */
	uint8_t deed, stack;
	uint16_t number;
};

static void add(struct kept_list *kept, struct plain *plain,
		const struct step *step)
{
	stack_id stack = step->stack % N_STACKS;

	kept->n_records++;
	kept_add(kept, &(struct kept){ .stack = stack,
				       .size = step->number }, 2);
	plain->bytes[stack] += 2.0 * step->number;
	plain->ids[plain->n] = kept->n_records;
	plain->sizes[plain->n++] = step->number;
}

static void find(const struct kept_list *kept, const struct plain *plain,
		 uint64_t id)
{
	const struct kept *found = kept_find(kept, id);

	for (size_t i = 0; i < plain->n; i++)
		if (plain->ids[i] == id) {
			if (!found || found->size != plain->sizes[i])
				abort();
			return;
		}
	if (found)
		abort();
}

/* A target may claim any, twice and in any order; those are the ids given. */
static void forget(struct kept_list *kept, struct plain *plain,
		   const uint8_t *said, size_t n_said)
{
	uint64_t in_use[256];
	size_t n = 0, n_left = 0;

	for (size_t i = 0; i < n_said && n < ARRAY_SIZE(in_use); i++)
		in_use[n++] = said[i] == 255 ? UINT64_MAX : said[i];
	for (size_t i = 0; i < plain->n; i++) {
		bool is_in_use = false;

		for (size_t j = 0; j < n; j++)
			is_in_use |= in_use[j] == plain->ids[i];
		if (!is_in_use)
			continue;
		plain->ids[n_left] = plain->ids[i];
		plain->sizes[n_left++] = plain->sizes[i];
	}
	plain->n = n_left;
	kept_forget(kept, in_use, n);
	if (kept->list.n != n_left || kept_is_full(kept))
		abort();
}

static void check_sums(const struct kept_list *kept, const struct plain *plain)
{
	for (size_t i = 0; i < kept->sums.n; i++) {
		const struct kept_sum *sum = vec_at(&kept->sums, i);

		if (sum->stack >= N_STACKS ||
		    fabs(sum->bytes - plain->bytes[sum->stack]) > 0.5)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plain plain;
	struct kept_list kept;
	struct step step;

	plain = (struct plain){ .n = 0 };
	kept_init(&kept);
	for (size_t i = 0; i + sizeof(step) <= size &&
			   i / sizeof(step) < N_STEPS_MAX; i += sizeof(step)) {
		memcpy(&step, data + i, sizeof(step));
		switch ((enum deed)(step.deed & 3)) {
		case ADD:
			add(&kept, &plain, &step);
			break;
		case LOSE:
			kept.n_records++;
			break;
		case FIND:
			find(&kept, &plain, step.number);
			break;
		case FORGET:
			forget(&kept, &plain, data + i,
			       step.stack < size - i ? step.stack : size - i);
			break;
		}
	}
	check_sums(&kept, &plain);
	kept_clear(&kept);
	return 0;
}
