/* SPDX-License-Identifier: MIT */
/* test_util.c - the floor: containers, text, time, files. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/clock.h"
#include "util/histogram.h"
#include "util/io.h"
#include "util/map.h"
#include "util/nearest.h"
#include "util/strbuf.h"

TEST(arena_gives_aligned_memory_that_stays_put)
{
	struct arena arena = { 0 };
	char *first = arena_copy(&arena, "first", 5);

	for (size_t size = 0; size < 2000; size++) {
		char *p = arena_alloc(&arena, size);

		CHECK_EQ((uintptr_t)p % _Alignof(max_align_t), 0);
		memset(p, 0xff, size);
	}
	CHECK_STR(first, "first");
	arena_clear(&arena);
	CHECK_EQ(arena.total_bytes, 0);
}

TEST(arena_serves_more_than_a_block_at_once)
{
	struct arena arena = { 0 };
	size_t size = (size_t)1 << 20;
	char *big = arena_alloc(&arena, size);

	memset(big, 'x', size);
	CHECK_STR(arena_copy(&arena, "after", 5), "after");
	CHECK_EQ(big[size - 1], 'x');
	arena_clear(&arena);
}

TEST(vec_gives_zeroed_elements_while_it_grows)
{
	struct vec v = VEC_OF(uint64_t);

	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t *p = vec_push(&v);

		CHECK_EQ(*p, 0);
		*p = i;
	}
	CHECK_EQ(v.n, 1000);
	for (uint64_t i = 0; i < 1000; i++)
		CHECK_EQ(*(uint64_t *)vec_at(&v, i), i);
	vec_clear(&v);
	CHECK_EQ(v.n, 0);
}

TEST(vec_counts_the_elements_up_to_a_key)
{
	struct pair {
		uint64_t key;
		int value;
	} *pair;
	struct vec v = VEC_OF(struct pair);

	CHECK_EQ(vec_count_up_to(&v, UINT64_MAX), 0);
	for (uint64_t i = 1; i <= 9; i++) {
		pair = vec_push(&v);
		pair->key = 10 * (i / 2); /* 0 10 10 20 20 30 30 40 40 */
	}
	CHECK_EQ(vec_count_up_to(&v, 0), 1);
	CHECK_EQ(vec_count_up_to(&v, 9), 1);
	CHECK_EQ(vec_count_up_to(&v, 10), 3);
	CHECK_EQ(vec_count_up_to(&v, 39), 7);
	CHECK_EQ(vec_count_up_to(&v, UINT64_MAX), 9);
	vec_clear(&v);
}

TEST(vec_does_not_move_within_what_was_reserved)
{
	struct vec v = VEC_OF(int);
	void *first;

	vec_reserve(&v, 100);
	first = vec_push(&v);
	for (int i = 1; i < 100; i++)
		vec_push(&v);
	CHECK(vec_at(&v, 0) == first);
	vec_clear(&v);
}

TEST(vec_remove_swap_moves_the_last_one_into_the_gap)
{
	struct vec v = VEC_OF(int);

	for (int i = 0; i < 3; i++)
		*(int *)vec_push(&v) = i;
	vec_remove_swap(&v, 0);
	CHECK_EQ(v.n, 2);
	CHECK_EQ(*(int *)vec_at(&v, 0), 2);
	vec_remove_swap(&v, 1);
	CHECK_EQ(v.n, 1);
	CHECK_EQ(*(int *)vec_at(&v, 0), 2);
	vec_clear(&v);
}

TEST(map_finds_what_was_put_and_nothing_else)
{
	struct map map = { 0 };

	CHECK_EQ(map_get(&map, 0), NO_ID);
	for (uint32_t i = 0; i < 10000; i++)
		map_put(&map, (uint64_t)i << 12, i);
	CHECK_EQ(map.n, 10000);
	for (uint32_t i = 0; i < 10000; i++) {
		CHECK_EQ(map_get(&map, (uint64_t)i << 12), i);
		CHECK_EQ(map_get(&map, ((uint64_t)i << 12) + 1), NO_ID);
	}
	map_put(&map, 0, 77);
	CHECK_EQ(map_get(&map, 0), 77);
	CHECK_EQ(map.n, 10000);
	map_clear(&map);
}

