/* SPDX-License-Identifier: MIT */
/*
 * perf_map.c - a list of overlapping definitions, made into disjoint pieces.
 *
 * Lines are read from the last to the first, so that the first entry that
 * holds an address is the one that wins. Then a sweep over the addresses
 * keeps those that hold the current one in a heap with the winner on top.
 */
#include "symbol/perf_map.h"

#include <stdbool.h>

#include "util/map.h"

#define ENTRIES_MAX ((size_t)4 << 20)
#define NAME_MAX_BYTES 4096 /* the rest of a longer one is cut off */

struct perf_entry {
	uint64_t start, end;
	uint32_t name; /* offset in the text */
	uint32_t rank; /* the lower one wins */
};

struct perf_piece { /* up to the start of the next one */
	uint64_t start;
	uint32_t name; /* NO_ID: nothing is defined here */
};

struct perf_map {
	char *text;
	size_t n_entries;
	struct vec pieces; /* struct perf_piece, by start */
};

/* Entries that hold the address of the sweep; the one to use is on top. */
struct sweep {
	const struct perf_entry *entries; /* by start */
	uint32_t *heap;			  /* indices of entries */
	size_t n;
};

static bool sweep_is_above(const struct sweep *sweep, size_t a, size_t b)
{
	return sweep->entries[sweep->heap[a]].rank <
	       sweep->entries[sweep->heap[b]].rank;
}

static void sweep_swap(struct sweep *sweep, size_t a, size_t b)
{
	uint32_t kept = sweep->heap[a];

	sweep->heap[a] = sweep->heap[b];
	sweep->heap[b] = kept;
}

