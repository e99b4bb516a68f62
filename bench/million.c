/* SPDX-License-Identifier: MIT */
/*
 * million.c - write a large profile.proto: for bench/report.sh.
 *
 *	million [SAMPLES STACKS DEPTH] >million.pb
 *
 * 1,000,000 samples of 100,000 distinct stacks of depth 40 if nothing is said,
 * always the same ones: 20,000 functions in 400 files of 8 libraries, and a
 * thread label, so that samples of equal stacks stay apart. A stack begins
 * as an earlier one does, as stacks of programs do.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "profile/proto.h"

enum { N_FUNCTIONS = 20000, N_FILES = 400, N_MAPPINGS = 8, N_THREADS = 64,
       LOCATIONS_PER_FUNCTION = 3 };
enum { STRING_SAMPLES = 1, STRING_COUNT, STRING_CPU, STRING_NS, STRING_TID,
       STRING_ID, STRING_FUNCTIONS };

static uint64_t state = 20261122;

static uint32_t draw(uint32_t below) /* splitmix64 */
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)(((z ^ z >> 31) >> 32) * below >> 32);
}

static void put(struct strbuf *inner, unsigned field)
{
	struct strbuf out = { 0 };

	proto_add_bytes(&out, field, inner->len ? inner->data : "",
			inner->len);
	fwrite(out.data, 1, out.len, stdout);
	strbuf_clear(&out);
	strbuf_reset(inner);
}

static void put_type(struct strbuf *inner, unsigned field, int type, int unit)
{
	proto_add_int(inner, 1, type);
	proto_add_int(inner, 2, unit);
	put(inner, field);
}

/* Few functions are in many stacks; deeper ones are more diverse. */
static uint32_t draw_location(uint32_t depth)
{
	uint32_t n = depth < 4 ? 1 : depth < 12 ? 200 : N_FUNCTIONS;
	uint32_t function = draw(draw(n) + 1);

	return (function + depth * (depth < 4)) % N_FUNCTIONS *
		       LOCATIONS_PER_FUNCTION +
	       draw(LOCATIONS_PER_FUNCTION);
}

static uint32_t *make_stacks(uint32_t n, uint32_t depth)
{
	uint32_t *stacks = xcalloc((size_t)n * depth, sizeof(*stacks));

	for (uint32_t i = 0; i < n; i++) {
		uint32_t *stack = stacks + (size_t)i * depth, same = 0;

		if (i) {
			same = draw(depth);
			memcpy(stack, stacks + (size_t)draw(i) * depth,
			       same * sizeof(*stack));
		}
		for (uint32_t k = same; k < depth; k++)
			stack[k] = draw_location(k);
	}
	return stacks;
}

static void put_sample(struct strbuf *inner, const uint32_t *stack,
		       uint32_t depth, uint32_t weight)
{
	struct strbuf packed = { 0 };

	for (uint32_t k = depth; k; k--)
		proto_add_varint(&packed, stack[k - 1] + 1);
	proto_add_bytes(inner, 1, packed.data, packed.len);
	strbuf_reset(&packed);
	proto_add_varint(&packed, weight);
	proto_add_varint(&packed, weight * UINT64_C(10000000));
	proto_add_bytes(inner, 2, packed.data, packed.len);
	strbuf_reset(&packed);
	proto_add_int(&packed, 1, STRING_TID);
	proto_add_int(&packed, 3, 1000 + draw(N_THREADS));
	proto_add_int(&packed, 4, STRING_ID);
	proto_add_bytes(inner, 3, packed.data, packed.len);
	strbuf_clear(&packed);
	put(inner, 2);
}

static void put_strings(struct strbuf *inner)
{
	static const char *const names[] = { "", "samples", "count", "cpu",
					     "nanoseconds", "thread_id",
					     "id" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		strbuf_adds(inner, names[i]);
		put(inner, 6);
	}
	for (int i = 0; i < N_FUNCTIONS; i++) {
		strbuf_addf(inner, "ns%d::Class%d::method_%d", i % 7, i % 331,
			    i);
		put(inner, 6);
	}
	for (int i = 0; i < N_FILES; i++) {
		strbuf_addf(inner, "/build/src/dir%d/file_%d.cc", i % 13, i);
		put(inner, 6);
	}
	for (int i = 0; i < N_MAPPINGS; i++) {
		strbuf_addf(inner, i ? "/usr/lib/lib%d.so" : "/usr/bin/large",
			    i);
		put(inner, 6);
	}
}

static void put_tables(struct strbuf *inner)
{
	for (int i = 0; i < N_MAPPINGS; i++) {
		proto_add_int(inner, 1, i + 1);
		proto_add_int(inner, 2, (int64_t)(i + 1) << 32);
		proto_add_int(inner, 3, (int64_t)(i + 2) << 32);
		proto_add_int(inner, 5, STRING_FUNCTIONS + 1 + N_FUNCTIONS +
						N_FILES + i - 1);
		for (unsigned field = 7; field <= 10; field++)
			proto_add_int(inner, field, 1);
		put(inner, 3);
	}
	for (int i = 0; i < N_FUNCTIONS * LOCATIONS_PER_FUNCTION; i++) {
		int function = i / LOCATIONS_PER_FUNCTION;
		struct strbuf line = { 0 };

		proto_add_int(&line, 1, function + 1);
		proto_add_int(&line, 2, 10 + i % 500);
		proto_add_int(inner, 1, i + 1);
		proto_add_int(inner, 2, function % N_MAPPINGS + 1);
		proto_add_int(inner, 3,
			      ((int64_t)(function % N_MAPPINGS + 1) << 32) +
				      i * 16);
		proto_add_bytes(inner, 4, line.data, line.len);
		strbuf_clear(&line);
		put(inner, 4);
	}
	for (int i = 0; i < N_FUNCTIONS; i++) {
		proto_add_int(inner, 1, i + 1);
		proto_add_int(inner, 2, STRING_FUNCTIONS + i);
		proto_add_int(inner, 3, STRING_FUNCTIONS + i);
		proto_add_int(inner, 4, STRING_FUNCTIONS + N_FUNCTIONS +
						i % N_FILES);
		put(inner, 5);
	}
}

int main(int argc, char **argv)
{
	uint32_t n_samples = argc > 3 ? (uint32_t)atoi(argv[1]) : 1000000;
	uint32_t n_stacks = argc > 3 ? (uint32_t)atoi(argv[2]) : 100000;
	uint32_t depth = argc > 3 ? (uint32_t)atoi(argv[3]) : 40;
	uint32_t *stacks = make_stacks(n_stacks, depth);
	struct strbuf inner = { 0 };

	put_type(&inner, 1, STRING_SAMPLES, STRING_COUNT);
	put_type(&inner, 1, STRING_CPU, STRING_NS);
	for (uint32_t i = 0; i < n_samples; i++) {
		uint32_t stack = i < n_stacks ? i : draw(n_stacks);

		put_sample(&inner, stacks + (size_t)stack * depth, depth,
			   1 + draw(3));
	}
	put_tables(&inner);
	put_strings(&inner);
	put_type(&inner, 11, STRING_CPU, STRING_NS);
	free(stacks);
	strbuf_clear(&inner);
	return ferror(stdout) != 0;
}