TEST(map_reset_forgets_all_keys)
{
	struct map map = { 0 };

	map_put(&map, UINT64_MAX, 1);
	map_reset(&map);
	CHECK_EQ(map_get(&map, UINT64_MAX), NO_ID);
	CHECK_EQ(map.n, 0);
	map_put(&map, UINT64_MAX, 2);
	CHECK_EQ(map_get(&map, UINT64_MAX), 2);
	map_clear(&map);
}

TEST(keyset_gives_ids_in_order_of_first_appearance)
{
	struct keyset set;

	keyset_init(&set);
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 10000; i++)
			CHECK_EQ(keyset_add(&set, UINT64_MAX - i * 4096ull),
				 i);
	CHECK_EQ(set.keys.n, 10000);
	CHECK_EQ(keyset_at(&set, 9999), UINT64_MAX - 9999 * 4096ull);
	keyset_seal(&set);
	CHECK_EQ(keyset_at(&set, 1), UINT64_MAX - 4096);
	CHECK_EQ(keyset_add(&set, UINT64_MAX - 4096), 1);
	CHECK_EQ(keyset_add(&set, 1), 10000);
	keyset_reset(&set);
	CHECK_EQ(keyset_add(&set, 7), 0);
	CHECK_EQ(keyset_add(&set, UINT64_MAX), 1);
	keyset_clear(&set);
	CHECK_EQ(keyset_add(&set, 7), 0);
	keyset_clear(&set);
}

TEST(intern_gives_ids_in_order_of_first_appearance)
{
	struct intern intern;
	char text[16];

	intern_init(&intern);
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 5000; i++) {
			snprintf(text, sizeof(text), "name%u", i);
			CHECK_EQ(intern_string(&intern, text), i);
		}
	CHECK_STR(intern_get(&intern, 4999)->bytes, "name4999");
	intern_clear(&intern);
}

TEST(intern_keeps_strings_apart_that_differ_after_a_nul)
{
	struct intern intern;

	intern_init(&intern);
	CHECK_EQ(intern_bytes(&intern, "a\0b", 3), 0);
	CHECK_EQ(intern_bytes(&intern, "a\0c", 3), 1);
	CHECK_EQ(intern_bytes(&intern, "a", 1), 2);
	CHECK_EQ(intern_bytes(&intern, "", 0), 3);
	CHECK_EQ(intern_bytes(&intern, "a\0b", 3), 0);
	CHECK_EQ(intern_get(&intern, 0)->len, 3);
	intern_clear(&intern);
}

TEST(strbuf_appends_bytes_text_and_formats)
{
	CLEANUP(strbuf_clear) struct strbuf sb = { 0 };

	strbuf_adds(&sb, "a");
	strbuf_addc(&sb, 'b');
	strbuf_add(&sb, "c\0d", 3);
	strbuf_addf(&sb, "%d", 42);
	CHECK_EQ(sb.len, 7);
	CHECK(!memcmp(sb.data, "abc\0d42", 8));
}

TEST(strbuf_take_leaves_an_empty_buffer)
{
	struct strbuf sb = { 0 };
	char *text;

	for (int i = 0; i < 10000; i++)
		strbuf_addc(&sb, 'x');
	text = strbuf_take(&sb);
	CHECK_EQ(strlen(text), 10000);
	free(text);
	CHECK_EQ(sb.len, 0);
	text = strbuf_take(&sb);
	CHECK_STR(text, "");
	free(text);
}

TEST(duration_without_a_unit_is_seconds)
{
	int64_t ns;

	CHECK(duration_parse("30", &ns));
	CHECK_EQ(ns, 30 * NS_PER_S);
	CHECK(duration_parse(".5", &ns));
	CHECK_EQ(ns, NS_PER_S / 2);
}

