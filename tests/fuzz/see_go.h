/* SPDX-License-Identifier: MIT */
/*
 * see_go.h - all that is asked of a Go table about one address; what comes
 * back has to fit.
 */
#ifndef TESTS_FUZZ_SEE_GO_H
#define TESTS_FUZZ_SEE_GO_H

#include <stdlib.h>

#include "image/gopclntab.h"
#include "unwind/go_rows.h"

#define SEE_GO_FRAMES 32

static inline void see_go(struct gopclntab *table, const struct module *module,
			  uint64_t vaddr)
{
	struct go_frame frames[SEE_GO_FRAMES];
	struct go_function function;
	struct row row;
	uint64_t first;
	int32_t delta;
	size_t n = gopclntab_frames(table, vaddr, frames, SEE_GO_FRAMES);

	if (n > SEE_GO_FRAMES)
		abort();
	for (size_t i = 0; i < n; i++)
		if (!frames[i].name || !frames[i].file)
			abort();
	go_rows_find(table, module, vaddr, &row);
	if (!gopclntab_find(table, vaddr, &function))
		return;
	if (vaddr < function.start || vaddr >= function.end)
		abort();
	gopclntab_name(table, &function);
	gopclntab_delta(table, &function, vaddr, &delta);
	gopclntab_first_delta(table, &function, &first);
}

#endif