static void sweep_push(struct sweep *sweep, uint32_t entry)
{
	size_t i = sweep->n++;

	sweep->heap[i] = entry;
	while (i && sweep_is_above(sweep, i, (i - 1) / 2)) {
		sweep_swap(sweep, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static void sweep_pop(struct sweep *sweep)
{
	size_t i = 0;

	sweep->heap[0] = sweep->heap[--sweep->n];
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= sweep->n)
			return;
		if (child + 1 < sweep->n &&
		    sweep_is_above(sweep, child + 1, child))
			child++;
		if (!sweep_is_above(sweep, child, i))
			return;
		sweep_swap(sweep, child, i);
		i = child;
	}
}

static const struct perf_entry *sweep_top(const struct sweep *sweep)
{
	return sweep->n ? &sweep->entries[sweep->heap[0]] : NULL;
}

static void add_piece(struct perf_map *map, uint64_t start, uint32_t name)
{
	struct vec *pieces = &map->pieces;
	struct perf_piece *last = NULL;

	if (pieces->n)
		last = vec_at(pieces, pieces->n - 1);
	if (!last || last->name != name)
		*(struct perf_piece *)vec_push(pieces) =
			(struct perf_piece){ start, name };
}

static void make_pieces(struct perf_map *map, const struct perf_entry *entries,
			size_t n)
{
	CLEANUP(free) uint32_t *heap = xreallocarray(NULL, n, sizeof(*heap));
	struct sweep sweep = { .entries = entries, .heap = heap };
	const struct perf_entry *top = NULL;
	uint64_t at = 0;
	size_t i = 0;

	while (i < n || sweep.n) {
		if (!sweep.n)
			at = entries[i].start;
		while (i < n && entries[i].start <= at)
			sweep_push(&sweep, (uint32_t)i++);
		while ((top = sweep_top(&sweep)) && top->end <= at)
			sweep_pop(&sweep);
		add_piece(map, at, top ? top->name : NO_ID);
		if (!top)
			continue;
		at = top->end;
		if (i < n && entries[i].start < at)
			at = entries[i].start;
	}
}

static int compare_entry(const void *a, const void *b)
{
	const struct perf_entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Hexadecimal digits at *@p, with or without 0x; false if there are none. */
static bool read_hex(const char **p, uint64_t *out)
{
	char *end;

	/* Neither a sign nor blanks, which strtoull(3) would take. */
	if (!strchr("0123456789abcdefABCDEF", **p) || !**p)
		return false;
	*out = strtoull(*p, &end, 16);
	*p = end;
	return true;
}

/* A terminal must not obey what a target wrote. */
static void make_printable(char *name)
{
	size_t len = strlen(name);

	if (len > NAME_MAX_BYTES)
		name[NAME_MAX_BYTES] = '\0';
	for (; *name; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7f)
			*name = '?';
}

/* One @line, NUL-terminated; false if it defines nothing. */
static bool read_line(const struct perf_map *map, char *line,
		      struct perf_entry *out)
{
	const char *p = line;
	uint64_t size;
	size_t offset;

	if (!read_hex(&p, &out->start) || *p++ != ' ' ||
	    !read_hex(&p, &size) || *p++ != ' ' || !*p || !size)
		return false;
	if (__builtin_add_overflow(out->start, size, &out->end))
		out->end = UINT64_MAX;
	offset = (size_t)(p - map->text);
	make_printable(map->text + offset);
	out->name = (uint32_t)offset;
	return true;
}

/*
 * All lines, the last one first; the text is cut into strings meanwhile. What
 * stands behind the last newline is a line that is just being written.
 */
static void read_lines(struct perf_map *map, size_t len, struct vec *entries)
{
	const char *last = memrchr(map->text, '\n', len);
	size_t end = last ? (size_t)(last - map->text) : 0;

	while (end && entries->n < ENTRIES_MAX) {
		const char *newline = memrchr(map->text, '\n', end);
		size_t start = newline ? (size_t)(newline - map->text) + 1 : 0;
		struct perf_entry entry = { .rank = (uint32_t)entries->n };

		map->text[end] = '\0';
		if (read_line(map, map->text + start, &entry))
			*(struct perf_entry *)vec_push(entries) = entry;
		end = start ? start - 1 : 0;
	}
}

struct perf_map *perf_map_new(char *text, size_t len)
{
	struct perf_map *map = xcalloc(1, sizeof(*map));
	struct vec entries = VEC_OF(struct perf_entry);

	map->pieces = VEC_OF(struct perf_piece);
	map->text = xreallocarray(text, len + 1, 1);
	read_lines(map, len, &entries);
	map->n_entries = entries.n;
	if (entries.n) {
		qsort(entries.data, entries.n, entries.elem_bytes,
		      compare_entry);
		make_pieces(map, entries.data, entries.n);
	}
	vec_clear(&entries);
	return map;
}

void perf_map_free(struct perf_map *map)
{
	if (!map)
		return;
	vec_clear(&map->pieces);
	free(map->text);
	free(map);
}

const char *perf_map_find(const struct perf_map *map, uint64_t addr)
{
	size_t n = vec_count_up_to(&map->pieces, addr);
	const struct perf_piece *piece;

	if (!n)
		return NULL;
	piece = vec_at(&map->pieces, n - 1);
	return piece->name == NO_ID ? NULL : map->text + piece->name;
}

size_t perf_map_n_entries(const struct perf_map *map)
{
	return map->n_entries;
}

/* The start of a file's name in what follows the name of a function. */
static const char *find_script(const char *text)
{
	static const char *const starts[] = { " /", " file:", " node:",
					      " http:", " https:" };

	for (; (text = strchr(text, ' ')); text++)
		for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
			if (!strncmp(text, starts[i], strlen(starts[i])))
				return text + 1;
	return NULL;
}

/* ":12" at the end of the @len bytes at @text; the length before it. */
static size_t cut_number(const char *text, size_t len, int64_t *out)
{
	size_t start = len;

	while (start && text[start - 1] >= '0' && text[start - 1] <= '9')
		start--;
	if (!start || start == len || text[start - 1] != ':' ||
	    len - start > 9)
		return len;
	*out = strtol(text + start, NULL, 10);
	return start - 1;
}

char *perf_map_source(const char *name, int64_t *out_line)
{
	const char *file = NULL;
	int64_t column = 0;
	size_t len;

	*out_line = 0;
	if (!strncmp(name, "py::", 4)) {
		file = strchr(name + 4, ':');
		return file && file[1] ? xstrdup(file + 1) : NULL;
	}
	if (!strncmp(name, "JS:", 3))
		file = find_script(name + 3);
	if (!file)
		return NULL;
	len = cut_number(file, strlen(file), &column);
	return xstrndup(file, cut_number(file, len, out_line));
}