TEST(duration_takes_each_unit)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "0", 0 },
		{ "1ns", 1 },
		{ "10us", 10 * NS_PER_US },
		{ "1.5ms", 1500 * NS_PER_US },
		{ "1.5s", 1500 * NS_PER_MS },
		{ "2m", 120 * NS_PER_S },
		{ "1h", 3600 * NS_PER_S },
		{ "1d", 86400 * NS_PER_S },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t ns = -1;

		CHECK(duration_parse(cases[i].text, &ns));
		CHECK_EQ(ns, cases[i].ns);
	}
}

TEST(duration_refuses_what_is_none)
{
	static const char *const bad[] = { "",     "s",    "-1",  "1x", "1 s",
					   "0x10", "inf",  "nan", "1e400",
					   "1000000d", "1s2" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t ns;

		if (duration_parse(bad[i], &ns))
			printf("# taken: \"%s\"\n", bad[i]);
		CHECK(!duration_parse(bad[i], &ns));
	}
}

TEST(duration_is_shown_in_the_unit_that_fits)
{
	char buf[24];

	CHECK_STR(duration_format(12, buf, sizeof(buf)), "12ns");
	CHECK_STR(duration_format(12300, buf, sizeof(buf)), "12.3us");
	CHECK_STR(duration_format(4500000, buf, sizeof(buf)), "4.5ms");
	CHECK_STR(duration_format(1230000000, buf, sizeof(buf)), "1.23s");
}

TEST(clock_never_goes_back)
{
	int64_t last = clock_now_ns();

	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_now_ns();

		CHECK(now >= last);
		last = now;
	}
}

TEST(error_reads_outermost_first_with_hints_below)
{
	struct error *error = error_errno(ENOENT, "open %s", "x");

	error = error_wrap(error, "cannot attach to %d", 7);
	error = error_hint(error, "try: %s", "sudo");
	CHECK_STR(error_text(error), "cannot attach to 7: open x: "
				     "No such file or directory\n  try: sudo");
	error_free(error);
	error_free(NULL);
}

/* A directory of its own for one test; the test removes it again. */
static char *scratch_dir(void)
{
	const char *base = getenv("TMPDIR");
	char *dir = xasprintf("%s/psample-test.XXXXXX", base ? base : "/tmp");

	if (mkdtemp(dir))
		return dir;
	free(dir);
	return NULL;
}

static bool is_only_file(const char *dir, const char *name)
{
	CLEANUP(free) char *path = xasprintf("%s/%s", dir, name);

	/* rmdir() fails as long as anything else is left in there. */
	return !unlink(path) && !rmdir(dir);
}

TEST(outfile_shows_the_whole_file_only_at_commit)
{
	CLEANUP(free) char *dir = scratch_dir();
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) char *text = NULL;
	struct outfile *file;
	struct stat st;
	size_t len;

	CHECK(dir != NULL);
	path = xasprintf("%s/out", dir);
	CHECK(!outfile_open(path, false, &file));
	CHECK(!outfile_write(file, "one ", 4));
	CHECK(access(path, F_OK) != 0);
	CHECK(!outfile_write(file, "two", 3));
	CHECK(!outfile_commit(file));
	text = io_read_file(path, 1000, &len);
	CHECK_STR(text, "one two");
	CHECK_EQ(len, 7);
	CHECK(!stat(path, &st));
	CHECK_EQ(st.st_mode & 0077, 0);
	CHECK(is_only_file(dir, "out"));
}

TEST(outfile_abort_leaves_the_old_file_and_nothing_else)
{
	CLEANUP(free) char *dir = scratch_dir();
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) char *text = NULL;
	struct outfile *file;

	CHECK(dir != NULL);
	path = xasprintf("%s/out", dir);
	CHECK(!outfile_open(path, false, &file));
	CHECK(!outfile_write(file, "old", 3));
	CHECK(!outfile_commit(file));
	CHECK(!outfile_open(path, false, &file));
	CHECK(!outfile_write(file, "new", 3));
	outfile_abort(file);
	text = io_read_file(path, 1000, NULL);
	CHECK_STR(text, "old");
	CHECK(is_only_file(dir, "out"));
}

