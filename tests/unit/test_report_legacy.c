/* SPDX-License-Identifier: MIT */
/* test_report_legacy.c - profiles older than profile.proto, and bombs. */
#include "check.h"

#include "report/read.h"
#include "util/strbuf.h"

struct read {
	struct intern strings;
	struct pp *pp;
	char *error;
};

static void read_text(struct read *r, const char *text, size_t len)
{
	struct error *error;

	*r = (struct read){ 0 };
	intern_init(&r->strings);
	error = pp_read_bytes(text, len, &r->strings, &r->pp);
	r->error = error ? xstrdup(error_text(error)) : NULL;
	error_free(error);
}

static void clear(struct read *r)
{
	pp_free(r->pp);
	free(r->error);
	intern_clear(&r->strings);
}

static bool refuses(const char *text, size_t len, const char *why)
{
	struct read r;
	bool is_refused;

	read_text(&r, text, len);
	is_refused = r.error && strstr(r.error, why);
	if (!is_refused)
		printf("# %s\n", r.error ? r.error : "accepted");
	clear(&r);
	return is_refused;
}

static const struct pp_mapping *mapping(const struct read *r, size_t i)
{
	return vec_at(&r->pp->mappings, i);
}

static uint64_t address(const struct read *r, size_t i)
{
	return ((struct pp_location *)vec_at(&r->pp->locations, i))->address;
}

TEST(a_sampled_heap_is_scaled_up)
{
	static const char text[] = "heap profile: 1: 4096 [ 2: 8192 ] @ "
				   "heap_v2/524288\n"
				   "1: 4096 [ 2: 8192 ] @ 0x1001 0x2001\n";
	struct read r;

	read_text(&r, text, sizeof(text) - 1);
	CHECK(r.pp);
	CHECK_EQ(r.pp->types.n, 4);
	CHECK_EQ(r.pp->values[2], 128); /* 1 / (1 - e^(-1/128)) = 128.5 */
	CHECK_EQ(r.pp->values[3], 526338);
	CHECK_EQ(address(&r, 0), 0x1000);
	clear(&r);
}

TEST(cpu_words_cut_off_in_a_stack_have_zeros_there)
{
	uint64_t words[] = { 0, 3, 0, 10000, 0, 2, 3, 0x1000 };
	struct read r;

	read_text(&r, (const char *)words, sizeof(words));
	CHECK(r.error && strstr(r.error, "unrecognized"));
	clear(&r);
	words[6] = 2; /* half of each word's bytes would be enough */
	read_text(&r, (const char *)words, sizeof(words));
	CHECK(r.pp);
	CHECK_EQ(r.pp->values[1], 20000000);
	CHECK_EQ(address(&r, 0), 0x1000);
	CHECK_EQ(r.pp->locations.n, 1); /* the common second frame is gone */
	clear(&r);
}

TEST(variables_of_maps_are_replaced)
{
	static const char text[] = "x profile: total 1\n1 @ 0x1001\n"
				   "--- Memory map: ---\na=/usr\nb=$a/bin\n"
				   "1000-2000 r-xp $b/x (@500) abc\n";
	struct read r;

	read_text(&r, text, sizeof(text) - 1);
	CHECK(r.pp);
	CHECK_EQ(r.pp->mappings.n, 1);
	CHECK_STR(pp_text(r.pp, mapping(&r, 0)->file), "/usr/bin/x");
	CHECK_STR(pp_text(r.pp, mapping(&r, 0)->build_id), "abc");
	CHECK_EQ(mapping(&r, 0)->offset, 0x500);
	clear(&r);
}

TEST(variables_that_grow_without_end_are_refused)
{
	struct strbuf text = { 0 };

	strbuf_adds(&text, "x profile: total 0\n--- Memory map: ---\na=xx\n");
	for (char c = 'b'; c <= 'z'; c++)
		strbuf_addf(&text, "%c=$%c$%c\n", c, c - 1, c - 1);
	CHECK(refuses(text.data, text.len, "longer than 64 KiB"));
	strbuf_clear(&text);
}

TEST(a_line_that_is_too_long_is_refused)
{
	static const char *const starts[] = {
		"x profile: total 1\n1 @", "--- contention:\n1 1 @",
		"heap profile: 1: 1 [ 1: 1 ] @ heap\n1: 1 [ 1: 1] @",
		"--- heapz 1 ---\nformat=java\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		struct strbuf text = { 0 };

		strbuf_adds(&text, starts[i]);
		for (int k = 0; k < 20000; k++)
			strbuf_adds(&text, " 0x1234");
		strbuf_adds(&text, "\n");
		CHECK(refuses(text.data, text.len, "longer than 64 KiB"));
		strbuf_clear(&text);
	}
}

TEST(too_many_mapped_files_for_too_many_addresses_are_refused)
{
	struct strbuf text = { 0 };

	strbuf_adds(&text, "x profile: total 1\n");
	for (int i = 0; i < 40000; i++)
		strbuf_addf(&text, "1 @ 0x%x\n", i + 16);
	strbuf_adds(&text, "--- Memory map: ---\n");
	for (int i = 0; i < 40000; i++)
		strbuf_addf(&text, "%x00-%x80 /lib/%d\n", i + 4096, i + 4096,
			    i);
	CHECK(refuses(text.data, text.len, "are too many"));
	strbuf_clear(&text);
}

TEST_MAIN()
