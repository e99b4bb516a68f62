/* SPDX-License-Identifier: MIT */
/*
 * fuzz_gopclntab.c - any bytes as Go's own table. A moduledata that leads to
 * the table is put behind it, so that tables since Go 1.18 are taken too.
 */
#include "fuzz.h"
#include "image/elf_headers.h"
#include "made_elf.h"
#include "see_go.h"

#define MODULEDATA_WORDS 64

static void run_table(const struct module *module)
{
	static const char *const names[] = { "main.main", "runtime.mallocgc" };
	struct go_function found[ARRAY_SIZE(names)];
	struct gopclntab *table = gopclntab_open(module);

	if (!table)
		return;
	for (uint64_t at = 0; at < MADE_CODE_BYTES; at += 256)
		see_go(table, module, MADE_CODE_AT + at);
	gopclntab_find_names(table, names, ARRAY_SIZE(names), found);
	gopclntab_close(table);
}

/* What find_text() of go_tables.c looks for. */
static void add_moduledata(uint8_t *bytes, size_t size)
{
	uint64_t words[MODULEDATA_WORDS] = { MADE_BYTES_AT };
	uint64_t index = 0, n = 0;
	uint32_t first = 0, last = 0;

	memcpy(&n, bytes + 8, sizeof(n));
	memcpy(&index, bytes + 8 + 7 * 8, sizeof(index));
	if (n > size / 8 || index > size - 8 * n)
		return;
	memcpy(&first, bytes + index, sizeof(first));
	if (index + 8 * n + 4 <= size)
		memcpy(&last, bytes + index + 8 * n, sizeof(last));
	words[5] = MADE_CODE_AT + first;
	words[6] = MADE_CODE_AT + last;
	words[7] = MADE_CODE_AT;
	words[25] = MADE_BYTES_AT + index; /* inlined calls */
	memcpy(bytes + size, words, sizeof(words));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t padded = (size + 7) & ~(size_t)7, n;
	uint8_t *bytes = xcalloc(1, padded + MODULEDATA_WORDS * 8);
	struct module module = { .fd = -1 };

	if (size)
		memcpy(bytes, data, size);
	if (size >= 72)
		add_moduledata(bytes, padded);
	module.image = made_elf(".gopclntab", false, bytes,
				padded + MODULEDATA_WORDS * 8, &n);
	module.image_bytes = n;
	module_parse_headers(&module);
	if (!module.is_elf)
		abort();
	run_table(&module);
	free(module.segments);
	free(module.image);
	free(bytes);
	return 0;
}
