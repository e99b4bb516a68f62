/* SPDX-License-Identifier: MIT */
/*
 * fuzz_reader.c - any bytes as a profile, by all readers.
 *
 * What is read must be whole: every index is in its table. It must also come
 * back the same when written as profile.proto and read again. Which reader is
 * tried is up to the seeds: there is a folder of them for each format.
 */
#include <assert.h>

#include "fuzz.h"
#include "report/encode.h"
#include "report/merge.h"
#include "report/read.h"
#include "util/log.h"

static void check_locations(const struct pp *pp)
{
	for (size_t i = 0; i < pp->locations.n; i++) {
		const struct pp_location *l = vec_at(&pp->locations, i);

		assert(l->mapping == NO_ID || l->mapping < pp->mappings.n);
		assert(l->n_lines <= pp->lines.n &&
		       l->first_line <= pp->lines.n - l->n_lines);
	}
	for (size_t i = 0; i < pp->lines.n; i++)
		assert(((struct pp_line *)vec_at(&pp->lines, i))->function <
		       pp->functions.n);
}

static void check_samples(const struct pp *pp)
{
	for (size_t i = 0; i < pp->stacks.n; i++) {
		const struct pp_stack *stack = vec_at(&pp->stacks, i);

		for (uint32_t k = 0; k < stack->n; k++)
			assert(stack->frames[k] < pp->locations.n);
	}
	for (size_t i = 0; i < pp->samples.n; i++) {
		const struct pp_sample *sample = vec_at(&pp->samples, i);

		assert(sample->stack < pp->stacks.n);
		assert(sample->labels < pp->label_sets.n);
		assert(sample->row < pp->n_rows);
	}
}

/* Through profile.proto and back. */
static struct pp *copy(const struct pp *pp, struct intern *strings,
		       struct strbuf *bytes)
{
	struct pp *again = NULL;
	struct error *error;

	pp_encode(pp, bytes);
	error = pp_read_bytes(bytes->data, bytes->len, strings, &again);
	assert(!error);
	error_free(error);
	assert(again->samples.n == pp->samples.n);
	assert(again->locations.n == pp->locations.n);
	return again;
}

/* The first time labels of the number 0 are lost, as in pprof. */
static void check_round_trip(const struct pp *pp, struct intern *strings)
{
	CLEANUP(strbuf_clear) struct strbuf once = { 0 };
	CLEANUP(strbuf_clear) struct strbuf twice = { 0 };
	CLEANUP(strbuf_clear) struct strbuf thrice = { 0 };
	CLEANUP(pp_free) struct pp *second = copy(pp, strings, &once);
	CLEANUP(pp_free) struct pp *third = copy(second, strings, &twice);

	pp_encode(third, &thrice);
	assert(thrice.len == twice.len &&
	       !memcmp(thrice.data, twice.data, twice.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct intern strings;
	struct pp *pp = NULL;
	struct error *error;

	log_set_level(LOG_ERROR);
	intern_init(&strings);
	error = pp_read_bytes(data, size, &strings, &pp);
	assert(!error == !!pp);
	if (pp) {
		check_locations(pp);
		check_samples(pp);
		check_round_trip(pp, &strings);
	}
	pp_free(pp);
	error_free(error);
	intern_clear(&strings);
	return 0;
}
