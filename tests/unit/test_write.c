/* SPDX-License-Identifier: MIT */
/* test_write.c - a profile as protobuf, as gzip, as folded stacks. */
#include "check.h"

#include <zlib.h>

#include "profile/proto.h"
#include "profile/write.h"

static location_id at(struct profile *p, uint64_t address, const char *inner,
		      const char *outer)
{
	location_id id = profile_location(p, 0, address, false);
	const char *names[] = { inner, outer };
	struct profile_line lines[2];
	size_t n = 0;

	for (; n < 2 && names[n]; n++) {
		string_id name = profile_string(p, names[n]);
		struct profile_function f = { name, name, 0, 0 };

		lines[n] = (struct profile_line){ profile_function(p, &f),
						  9 };
	}
	profile_set_lines(p, id, lines, n);
	return id;
}

static struct profile *example(void)
{
	struct profile *p = profile_new();
	struct profile_mapping m = { .start = 0x1000, .limit = 0x2000,
				     .filename = profile_string(p, "/bin/x"),
				     .has_functions = true };
	struct profile_label label = {
		.key = profile_string(p, "thread_name"),
		.str = profile_string(p, "io;1"),
	};
	int64_t values[] = { 1, 300 };
	location_id stack[3];

	profile_add_type(p, "samples", "count");
	profile_add_type(p, "cpu", "nanoseconds");
	profile_add_mapping(p, &m);
	stack[0] = at(p, 0x1010, "leaf\n", "caller");
	stack[1] = at(p, 0x1020, "main", NULL);
	stack[2] = profile_pseudo_location(p, "[truncated]");
	profile_add_sample(p, profile_stack(p, stack, 2), 0, values);
	profile_add_sample(p, profile_stack(p, stack, 3),
			   profile_labels(p, &label, 1), values);
	p->time_ns = 1;
	return p;
}

/* One field of a message; a reader that accepts what the format allows. */
struct field {
	unsigned number, type;
	uint64_t value; /* or the length */
	const unsigned char *bytes;
};

static uint64_t read_varint(const unsigned char **p,
			    const unsigned char *end)
{
	uint64_t value = 0;

	for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
		unsigned char c = *(*p)++;

		value |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			break;
	}
	return value;
}

static bool read_field(const unsigned char **p, const unsigned char *end,
		       struct field *out)
{
	uint64_t tag;

	if (*p >= end)
		return false;
	tag = read_varint(p, end);
	out->number = (unsigned)(tag >> 3);
	out->type = tag & 7;
	out->value = read_varint(p, end);
	out->bytes = *p;
	if (out->type == 2)
		*p += out->value;
	return *p <= end;
}

/* How often field @number of the message occurs. */
static size_t count_fields(const struct strbuf *sb, unsigned number)
{
	const unsigned char *p = (const unsigned char *)sb->data;
	const unsigned char *end = p + sb->len;
	struct field field;
	size_t n = 0;

	while (read_field(&p, end, &field))
		n += field.number == number;
	return n;
}

TEST(proto_writes_varints_of_all_lengths)
{
	static const uint64_t values[] = { 0, 1, 127, 128, 300, 1ull << 35,
					   UINT64_MAX };
	static const size_t lengths[] = { 1, 1, 1, 2, 2, 6, 10 };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		CLEANUP(strbuf_clear) struct strbuf sb = { 0 };
		const unsigned char *p;

		proto_add_varint(&sb, values[i]);
		CHECK_EQ(sb.len, lengths[i]);
		p = (const unsigned char *)sb.data;
		CHECK_EQ(read_varint(&p, p + sb.len), values[i]);
	}
}

TEST(proto_output_has_every_table_with_ids_from_one)
{
	CLEANUP(profile_free) struct profile *p = example();
	CLEANUP(strbuf_clear) struct strbuf sb = { 0 };
	const unsigned char *at_byte, *end;
	uint64_t next[6] = { 0, 0, 0, 1, 1, 1 };
	struct field field, id;

	profile_write_proto(p, &sb);
	CHECK_EQ(count_fields(&sb, 1), 2);
	CHECK_EQ(count_fields(&sb, 2), 2);
	CHECK_EQ(count_fields(&sb, 6), p->strings.entries.n);
	at_byte = (const unsigned char *)sb.data;
	end = at_byte + sb.len;
	while (read_field(&at_byte, end, &field)) {
		const unsigned char *q = field.bytes;

		if (field.number < 3 || field.number > 5)
			continue;
		CHECK(read_field(&q, field.bytes + field.value, &id));
		CHECK_EQ(id.number, 1);
		CHECK_EQ(id.value, next[field.number]);
		next[field.number]++;
	}
	CHECK_EQ(next[4], p->locations.n + 1);
}

TEST(proto_first_string_is_empty)
{
	CLEANUP(profile_free) struct profile *p = example();
	CLEANUP(strbuf_clear) struct strbuf sb = { 0 };
	const unsigned char *at_byte;
	struct field field = { 0 };

	profile_write_proto(p, &sb);
	at_byte = (const unsigned char *)sb.data;
	while (field.number != 6)
		CHECK(read_field(&at_byte,
				 (const unsigned char *)sb.data + sb.len,
				 &field));
	CHECK_EQ(field.value, 0);
}

