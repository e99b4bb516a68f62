/* SPDX-License-Identifier: MIT */
/* test_report_read.c - profiles from bytes of friends and strangers. */
#include "check.h"

#include "profile/proto.h"
#include "profile/write.h"
#include "report/encode.h"
#include "report/read.h"

/* A profile.proto made field by field. */
struct bytes {
	struct strbuf all, inner;
};

static void add(struct bytes *b, unsigned field)
{
	proto_add_bytes(&b->all, field, b->inner.data ? b->inner.data : "",
			b->inner.len);
	strbuf_reset(&b->inner);
}

static void add_string(struct bytes *b, const char *s)
{
	proto_add_bytes(&b->all, 6, s, strlen(s));
}

/* One type "t/u", function 7 "f", location 9, a sample of it worth 5. */
static void add_small(struct bytes *b)
{
	proto_add_int(&b->inner, 1, 1);
	proto_add_int(&b->inner, 2, 2);
	add(b, 1);
	proto_add_int(&b->inner, 1, 9);
	proto_add_int(&b->inner, 2, 5);
	add(b, 2);
	proto_add_int(&b->inner, 1, 9);
	proto_add_bytes(&b->inner, 4, "\x08\x07", 2);
	add(b, 4);
	proto_add_int(&b->inner, 1, 7);
	proto_add_int(&b->inner, 2, 3);
	add(b, 5);
	add_string(b, "");
	add_string(b, "t");
	add_string(b, "u");
	add_string(b, "f");
}

static void clear(struct bytes *b)
{
	strbuf_clear(&b->all);
	strbuf_clear(&b->inner);
}

/* The profile in @b, or the error's text in *@out_error. */
static struct pp *read_it(const struct bytes *b, struct intern *strings,
			  char **out_error)
{
	struct pp *pp = NULL;
	struct error *error =
		pp_read_bytes(b->all.data, b->all.len, strings, &pp);

	*out_error = error ? xstrdup(error_text(error)) : NULL;
	error_free(error);
	return pp;
}

static bool refuses(struct bytes *b, const char *why)
{
	struct intern strings;
	char *text;
	bool is_refused;

	intern_init(&strings);
	pp_free(read_it(b, &strings, &text));
	is_refused = text && strstr(text, why);
	if (!is_refused)
		printf("# %s\n", text ? text : "accepted");
	free(text);
	intern_clear(&strings);
	clear(b);
	return is_refused;
}

TEST(fields_may_come_in_any_order)
{
	struct bytes b = { 0 };
	struct intern strings;
	char *text;
	struct pp *pp;

	intern_init(&strings);
	add_small(&b);
	pp = read_it(&b, &strings, &text);
	CHECK(pp && !text);
	CHECK_EQ(pp->samples.n, 1);
	CHECK_EQ(*pp_values(pp, vec_at(&pp->samples, 0)), 5);
	CHECK_EQ(((struct pp_location *)vec_at(&pp->locations, 0))->id, 9);
	CHECK_STR(pp_text(pp, ((struct pp_function *)vec_at(&pp->functions,
							    0))->name), "f");
	pp_free(pp);
	clear(&b);
	intern_clear(&strings);
}

TEST(what_is_written_reads_back_the_same)
{
	struct bytes b = { 0 }, again = { 0 };
	struct strbuf twice = { 0 };
	struct intern strings;
	char *text;
	struct pp *pp;

	intern_init(&strings);
	add_small(&b);
	pp = read_it(&b, &strings, &text);
	CHECK(pp);
	pp_encode(pp, &again.all);
	pp_free(pp);
	pp = read_it(&again, &strings, &text);
	CHECK(pp);
	pp_encode(pp, &twice);
	CHECK_EQ(twice.len, again.all.len);
	CHECK(!memcmp(twice.data, again.all.data, twice.len));
	pp_free(pp);
	clear(&b);
	clear(&again);
	strbuf_clear(&twice);
	intern_clear(&strings);
}

TEST(a_label_without_value_is_lost_and_one_with_unit_is_kept)
{
	struct bytes b = { 0 };
	struct intern strings;
	const struct pp_labels *set;
	char *text;
	struct pp *pp;

	intern_init(&strings);
	add_small(&b);
	proto_add_int(&b.inner, 1, 9);
	proto_add_int(&b.inner, 2, 6);
	proto_add_bytes(&b.inner, 3, "\x08\x01", 2);		 /* t: none */
	proto_add_bytes(&b.inner, 3, "\x08\x01\x20\x02", 4);	 /* t: 0 u */
	proto_add_bytes(&b.inner, 3, "\x08\x03\x10\x01", 4);	 /* f: "t" */
	add(&b, 2);
	pp = read_it(&b, &strings, &text);
	CHECK(pp);
	CHECK_EQ(pp->samples.n, 2);
	set = vec_at(&pp->label_sets, 1);
	CHECK_EQ(set->n, 2);
	CHECK_STR(pp_text(pp, set->labels[0].key), "f");
	CHECK_STR(pp_text(pp, set->labels[1].unit), "u");
	pp_free(pp);
	clear(&b);
	intern_clear(&strings);
}

