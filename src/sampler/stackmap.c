/* SPDX-License-Identifier: MIT */
/* stackmap.c - which memory of a process may be read in a stop. */
#include "sampler/stackmap.h"

#include "image/maps.h"
#include "target/proc.h"
#include "util/clock.h"
#include "util/mem.h"

#define CHEAP_NS (200 * NS_PER_US)
#define COST_SHARE 50 /* readings take at most this part of the time ... */
#define WAIT_MAX_NS (10 * NS_PER_MS) /* ... but come as often as this ... */
#define COST_SHARE_MIN 20	     /* ... unless they are that slow */
/* [stack] grows downwards after it was seen; limits(7) says how far. */
#define STACK_GROWTH_BYTES ((taddr)64 << 20)

struct stack_range {
	taddr start, end;
	enum stack_verdict verdict;
};

static bool has_name(const struct maps_line *line, const char *name)
{
	size_t len = strlen(name);

	return line->path_len >= len && !memcmp(line->path, name, len);
}

static bool is_filled_by_kernel(const struct maps_line *line)
{
	return line->inode == 0 || has_name(line, "/memfd:") ||
	       has_name(line, "/dev/zero");
}

static void add_range(struct stackmap *map, const struct maps_line *line)
{
	struct stack_range *range, *last = NULL;
	taddr floor = 0;

	if (map->ranges.n) {
		last = vec_at(&map->ranges, map->ranges.n - 1);
		floor = last->end;
	}
	range = vec_push(&map->ranges);
	*range = (struct stack_range){
		.start = line->start,
		.end = line->end,
		.verdict = is_filled_by_kernel(line) ? STACK_GOOD : STACK_BAD,
	};
	/* Go reserves its heap so, and makes pages of it stacks later. */
	if (!line->is_readable)
		range->verdict = STACK_UNKNOWN;
	if (!has_name(line, "[stack]"))
		return;
	range->start = range->start > STACK_GROWTH_BYTES
			       ? range->start - STACK_GROWTH_BYTES : 0;
	if (range->start < floor)
		range->start = floor;
}

/* "VmFlags: rd wr mr mw me ac um": um and uw are userfaultfd (proc(5)). */
static void note_flags(struct stackmap *map, const char *line, size_t len)
{
	static const char key[] = "VmFlags:";
	struct stack_range *last;

	if (!map->ranges.n || len < sizeof(key) ||
	    memcmp(line, key, sizeof(key) - 1))
		return;
	last = vec_at(&map->ranges, map->ranges.n - 1);
	for (size_t i = sizeof(key) - 1; i + 2 < len; i++)
		if (line[i] == ' ' && line[i + 1] == 'u' &&
		    (line[i + 2] == 'm' || line[i + 2] == 'w'))
			last->verdict = STACK_BAD;
}

/* maps, or smaps with lines of details between those of maps. */
static bool take_text(struct stackmap *map, size_t len, bool may_grow)
{
	const char *p = map->text, *end = map->text + len;

	map->ranges.n = 0;
	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *next = newline ? newline + 1 : end;
		const char *cursor = p;
		struct maps_line line;

		if (!maps_next_line(&cursor, next, &line))
			note_flags(map, p, (size_t)(next - p));
		else if (may_grow || map->ranges.n < map->ranges.cap)
			add_range(map, &line);
		else
			return false;
		p = next;
	}
	return true;
}

static void note_cost(struct stackmap *map, int64_t start_ns)
{
	int64_t wait_ns;

	map->cost_ns = clock_now_ns() - start_ns;
	/* A single slow reading must not blind us for long. */
	wait_ns = map->cost_ns * COST_SHARE;
	if (wait_ns > WAIT_MAX_NS)
		wait_ns = WAIT_MAX_NS;
	if (wait_ns < map->cost_ns * COST_SHARE_MIN)
		wait_ns = map->cost_ns * COST_SHARE_MIN;
	map->next_ns = start_ns + wait_ns;
}

void stackmap_refresh(struct stackmap *map, pid_t pid, pid_t tid)
{
	int64_t start_ns = clock_now_ns();
	size_t len;

	if (map->is_made && start_ns < map->next_ns)
		return;
	if (!map->ranges.elem_bytes)
		map->ranges = VEC_OF(struct stack_range);
	map->has_userfaultfd = proc_has_userfaultfd(pid);
	free(map->text);
	map->text = map->has_userfaultfd ? proc_read_smaps(pid, tid, &len)
					 : proc_read_maps(pid, tid, &len);
	map->is_made = true;
	map->is_stale = false;
	map->text_bytes = 0;
	if (map->text) {
		take_text(map, len, true);
		map->text_bytes = 2 * len;
		map->text = xreallocarray(map->text, map->text_bytes, 1);
		vec_reserve(&map->ranges, 2 * map->ranges.n);
	}
	note_cost(map, start_ns);
}

bool stackmap_refresh_in_stop(struct stackmap *map, pid_t pid, pid_t tid)
{
	int64_t start_ns = clock_now_ns();
	ssize_t n;

	if (map->is_stale || map->has_userfaultfd || !map->text_bytes ||
	    map->cost_ns > CHEAP_NS || start_ns < map->next_ns)
		return false;
	n = proc_read_maps_into(pid, tid, map->text, map->text_bytes);
	note_cost(map, start_ns);
	return n > 0 && (size_t)n < map->text_bytes &&
	       take_text(map, (size_t)n, false);
}

void stackmap_clear(struct stackmap *map)
{
	vec_clear(&map->ranges);
	free(map->text);
	*map = (struct stackmap){ 0 };
}

enum stack_verdict stackmap_check(const struct stackmap *map, taddr sp,
				  taddr *out_lo, taddr *out_hi)
{
	size_t lo = 0, hi = map->ranges.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct stack_range *range = vec_at(&map->ranges, mid);

		if (sp < range->start) {
			hi = mid;
		} else if (sp >= range->end) {
			lo = mid + 1;
		} else {
			*out_lo = range->start;
			*out_hi = range->end;
			return range->verdict;
		}
	}
	return STACK_UNKNOWN;
}
