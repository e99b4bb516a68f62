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

/* What the bytes were read into, or why they were refused. */
struct read {
	struct bytes b;
	struct intern strings;
	struct pp *pp;
	char *error;
};

static void read_bytes(struct read *r, const char *data, size_t len)
{
	struct error *error;

	pp_free(r->pp);
	free(r->error);
	r->pp = NULL;
	error = pp_read_bytes(data, len, &r->strings, &r->pp);
	r->error = error ? xstrdup(error_text(error)) : NULL;
	error_free(error);
}

static void read_all(struct read *r)
{
	read_bytes(r, r->b.all.data, r->b.all.len);
}

/* With the small profile in its bytes, to which a test may add. */
static void open_small(struct read *r)
{
	*r = (struct read){ 0 };
	intern_init(&r->strings);
	add_small(&r->b);
}

static void close_read(struct read *r)
{
	pp_free(r->pp);
	free(r->error);
	intern_clear(&r->strings);
	strbuf_clear(&r->b.all);
	strbuf_clear(&r->b.inner);
}

static bool refuses(struct read *r, const char *why)
{
	bool is_refused;

	read_all(r);
	is_refused = r->error && strstr(r->error, why);
	if (!is_refused)
		printf("# %s\n", r->error ? r->error : "accepted");
	close_read(r);
	return is_refused;
}

static const char *function_name(const struct read *r, size_t i)
{
	const struct pp_function *function = vec_at(&r->pp->functions, i);

	return pp_text(r->pp, function->name);
}

TEST(fields_may_come_in_any_order)
{
	struct read r;

	open_small(&r);
	read_all(&r);
	CHECK(r.pp && !r.error);
	CHECK_EQ(r.pp->samples.n, 1);
	CHECK_EQ(*pp_values(r.pp, vec_at(&r.pp->samples, 0)), 5);
	CHECK_EQ(((struct pp_location *)vec_at(&r.pp->locations, 0))->id, 9);
	CHECK_STR(function_name(&r, 0), "f");
	close_read(&r);
}

TEST(what_is_written_reads_back_the_same)
{
	struct strbuf once = { 0 }, twice = { 0 };
	struct read r;

	open_small(&r);
	read_all(&r);
	CHECK(r.pp);
	pp_encode(r.pp, &once);
	read_bytes(&r, once.data, once.len);
	CHECK(r.pp);
	pp_encode(r.pp, &twice);
	CHECK_EQ(twice.len, once.len);
	CHECK(!memcmp(twice.data, once.data, twice.len));
	strbuf_clear(&once);
	strbuf_clear(&twice);
	close_read(&r);
}

TEST(a_label_without_value_is_lost_and_one_with_unit_is_kept)
{
	const struct pp_labels *set;
	struct read r;

	open_small(&r);
	proto_add_int(&r.b.inner, 1, 9);
	proto_add_int(&r.b.inner, 2, 6);
	proto_add_bytes(&r.b.inner, 3, "\x08\x01", 2);	   /* t: none */
	proto_add_bytes(&r.b.inner, 3, "\x08\x01\x20\x02", 4); /* t: 0 u */
	proto_add_bytes(&r.b.inner, 3, "\x08\x03\x10\x01", 4); /* f: "t" */
	add(&r.b, 2);
	read_all(&r);
	CHECK(r.pp);
	CHECK_EQ(r.pp->samples.n, 2);
	set = vec_at(&r.pp->label_sets, 1);
	CHECK_EQ(set->n, 2);
	CHECK_STR(pp_text(r.pp, set->labels[0].key), "f");
	CHECK_STR(pp_text(r.pp, set->labels[1].unit), "u");
	close_read(&r);
}

TEST(bad_text_is_repaired)
{
	struct read r;

	open_small(&r);
	proto_add_bytes(&r.b.all, 6, "a\0b\xff", 4);
	proto_add_int(&r.b.all, 13, 4);
	read_all(&r);
	CHECK(r.pp);
	CHECK_STR(pp_text(r.pp,
			  *(string_id *)vec_at(&r.pp->comments, 0)),
		  "a\xef\xbf\xbd" "b\xef\xbf\xbd");
	close_read(&r);
}

TEST(inconsistent_tables_are_refused)
{
	struct read r;

	open_small(&r);
	proto_add_int(&r.b.inner, 1, 8);
	proto_add_int(&r.b.inner, 2, 5);
	add(&r.b, 2);
	CHECK(refuses(&r, "has the location 8"));
	open_small(&r);
	proto_add_int(&r.b.inner, 1, 9);
	add(&r.b, 2);
	CHECK(refuses(&r, "mismatch: sample has 0 values vs. 1 types"));
	open_small(&r);
	proto_add_int(&r.b.inner, 1, 7);
	add(&r.b, 5);
	CHECK(refuses(&r, "multiple functions with same id: 7"));
	open_small(&r);
	proto_add_int(&r.b.inner, 2, 1);
	add(&r.b, 5);
	CHECK(refuses(&r, "function with reserved ID=0"));
	open_small(&r);
	proto_add_int(&r.b.inner, 1, 10);
	proto_add_bytes(&r.b.inner, 4, "\x08\x63", 2);
	add(&r.b, 4);
	CHECK(refuses(&r, "location id: 10 has a line with nil function"));
	open_small(&r);
	proto_add_int(&r.b.all, 9, 1);
	proto_add_int(&r.b.all, 9, 2);
	CHECK(refuses(&r, "concatenated profiles"));
	open_small(&r);
	proto_add_int(&r.b.all, 13, 99);
	CHECK(refuses(&r, "there is no string 99"));
	open_small(&r);
	strbuf_reset(&r.b.all);
	add_string(&r.b, "x");
	CHECK(refuses(&r, "string_table[0] must be ''"));
}

TEST(every_cut_and_every_flipped_byte_is_survived)
{
	struct read r;

	open_small(&r);
	for (size_t i = 0; i < r.b.all.len; i++) {
		read_bytes(&r, r.b.all.data, i);
		for (int bit = 0; bit < 8; bit++) {
			r.b.all.data[i] ^= (char)(1 << bit);
			read_all(&r);
			r.b.all.data[i] ^= (char)(1 << bit);
		}
	}
	close_read(&r);
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
	const struct pp_stack *stack;
	struct read r;

	open_small(&r);
	read_bytes(&r, folded, sizeof(folded) - 1);
	CHECK(r.pp);
	CHECK_EQ(r.pp->samples.n, 3);
	CHECK_EQ(r.pp->stacks.n, 2);
	CHECK_EQ(r.pp->values[1], 4);
	stack = vec_at(&r.pp->stacks, 0);
	CHECK_EQ(stack->n, 2);
	CHECK_EQ(stack->frames[0], 1);
	CHECK_STR(function_name(&r, 1), "b c");
	close_read(&r);
}

TEST(only_mangled_names_of_folded_stacks_are_to_be_demangled)
{
	static const char folded[] = "<script>(1);_ZN1a1bEv 3\n";
	struct read r;

	open_small(&r);
	read_bytes(&r, folded, sizeof(folded) - 1);
	CHECK(r.pp);
	for (size_t i = 0; i < 2; i++) {
		const struct pp_function *f = vec_at(&r.pp->functions, i);

		CHECK_STR(function_name(&r, i), i ? "_ZN1a1bEv" :
						    "<script>(1)");
		CHECK_EQ(f->system_name, i ? f->name : 0);
	}
	close_read(&r);
}

TEST_MAIN()
