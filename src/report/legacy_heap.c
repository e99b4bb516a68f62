/* SPDX-License-Identifier: MIT */
/*
 * legacy_heap.c - texts of tcmalloc's and Go's heap profilers.
 *
 *	heap profile: 217: 15022 [ 3017: 97003] @ heap_v2/524288
 *	    16: 4096 [    20: 5120] @ 0x401136 0x401200
 *	MAPPED_LIBRARIES:
 *	00400000-0040b000 r-xp 00000000 08:01 1573 /bin/cat
 *
 * In use, then allocated in all. heap_v2/R was sampled, about once in R bytes;
 * heap/2R is Go's word for it; heapprofile counted all; growth and
 * fragmentation have the same lines.
 */
#include "report/legacy.h"
#include "report/wrap.h"

struct heap {
	struct legacy *legacy;
	bool is_sampled, has_alloc;
};

/* "heap_v2/524288": what kind it is, and how often it sampled. */
static bool read_kind(struct heap *heap, const char *kind)
{
	size_t n = strspn(kind, "_abcdefghijklmnopqrstuvwxyz0123456789");
	const char *digits = kind + n + (kind[n] == '/');
	int64_t period = 0;

	if (strspn(digits, "0123456789") && !text_int(digits, &period))
		return false;
	heap->is_sampled = true;
	if ((n == 8 && !strncmp(kind, "heapz_v2", n)) ||
	    (n == 7 && !strncmp(kind, "heap_v2", n))) {
		heap->legacy->pp->period = period;
	} else if (n == 11 && !strncmp(kind, "heapprofile", n)) {
		heap->is_sampled = false;
		heap->legacy->pp->period = 1;
	} else if (n == 4 && !strncmp(kind, "heap", n)) {
		heap->legacy->pp->period = period / 2;
	} else {
		return false;
	}
	return true;
}

static bool is_same(const char *a, const char *b)
{
	size_t n = strspn(a, "0123456789");

	return n == strspn(b, "0123456789") && !strncmp(a, b, n);
}

static bool is_zero(const char *a)
{
	return *a == '0' && (a[1] < '0' || a[1] > '9');
}

/* Is allocated in all more than what is in use, or is it the same twice? */
static bool read_header(struct heap *heap, const char *line)
{
	const char *n[4];
	const char *kind = text_find(line, "heap_profile: #: # [ #: # ] @ ",
				     n);

	legacy_set_period(heap->legacy, "space", "bytes", 1);
	if (kind && !strncmp(kind, "heap", 4)) {
		heap->has_alloc = (!is_same(n[2], n[0]) && !is_zero(n[2])) ||
				  (!is_same(n[3], n[1]) && !is_zero(n[3]));
		return read_kind(heap, kind);
	}
	kind = text_find(line, "heap_profile: #: # [ #: # ]_@_", n);
	return kind && (!strncmp(kind, "growth", 6) ||
			!strncmp(kind, "fragmentation", 13));
}

/* One pair of objects and bytes of a line; false if they contradict. */
static bool read_pair(const struct heap *heap, const char *const *texts,
		      struct legacy_sample *sample, size_t at)
{
	int64_t count, bytes;

	if (!text_int(texts[0], &count) || !text_int(texts[1], &bytes) ||
	    (!count && bytes))
		return false;
	if (count) {
		sample->block_bytes = wrap_div(bytes, count);
		if (heap->is_sampled)
			legacy_scale(&count, &bytes,
				     heap->legacy->pp->period);
	}
	sample->values[at] = count;
	sample->values[at + 1] = bytes;
	return true;
}

static bool read_sample(struct heap *heap, const char *line)
{
	struct legacy_sample *sample;
	const char *n[4];
	const char *addresses = text_find(line, "-: - [ #: # ]_@", n);
	CLEANUP(free) char *list = NULL;
	bool is_good;

	if (!addresses)
		return false;
	sample = legacy_add_sample(heap->legacy);
	sample->has_block = true;
	is_good = heap->has_alloc ? read_pair(heap, n + 2, sample, 0) &&
					    read_pair(heap, n, sample, 2) :
				    read_pair(heap, n, sample, 0);
	list = xstrndup(addresses, strspn(addresses, " x0123456789abcdef"));
	return is_good && legacy_add_addresses(heap->legacy, list, 1);
}

static void add_types(const struct heap *heap)
{
	const char *types[][2] = {
		{ "alloc_objects", "alloc_space" },
		{ "inuse_objects", "inuse_space" },
		{ "objects", "space" },
	};

	for (size_t i = heap->has_alloc ? 0 : 2;
	     i < (heap->has_alloc ? 2 : 3); i++) {
		legacy_add_type(heap->legacy, types[i][0], "count");
		legacy_add_type(heap->legacy, types[i][1], "bytes");
	}
}

static enum legacy_outcome read_samples(struct heap *heap,
					struct lines *lines)
{
	while (lines_next(lines) && !line_is_sentinel(lines))
		if (!line_is_blank(lines) &&
		    !read_sample(heap, lines->text))
			return legacy_fail_line(heap->legacy, lines);
	return legacy_read_maps(heap->legacy, lines);
}

enum legacy_outcome legacy_read_heap(struct legacy *legacy)
{
	struct lines lines = { .at = legacy->data,
			       .end = legacy->data + legacy->len };
	struct heap heap = { .legacy = legacy };
	enum legacy_outcome outcome = LEGACY_OTHER;

	if (lines_next(&lines) && read_header(&heap, lines.raw)) {
		add_types(&heap);
		outcome = read_samples(&heap, &lines);
	}
	lines_clear(&lines);
	return outcome == LEGACY_DONE ? legacy_finish(legacy) : outcome;
}