TEST(outfile_exclusive_never_replaces)
{
	CLEANUP(free) char *dir = scratch_dir();
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) char *text = NULL;
	struct outfile *first, *second, *third = NULL;
	struct error *error;

	CHECK(dir != NULL);
	path = xasprintf("%s/out", dir);
	CHECK(!outfile_open(path, true, &first));
	CHECK(!outfile_open(path, true, &second));
	CHECK(!outfile_write(first, "first", 5));
	CHECK(!outfile_write(second, "second", 6));
	CHECK(!outfile_commit(first));
	error = outfile_commit(second);
	CHECK(error != NULL);
	error_free(error);
	error = outfile_open(path, true, &third);
	CHECK(error != NULL);
	error_free(error);
	text = io_read_file(path, 1000, NULL);
	CHECK_STR(text, "first");
	CHECK(is_only_file(dir, "out"));
}

TEST(outfile_in_a_missing_directory_says_which)
{
	struct outfile *file;
	struct error *error = outfile_open("/nonexistent/x", false, &file);

	CHECK(error != NULL);
	CHECK(strstr(error_text(error), "/nonexistent/x") != NULL);
	error_free(error);
}

TEST(read_stops_at_the_given_size)
{
	size_t len;
	char *text = io_read_file("/proc/self/maps", 10, &len);

	CHECK(text != NULL);
	CHECK(len >= 10 && len <= 4096);
	CHECK_EQ(strnlen(text, len + 1), len);
	free(text);
	CHECK(!io_read_file("/nonexistent", 10, &len));
}

TEST(read_takes_a_file_of_many_pages_whole)
{
	CLEANUP(free) char *dir = scratch_dir();
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) char *text = NULL;
	CLEANUP(strbuf_clear) struct strbuf sb = { 0 };
	struct outfile *file;
	size_t len;

	CHECK(dir != NULL);
	for (int i = 0; i < 20000; i++)
		strbuf_addf(&sb, "%d\n", i);
	path = xasprintf("%s/out", dir);
	CHECK(!outfile_open(path, false, &file));
	CHECK(!outfile_write(file, sb.data, sb.len));
	CHECK(!outfile_commit(file));
	text = io_read_file(path, (size_t)1 << 24, &len);
	CHECK_EQ(len, sb.len);
	CHECK_STR(text, sb.data);
	CHECK(is_only_file(dir, "out"));
}

TEST(a_histogram_knows_sum_and_maximum_exactly)
{
	struct histogram h = { 0 };

	for (int i = 1; i <= 1000; i++)
		histogram_add(&h, i * 1000);
	CHECK_EQ(h.n, 1000);
	CHECK_EQ(h.sum_ns, 500500000);
	CHECK_EQ(h.max_ns, 1000000);
	CHECK_EQ(histogram_percentile(&h, 100), 1000000);
}

TEST(a_percentile_is_within_an_eighth_of_an_octave)
{
	struct histogram h = { 0 };
	int64_t p50;

	for (int i = 1; i <= 1000; i++)
		histogram_add(&h, i * 1000);
	p50 = histogram_percentile(&h, 50);
	CHECK(p50 >= 500000 && p50 < 570000);
	CHECK_EQ(histogram_percentile(&(struct histogram){ 0 }, 99), 0);
}

/* Which of two words @word is near to; "" if to neither. */
static const char *nearest_of(const char *word, const char *one,
			      const char *other)
{
	struct nearest nearest;

	nearest_init(&nearest, word, strlen(word));
	nearest_offer(&nearest, one);
	nearest_offer(&nearest, other);
	return nearest.best ? nearest.best : "";
}

TEST(a_misspelt_word_is_near_to_the_right_one)
{
	CHECK_STR(nearest_of("duratoin", "delay", "duration"), "duration");
	CHECK_STR(nearest_of("tpo", "top", "text"), "top");
	CHECK_STR(nearest_of("outputt", "output", "out"), "output");
}

TEST(another_word_is_near_to_none)
{
	CHECK_STR(nearest_of("ls", "top", "raw"), "");
	CHECK_STR(nearest_of("", "top", "a"), "");
	CHECK_STR(nearest_of("a-word-longer-than-any-option-may-be",
			     "a-word-longer-than-any-option-may-b", "a"), "");
}

TEST_MAIN()
