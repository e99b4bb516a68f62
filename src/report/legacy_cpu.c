/* SPDX-License-Identifier: MIT */
/*
 * legacy_cpu.c - what gperftools' CPU profiler writes: words of 32 or 64 bits
 * in the order of the machine.
 *
 *	0 3 0 10000 0			a header: period in microseconds
 *	5 2 0x401136 0x401200		five times this stack, leaf first
 *	0 1 0				the end; then the text of /proc/PID/maps
 *
 * A third word of 1 is a Java program's, whose names follow as text.
 */
#include "report/legacy.h"
#include "report/wrap.h"

enum { HEADER_WORDS = 5 };

struct words {
	const unsigned char *at, *end;
	unsigned n_bytes; /* of a word */
	bool is_big;	  /* the most significant byte comes first */
};

static bool words_next(struct words *words, uint64_t *out)
{
	unsigned n = words->n_bytes;

	*out = 0;
	if ((size_t)(words->end - words->at) < n)
		return false;
	for (unsigned i = 0; i < n; i++)
		*out = *out << 8 |
		       words->at[words->is_big ? i : n - 1 - i];
	words->at += n;
	return true;
}

static bool read_header(struct words *words, bool *out_is_java,
			uint64_t *out_period)
{
	uint64_t w[HEADER_WORDS];

	for (size_t i = 0; i < HEADER_WORDS; i++)
		if (!words_next(words, &w[i]))
			return false;
	*out_is_java = w[2] == 1;
	*out_period = w[3];
	/* pprof takes the period for a signed number, once it is not 0. */
	return !w[0] && w[1] == 3 && w[2] <= 1 && w[3] && !w[4];
}

/* A stack that goes on behind the end of the file has zeros there. */
static void add_stack(struct legacy *legacy, struct words *words,
		      uint64_t count, uint64_t depth)
{
	struct legacy_sample *sample = legacy_add_sample(legacy);
	uint64_t address;

	sample->values[0] = (int64_t)count;
	sample->values[1] = wrap_mul((int64_t)count, legacy->pp->period);
	for (uint64_t i = 0; i < depth; i++) {
		if (!words_next(words, &address))
			words->at = words->end;
		legacy_add_address(legacy, address);
	}
}

static bool read_stacks(struct legacy *legacy, struct words *words)
{
	while (words->at < words->end) {
		uint64_t count, depth;

		if (!words_next(words, &count) ||
		    !words_next(words, &depth) ||
		    depth > (size_t)(words->end - words->at) / 4)
			return false;
		if (!count && depth == 1) {
			struct words rest = *words;
			uint64_t address;

			if (!words_next(words, &address))
				words->at = words->end;
			if (!address)
				return true;
			*words = rest;
		}
		add_stack(legacy, words, count, depth);
	}
	return true;
}

static uint64_t *addresses_of(const struct legacy *legacy,
			      const struct legacy_sample *sample)
{
	return sample->n_addresses ?
		       vec_at(&legacy->addresses, sample->first_address) :
		       NULL;
}

/* Callers are where the call was, and not what follows it. */
static void adjust_callers(struct legacy *legacy)
{
	for (size_t i = 0; i < legacy->samples.n; i++) {
		const struct legacy_sample *sample =
			vec_at(&legacy->samples, i);
		uint64_t *addresses = addresses_of(legacy, sample);

		for (size_t k = 1; k < sample->n_addresses; k++)
			addresses[k]--;
	}
}

/* Which second frame have nearly all samples (31 of 32) in common? */
static bool find_common_second(const struct legacy *legacy, uint64_t *out)
{
	size_t n = legacy->samples.n, needed = n - n / 32;
	struct map counts = { 0 };
	bool is_found = false;

	for (size_t i = 0; i < n && !is_found; i++) {
		const struct legacy_sample *sample =
			vec_at(&legacy->samples, i);
		uint32_t count;

		if (sample->n_addresses < 2)
			continue;
		*out = addresses_of(legacy, sample)[1];
		count = map_get(&counts, *out);
		count = count == NO_ID ? 1 : count + 1;
		map_put(&counts, *out, count);
		is_found = count >= needed;
	}
	map_clear(&counts);
	return is_found;
}

/* It is the frame of a signal, and says nothing of the program. */
static void remove_common_second(struct legacy *legacy, uint64_t second)
{
	for (size_t i = 0; i < legacy->samples.n; i++) {
		struct legacy_sample *sample = vec_at(&legacy->samples, i);
		uint64_t *addresses = addresses_of(legacy, sample);

		if (sample->n_addresses < 2 || addresses[1] != second)
			continue;
		addresses[1] = addresses[0];
		sample->first_address++;
		sample->n_addresses--;
	}
}

static enum legacy_outcome finish_native(struct legacy *legacy,
					 const struct words *words)
{
	struct lines lines = { .at = (const char *)words->at,
			       .end = (const char *)words->end };
	enum legacy_outcome outcome;
	uint64_t second;

	adjust_callers(legacy);
	for (int i = 0; i < 2 && find_common_second(legacy, &second); i++)
		remove_common_second(legacy, second);
	legacy->has_double_leaves = true;
	outcome = legacy_read_map_lines(legacy, &lines);
	lines_clear(&lines);
	return outcome == LEGACY_DONE ? legacy_finish(legacy) : outcome;
}

/* Which of the four kinds of words make a header? */
static bool find_kind(const char *data, size_t len, struct words *out,
		      bool *out_is_java, uint64_t *out_period)
{
	static const struct { unsigned n_bytes; bool is_big; } kinds[] = {
		{ 4, false }, { 4, true }, { 8, false }, { 8, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		*out = (struct words){ (const unsigned char *)data,
				       (const unsigned char *)data + len,
				       kinds[i].n_bytes, kinds[i].is_big };
		if (read_header(out, out_is_java, out_period))
			return true;
	}
	return false;
}

bool legacy_is_cpu(const char *data, size_t len)
{
	struct words words;
	uint64_t period;
	bool is_java;

	return find_kind(data, len, &words, &is_java, &period);
}

enum legacy_outcome legacy_read_cpu(struct legacy *legacy)
{
	struct words words;
	uint64_t period;
	bool is_java;

	if (!find_kind(legacy->data, legacy->len, &words, &is_java, &period))
		return LEGACY_OTHER;
	legacy_set_period(legacy, "cpu", "nanoseconds",
			  wrap_mul((int64_t)period, 1000));
	legacy_add_type(legacy, "samples", "count");
	legacy_add_type(legacy, "cpu", "nanoseconds");
	if (!read_stacks(legacy, &words))
		return LEGACY_OTHER;
	return is_java ? legacy_read_java_names(legacy,
						(const char *)words.at) :
			 finish_native(legacy, &words);
}
