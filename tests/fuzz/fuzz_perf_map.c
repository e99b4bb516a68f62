/* SPDX-License-Identifier: MIT */
/*
 * fuzz_perf_map.c - any list of code made at run time. What is found is
 * compared with what a plain search from the last line on finds.
 */
#include <stdbool.h>
#include <stdio.h>

#include "fuzz.h"
#include "symbol/perf_map.h"

#define COMPARED_MAX 64 /* lines; the plain search is slow */

struct line {
	uint64_t start, end;
};

/* Lines as the header of perf_map.h has them; how many, or SIZE_MAX. */
static size_t read_plainly(const char *text, size_t len, struct line *lines)
{
	const char *end = text + len, *newline;
	size_t n = 0;

	for (; (newline = memchr(text, '\n', (size_t)(end - text)));
	     text = newline + 1) {
		unsigned long start, bytes;
		char name;

		if (newline - text > 60 ||
		    memchr(text, '\0', (size_t)(newline - text)))
			return SIZE_MAX; /* not for sscanf() */
		if (strspn(text, "0123456789abcdef") - 1 > 14 ||
		    sscanf(text, "%lx %lx %c", &start, &bytes, &name) != 3)
			return SIZE_MAX;
		if (n == COMPARED_MAX || !bytes || bytes > UINT64_MAX - start)
			return SIZE_MAX;
		lines[n++] = (struct line){ start, start + bytes };
	}
	return n;
}

static bool holds(const struct line *lines, size_t n, uint64_t addr)
{
	for (size_t i = 0; i < n; i++)
		if (addr >= lines[i].start && addr < lines[i].end)
			return true;
	return false;
}

static void look_up(const struct perf_map *map, uint64_t addr)
{
	const char *name = perf_map_find(map, addr);
	int64_t line;

	if (!name)
		return;
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
	free(perf_map_source(name, &line));
}

static void compare(const struct perf_map *map, const struct line *lines,
		    size_t n)
{
	if (perf_map_n_entries(map) != n)
		return; /* a form that sscanf() takes and we do not */
	for (size_t i = 0; i < n; i++) {
		uint64_t addrs[] = { lines[i].start, lines[i].start - 1,
				     lines[i].end, lines[i].end - 1 };

		for (size_t k = 0; k < ARRAY_SIZE(addrs); k++)
			if (!perf_map_find(map, addrs[k]) ==
			    holds(lines, n, addrs[k]))
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct line lines[COMPARED_MAX];
	char *text = xmalloc(size + 1);
	struct perf_map *map;
	size_t n;

	memcpy(text, data, size);
	text[size] = '\0';
	n = read_plainly(text, size, lines);
	map = perf_map_new(text, size);
	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint64_t addr;

		memcpy(&addr, data + i, 8);
		look_up(map, addr);
		look_up(map, addr & 0xffff);
	}
	if (n != SIZE_MAX)
		compare(map, lines, n);
	perf_map_free(map);
	return 0;
}