TEST(pprof_output_is_the_same_every_time_and_unzips)
{
	CLEANUP(profile_free) struct profile *p = example();
	CLEANUP(profile_free) struct profile *q = example();
	CLEANUP(strbuf_clear) struct strbuf a = { 0 };
	CLEANUP(strbuf_clear) struct strbuf b = { 0 };
	CLEANUP(strbuf_clear) struct strbuf plain = { 0 };
	unsigned char out[4096];
	z_stream z = { 0 };

	CHECK(!profile_write_pprof(p, &a));
	CHECK(!profile_write_pprof(q, &b));
	CHECK_EQ(a.len, b.len);
	CHECK(!memcmp(a.data, b.data, a.len));
	CHECK(!memcmp(a.data + 4, "\0\0\0\0", 4)); /* the time */
	profile_write_proto(p, &plain);
	z.next_in = (unsigned char *)a.data;
	z.avail_in = (unsigned)a.len;
	z.next_out = out;
	z.avail_out = sizeof(out);
	CHECK_EQ(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
	CHECK_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
	CHECK_EQ(z.total_out, plain.len);
	CHECK(!memcmp(out, plain.data, plain.len));
	inflateEnd(&z);
}

/* Distinct stacks of 32 frames: more than the writer compresses at once. */
static void add_many_stacks(struct profile *p)
{
	location_id stack[32];
	int64_t values[PROFILE_MAX_TYPES] = { 1, 1 };

	for (uint32_t i = 0; i < 10000; i++) {
		for (uint32_t k = 0; k < ARRAY_SIZE(stack); k++)
			stack[k] = profile_location(
				p, NO_ID, (i >> (k % 14) & 1) + 2 * k, false);
		profile_add_sample(p,
				   profile_stack(p, stack, ARRAY_SIZE(stack)),
				   0, values);
	}
}

TEST(pprof_output_in_pieces_is_the_whole)
{
	CLEANUP(profile_free) struct profile *p = example();
	CLEANUP(strbuf_clear) struct strbuf packed = { 0 };
	CLEANUP(strbuf_clear) struct strbuf plain = { 0 };
	CLEANUP(strbuf_clear) struct strbuf out = { 0 };

	add_many_stacks(p);
	profile_write_proto(p, &plain);
	CHECK(plain.len > 5 * 65536);
	CHECK(!profile_write_pprof(p, &packed));
	CHECK(!gzip_inflate(packed.data, packed.len, 1u << 30, &out));
	CHECK_EQ(out.len, plain.len);
	CHECK(!memcmp(out.data, plain.data, plain.len));
}

TEST(gzip_takes_more_than_its_buffer)
{
	CLEANUP(strbuf_clear) struct strbuf in = { 0 };
	CLEANUP(strbuf_clear) struct strbuf out = { 0 };
	CLEANUP(strbuf_clear) struct strbuf empty = { 0 };
	uint64_t random = 1;

	for (int i = 0; i < 100000; i++) {
		random = hash_u64(random + 1);
		strbuf_add(&in, &random, sizeof(random));
	}
	CHECK(!gzip_compress(in.data, in.len, &out));
	CHECK(out.len > in.len / 2);
	CHECK(!gzip_compress("", 0, &empty));
	CHECK(empty.len > 10);
}

TEST(folded_lines_are_sorted_and_separators_replaced)
{
	CLEANUP(profile_free) struct profile *p = example();
	CLEANUP(strbuf_clear) struct strbuf sb = { 0 };

	profile_write_folded(p, 1, &sb);
	CHECK_STR(sb.data, "io:1;[truncated];main;caller;leaf  300\n"
			   "main;caller;leaf  300\n");
}

TEST(folded_merges_equal_texts)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	CLEANUP(strbuf_clear) struct strbuf sb = { 0 };
	location_id a, b;
	int64_t value = 4;

	profile_add_type(p, "samples", "count");
	a = at(p, 16, "f", NULL);
	b = at(p, 32, "f", NULL);
	profile_add_sample(p, profile_stack(p, &a, 1), 0, &value);
	profile_add_sample(p, profile_stack(p, &b, 1), 0, &value);
	profile_write_folded(p, 0, &sb);
	CHECK_STR(sb.data, "f 8\n");
}

TEST(folded_names_code_without_function_by_its_file)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	CLEANUP(strbuf_clear) struct strbuf sb = { 0 };
	struct profile_mapping m = {
		.filename = profile_string(p, "/lib/libfoo.so"),
	};
	int64_t value = 4;
	location_id a;

	profile_add_type(p, "samples", "count");
	profile_add_mapping(p, &m);
	a = profile_location(p, 0, 16, false);
	profile_add_sample(p, profile_stack(p, &a, 1), 0, &value);
	profile_write_folded(p, 0, &sb);
	CHECK_STR(sb.data, "[libfoo.so] 4\n");
}

TEST_MAIN()