TEST(bad_text_is_repaired)
{
	struct bytes b = { 0 };
	struct intern strings;
	char *text;
	struct pp *pp;

	intern_init(&strings);
	add_small(&b);
	proto_add_bytes(&b.all, 6, "a\0b\xff", 4);
	proto_add_int(&b.all, 13, 4);
	pp = read_it(&b, &strings, &text);
	CHECK(pp);
	CHECK_STR(pp_text(pp, *(string_id *)vec_at(&pp->comments, 0)),
		  "a\xef\xbf\xbd" "b\xef\xbf\xbd");
	pp_free(pp);
	clear(&b);
	intern_clear(&strings);
}

TEST(inconsistent_tables_are_refused)
{
	struct bytes b = { 0 };

	add_small(&b);
	proto_add_int(&b.inner, 1, 8);
	proto_add_int(&b.inner, 2, 5);
	add(&b, 2);
	CHECK(refuses(&b, "has the location 8"));
	add_small(&b);
	proto_add_int(&b.inner, 1, 9);
	add(&b, 2);
	CHECK(refuses(&b, "mismatch: sample has 0 values vs. 1 types"));
	add_small(&b);
	proto_add_int(&b.inner, 1, 7);
	add(&b, 5);
	CHECK(refuses(&b, "multiple functions with same id: 7"));
	add_small(&b);
	proto_add_int(&b.inner, 2, 1);
	add(&b, 5);
	CHECK(refuses(&b, "function with reserved ID=0"));
	add_small(&b);
	proto_add_int(&b.inner, 1, 10);
	proto_add_bytes(&b.inner, 4, "\x08\x63", 2);
	add(&b, 4);
	CHECK(refuses(&b, "location id: 10 has a line with nil function"));
	add_small(&b);
	proto_add_int(&b.all, 9, 1);
	proto_add_int(&b.all, 9, 2);
	CHECK(refuses(&b, "concatenated profiles"));
	add_small(&b);
	proto_add_int(&b.all, 13, 99);
	CHECK(refuses(&b, "there is no string 99"));
	add_string(&b, "x");
	CHECK(refuses(&b, "string_table[0] must be ''"));
}

TEST(every_cut_and_every_flipped_byte_is_survived)
{
	struct bytes b = { 0 };
	struct intern strings;
	char *text;

	intern_init(&strings);
	add_small(&b);
	for (size_t i = 0; i < b.all.len; i++) {
		struct bytes cut = { .all = { b.all.data, i, 0 } };

		pp_free(read_it(&cut, &strings, &text));
		free(text);
		for (int bit = 0; bit < 8; bit++) {
			b.all.data[i] ^= (char)(1 << bit);
			pp_free(read_it(&b, &strings, &text));
			free(text);
			b.all.data[i] ^= (char)(1 << bit);
		}
	}
	clear(&b);
	intern_clear(&strings);
}

TEST(gzip_members_are_joined_and_limits_are_kept)
{
	struct strbuf packed = { 0 }, out = { 0 };
	char zeros[100000] = { 0 };
	struct error *error;

	error_free(gzip_compress("abc", 3, &packed));
	error_free(gzip_compress("def", 3, &packed));
	error = gzip_inflate(packed.data, packed.len, 100, &out);
	CHECK(!error);
	CHECK(out.len == 6 && !memcmp(out.data, "abcdef", 6));
	strbuf_clear(&out);
	error = gzip_inflate(packed.data, packed.len - 9, 100, &out);
	CHECK(error);
	error_free(error);
	strbuf_reset(&packed);
	error_free(gzip_compress(zeros, sizeof(zeros), &packed));
	error = gzip_inflate(packed.data, packed.len, 5000, &out);
	CHECK(error && strstr(error_text(error), "would grow"));
	error_free(error);
	strbuf_clear(&packed);
}

TEST(folded_stacks_may_have_blanks_and_fractions)
{
	static const char folded[] = "a;b c 3\n\na;b c 4.75\r\na 1";
	struct intern strings;
	struct pp *pp = NULL;
	const struct pp_stack *stack;

	intern_init(&strings);
	CHECK(!pp_read_bytes(folded, sizeof(folded) - 1, &strings, &pp));
	CHECK_EQ(pp->samples.n, 3);
	CHECK_EQ(pp->stacks.n, 2);
	CHECK_EQ(pp->values[1], 4);
	stack = vec_at(&pp->stacks, 0);
	CHECK_EQ(stack->n, 2);
	CHECK_EQ(stack->frames[0], 1);
	CHECK_STR(pp_text(pp, ((struct pp_function *)vec_at(&pp->functions,
							    1))->name), "b c");
	pp_free(pp);
	intern_clear(&strings);
}

TEST_MAIN()
