/* SPDX-License-Identifier: MIT */
/* test_top.c - flat and cum per function, in pprof's layout. */
#include "check.h"

#include "profile/top.h"
#include "profile/unit.h"

#define HEADER "      flat  flat%   sum%        cum   cum%\n"

/* A location whose functions are @names, innermost first, NULL at the end. */
static location_id at(struct profile *p, const char *const *names)
{
	location_id id = profile_location(p, NO_ID, p->locations.n + 1,
					  false);
	struct profile_line lines[8] = { { 0 } };
	size_t n = 0;

	for (; names[n]; n++) {
		string_id name = profile_string(p, names[n]);
		struct profile_function f = { name, name, 0, 0 };

		lines[n].function = profile_function(p, &f);
	}
	profile_set_lines(p, id, lines, n);
	return id;
}

#define AT(p, ...) at(p, (const char *const[]){ __VA_ARGS__, NULL })

static void add(struct profile *p, int64_t value, const location_id *stack,
		size_t n)
{
	profile_add_sample(p, profile_stack(p, stack, n), 0, &value);
}

#define ADD(p, value, ...)                                                    \
	add(p, value, (const location_id[]){ __VA_ARGS__ },                   \
	    sizeof((const location_id[]){ __VA_ARGS__ }) /                    \
		    sizeof(location_id))

static char *top_text(struct profile *p, size_t n)
{
	struct strbuf out = { 0 };
	struct top top;

	top_make(p, 0, &top);
	top_write(p, &top, 0, n, &out);
	top_clear(&top);
	return strbuf_take(&out);
}

TEST(top_sorts_by_flat_and_sums_up)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	CLEANUP(free) char *text = NULL;
	location_id main_, work, idle;

	profile_add_type(p, "cpu", "nanoseconds");
	main_ = AT(p, "main");
	work = AT(p, "work");
	idle = AT(p, "idle");
	ADD(p, 600000000, work, main_);
	ADD(p, 300000000, idle, main_);
	ADD(p, 100000000, main_);
	text = top_text(p, 10);
	CHECK_STR(text, HEADER
		  "     600ms 60.00% 60.00%      600ms 60.00%  work\n"
		  "     300ms 30.00% 90.00%      300ms 30.00%  idle\n"
		  "     100ms 10.00%   100%     1000ms   100%  main\n");
}

TEST(top_counts_a_recursive_function_once_per_sample)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	const struct top_row *row;
	location_id f;
	struct top top;

	profile_add_type(p, "samples", "count");
	f = AT(p, "fib");
	ADD(p, 7, f, f, f, f);
	top_make(p, 0, &top);
	CHECK_EQ(top.rows.n, 1);
	CHECK_EQ(top.total, 7);
	row = vec_at(&top.rows, 0);
	CHECK_EQ(row->flat, 7);
	CHECK_EQ(row->cum, 7);
	top_clear(&top);
}

TEST(top_says_what_was_inlined_always_or_sometimes)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	CLEANUP(free) char *text = NULL;
	location_id main_, inlined, called, both;

	profile_add_type(p, "samples", "count");
	main_ = AT(p, "main");
	inlined = AT(p, "tiny", "sometimes", "caller");
	called = AT(p, "sometimes");
	both = AT(p, "other");
	ADD(p, 40, inlined, main_);
	ADD(p, 30, called, main_);
	ADD(p, 30, both, main_);
	text = top_text(p, 10);
	CHECK_STR(text, HEADER
		  "        40 40.00% 40.00%         40 40.00%  tiny (inline)\n"
		  "        30 30.00% 70.00%         30 30.00%  other\n"
		  "        30 30.00%   100%         70 70.00%  sometimes "
		  "(partial-inline)\n"
		  "         0     0%   100%         40 40.00%  caller\n"
		  "         0     0%   100%        100   100%  main\n");
}

TEST(top_shows_no_more_rows_than_asked_for)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	CLEANUP(free) char *text = NULL;

	profile_add_type(p, "alloc_space", "bytes");
	ADD(p, 3 << 20, AT(p, "large"));
	ADD(p, 1 << 20, AT(p, "small"));
	text = top_text(p, 1);
	CHECK_STR(text, HEADER
		  "       3MB 75.00% 75.00%        3MB 75.00%  large\n");
}

TEST(top_leaves_out_functions_below_half_a_percent)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	CLEANUP(free) char *text = NULL;

	profile_add_type(p, "samples", "count");
	ADD(p, 1000, AT(p, "hot"));
	ADD(p, 1, AT(p, "cold"));
	text = top_text(p, 10);
	CHECK_STR(text, HEADER
		  "      1000 99.90% 99.90%       1000 99.90%  hot\n");
}

TEST(top_keeps_control_characters_off_the_terminal)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	CLEANUP(free) char *text = NULL;

	profile_add_type(p, "samples", "count");
	ADD(p, 1, AT(p, "evil\033[2J"));
	text = top_text(p, 10);
	CHECK(strstr(text, "evil?[2J") != NULL);
}

TEST(top_of_an_empty_profile_is_its_header)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	CLEANUP(free) char *text = NULL;

	profile_add_type(p, "cpu", "nanoseconds");
	text = top_text(p, 10);
	CHECK_STR(text, HEADER);
}

TEST(unit_values_read_as_in_pprof)
{
	static const struct {
		int64_t value;
		const char *unit, *shown, *text;
	} cases[] = {
		{ 1500000, "nanoseconds", "ms", "1.50ms" },
		{ 2000000, "nanoseconds", "ms", "2ms" },
		{ 1, "nanoseconds", "s", "0" },
		{ -1500, "ns", "us", "-1.50us" },
		{ 1536, "bytes", "kB", "1.50kB" },
		{ 7200, "seconds", "hrs", "2hrs" },
		{ 12, "count", "count", "12" },
		{ 12, "widgets", "widgets", "12widgets" },
		{ 0, "widgets", "widgets", "0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(strbuf_clear) struct strbuf out = { 0 };

		unit_add_value(&out, cases[i].value, cases[i].unit,
			       cases[i].shown);
		CHECK_STR(out.data, cases[i].text);
	}
}

TEST(unit_of_a_table_shows_its_smallest_value)
{
	CHECK_STR(unit_for_range(10000000, 1120000000, "nanoseconds"), "s");
	CHECK_STR(unit_for_range(10000000, 900000000, "nanoseconds"), "ms");
	CHECK_STR(unit_for_range(1, 2, "count"), "count");
	CHECK_STR(unit_for_range(512, 600, "bytes"), "B");
	CHECK_STR(unit_natural(3000, "microseconds"), "ms");
}

TEST(unit_percent_has_six_columns)
{
	static const struct {
		int64_t value, total;
		const char *text;
	} cases[] = {
		{ 1, 1, "  100%" },    { 9996, 10000, "  100%" },
		{ 1, 3, "33.33%" },    { -1, 3, "33.33%" },
		{ 1, 100, " 1.00%" },  { 87, 100000, "0.087%" },
		{ 0, 100, "    0%" },  { 5, 0, "    0%" },
		{ 5, 1000, "  0.5%" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(strbuf_clear) struct strbuf out = { 0 };

		unit_add_percent(&out, cases[i].value, cases[i].total);
		CHECK_STR(out.data, cases[i].text);
	}
}

TEST_MAIN()
