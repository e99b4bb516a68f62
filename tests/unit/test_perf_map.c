/* SPDX-License-Identifier: MIT */
/* test_perf_map.c - names of code that was made at run time. */
#include "check.h"
#include "symbol/perf_map.h"
#include "util/map.h"
#include "util/strbuf.h"

static struct perf_map *map_of(const char *text)
{
	return perf_map_new(xstrdup(text), strlen(text));
}

TEST(perf_map_finds_names_by_address)
{
	CLEANUP(perf_map_free) struct perf_map *map = map_of(
		"2000 10 second function, with blanks\n1000 20 first\n");

	CHECK_STR(perf_map_find(map, 0x1000), "first");
	CHECK_STR(perf_map_find(map, 0x101f), "first");
	CHECK(!perf_map_find(map, 0x1020));
	CHECK(!perf_map_find(map, 0xfff));
	CHECK_STR(perf_map_find(map, 0x200f),
		  "second function, with blanks");
	CHECK(!perf_map_find(map, 0x2010));
	CHECK_EQ(perf_map_n_entries(map), 2);
}

TEST(perf_map_takes_numbers_with_and_without_0x)
{
	CLEANUP(perf_map_free) struct perf_map *map = map_of(
		"0x00007fdfbcec7640 0x0000000000000130 int Fib.fib(int)\n");

	CHECK_STR(perf_map_find(map, 0x7fdfbcec7700), "int Fib.fib(int)");
}

TEST(perf_map_lets_the_last_definition_win)
{
	CLEANUP(perf_map_free) struct perf_map *map = map_of(
		"1000 100 old\n1040 10 new\n10f0 20 tail\n1040 8 newest\n");

	CHECK_STR(perf_map_find(map, 0x103f), "old");
	CHECK_STR(perf_map_find(map, 0x1040), "newest");
	CHECK_STR(perf_map_find(map, 0x1048), "new");
	CHECK_STR(perf_map_find(map, 0x1050), "old");
	CHECK_STR(perf_map_find(map, 0x10ef), "old");
	CHECK_STR(perf_map_find(map, 0x10f0), "tail");
	CHECK_STR(perf_map_find(map, 0x110f), "tail");
	CHECK(!perf_map_find(map, 0x1110));
}

TEST(perf_map_skips_lines_that_define_nothing)
{
	CLEANUP(perf_map_free) struct perf_map *map = map_of(
		"\n \n1000\n1000 10\n1000 10 \n-1 10 x\n+1 10 x\n 1 10 x\n"
		"1000 0 empty\ng 10 x\n1000\t10\tx\n0x 10 x\n"
		"ffffffffffffffff 1 far\n3000 10 good\n");

	CHECK_EQ(perf_map_n_entries(map), 2);
	CHECK(!perf_map_find(map, 0x1000));
	CHECK(!perf_map_find(map, UINT64_MAX));
	CHECK_STR(perf_map_find(map, 0x3008), "good");
}

TEST(perf_map_leaves_out_a_line_that_is_being_written)
{
	CLEANUP(perf_map_free) struct perf_map *map =
		map_of("1000 10 whole\n2000 10 hal");

	CHECK_STR(perf_map_find(map, 0x1000), "whole");
	CHECK(!perf_map_find(map, 0x2000));
}

TEST(perf_map_names_are_printable_and_bounded)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	CLEANUP(perf_map_free) struct perf_map *map = NULL;

	strbuf_adds(&text, "1000 10 a\033[31mb\rc\n2000 10 ");
	for (int i = 0; i < 100000; i++)
		strbuf_addc(&text, 'x');
	strbuf_addc(&text, '\n');
	map = map_of(text.data);
	CHECK_STR(perf_map_find(map, 0x1000), "a?[31mb?c");
	CHECK_EQ(strlen(perf_map_find(map, 0x2000)), 4096);
}

TEST(perf_map_of_nothing_knows_nothing)
{
	CLEANUP(perf_map_free) struct perf_map *map = map_of("");

	CHECK(!perf_map_find(map, 0));
	CHECK_EQ(perf_map_n_entries(map), 0);
}

/* What a slow reader would say: the last line that holds @addr. */
static int find_slowly(const uint64_t (*lines)[2], int n, uint64_t addr)
{
	while (n-- > 0)
		if (addr >= lines[n][0] && addr < lines[n][0] + lines[n][1])
			return n;
	return -1;
}

TEST(perf_map_agrees_with_a_search_from_the_end)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	CLEANUP(perf_map_free) struct perf_map *map = NULL;
	uint64_t lines[400][2], random = 3;

	for (int i = 0; i < 400; i++) {
		random = hash_u64(random + 1);
		lines[i][0] = random % 2000;
		lines[i][1] = 1 + (random >> 30) % 90;
		strbuf_addf(&text, "%" PRIx64 " %" PRIx64 " %d\n",
			    lines[i][0], lines[i][1], i);
	}
	map = map_of(text.data);
	for (uint64_t addr = 0; addr < 2200; addr++) {
		const char *name = perf_map_find(map, addr);

		CHECK_EQ(name ? atoi(name) : -1,
			 find_slowly(lines, 400, addr));
	}
}

TEST(perf_map_takes_a_hostile_pile_in_good_time)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	CLEANUP(perf_map_free) struct perf_map *map = NULL;

	for (int i = 0; i < 200000; i++)
		strbuf_addf(&text, "%x ffffff %d\n", i, i);
	map = map_of(text.data);
	for (uint64_t addr = 0; addr < 200000; addr++)
		CHECK_EQ(atoi(perf_map_find(map, addr)), addr);
}

static void check_source(const char *name, const char *file, int64_t line)
{
	int64_t got_line;
	CLEANUP(free) char *got = perf_map_source(name, &got_line);

	CHECK_STR(got ? got : "", file);
	CHECK_EQ(got_line, line);
}

TEST(perf_map_names_of_v8_and_python_tell_the_file)
{
	check_source("JS:*fib /tmp/a b.js:1:13", "/tmp/a b.js", 1);
	check_source("JS:~get x file:///tmp/m.mjs:20:7", "file:///tmp/m.mjs",
		     20);
	check_source("JS:^set node:internal/streams:132:8",
		     "node:internal/streams", 132);
	check_source("py::fib:/tmp/fib.py", "/tmp/fib.py", 0);
	check_source("py::load:<frozen importlib._bootstrap>",
		     "<frozen importlib._bootstrap>", 0);
}

TEST(perf_map_names_of_others_tell_no_file)
{
	check_source("int Fib.fib(int)", "", 0);
	check_source("Builtin:RecordWrite", "", 0);
	check_source("JS:*fib", "", 0);
	check_source("JS: /", "/", 0);
	check_source("py::", "", 0);
	check_source("py::x:", "", 0);
	check_source("", "", 0);
}

TEST_MAIN()
