/* SPDX-License-Identifier: MIT */
/*
 * fuzz_maps.c - any text of /proc/PID/maps and smaps, as spaces and the
 * sampler take it: before and after a change, which is behind a line "---".
 */
#include "fuzz.h"
#include "image/space.h"
#include "sampler/stackmap.h"
#include "util/io.h"

#define CHANGE "---\n"

struct input {
	const char *text;
	size_t len;
};

static struct input current; /* what the files of /proc say */

/* proc.c reads its files by this one. */
char *__real_io_read_file(const char *path, size_t max, size_t *out_len);
char *__wrap_io_read_file(const char *path, size_t max, size_t *out_len);

char *__wrap_io_read_file(const char *path, size_t max, size_t *out_len)
{
	char *copy;

	if (!current.text)
		return __real_io_read_file(path, max, out_len);
	copy = xmalloc(current.len + 1);
	memcpy(copy, current.text, current.len);
	copy[current.len] = '\0';
	*out_len = current.len;
	return copy;
}

/* All memory holds the input, over and over. */
static ssize_t read_memory(void *ctx, taddr addr, void *buf, size_t len)
{
	const struct input *input = ctx;

	for (size_t i = 0; i < len; i++)
		((char *)buf)[i] = input->len ?
			input->text[(addr + i) % input->len] : 0;
	return (ssize_t)len;
}

/* Live mappings are where they say, and nowhere else. */
static void check_space(const struct space *space)
{
	for (uint32_t id = 0; id < space_n_mappings(space); id++) {
		const struct mapping *m = space_mapping(space, id);
		uint64_t vaddr;

		if (m->id != id)
			abort();
		if (!m->is_live)
			continue;
		if (space_find(space, m->start) != m ||
		    space_find(space, m->end - 1) != m ||
		    space_find(space, m->end) == m)
			abort();
		mapping_vaddr(m, m->start, &vaddr);
	}
}

static void run_space(const char *text, size_t len, const char *later,
		      size_t later_len)
{
	struct input memory = { later, later_len };
	struct image_source source = { .read_memory = read_memory,
				       .ctx = &memory };
	struct space *space, *child;
	struct modules modules;

	modules_init(&modules);
	space = space_new(&modules, &source);
	space_update(space, text, len);
	check_space(space);
	child = space_fork(space, &source);
	space_update(space, later, later_len);
	check_space(space);
	check_space(child);
	space_reset(child);
	for (uint32_t id = 0; id < space_n_mappings(child); id++)
		if (space_mapping(child, id)->is_live)
			abort();
	space_free(child);
	space_free(space);
	modules_clear(&modules);
}

static void run_stackmap(const char *text, size_t len)
{
	struct stackmap map = { 0 };
	taddr lo = 0, hi = 0, at = 0;

	current = (struct input){ text, len };
	stackmap_refresh(&map, getpid(), getpid());
	current.text = NULL;
	for (size_t i = 0; i + 8 <= len; i += 8) {
		memcpy(&at, text + i, 8);
		if (stackmap_check(&map, at, &lo, &hi) != STACK_UNKNOWN &&
		    (at < lo || at >= hi))
			abort();
	}
	stackmap_clear(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *change = memmem(text, size, CHANGE, strlen(CHANGE));
	size_t len = change ? (size_t)(change - text) : size;
	const char *later = change ? change + strlen(CHANGE) : text + size;

	run_space(text, len, later, (size_t)(text + size - later));
	run_stackmap(text, len);
	return 0;
}
