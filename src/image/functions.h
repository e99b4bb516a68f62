/* SPDX-License-Identifier: MIT */
/*
 * functions.h - where the functions of a module begin.
 *
 * From its symbols; where those are not all there, also from its unwind
 * information and from its code: what is called, or has its address taken,
 * is the start of a function. Needed for code without rules only, and made
 * when first asked (5 ms for a libc).
 */
#ifndef IMAGE_FUNCTIONS_H
#define IMAGE_FUNCTIONS_H

#include "image/module.h"
#include "util/vec.h"

struct functions { /* zero: not made yet */
	struct vec starts; /* uint64_t, vaddrs in order */
	bool is_made;
	bool is_complete; /* there is a symbol for each of them */
	bool is_partial;  /* so much code that it was not read */
};

void functions_clear(struct functions *functions);

/*
 * The start of what holds @vaddr, and that of what is behind it (at the
 * latest the end of the segment). False if none is known.
 */
bool functions_find(struct functions *functions, const struct module *module,
		    uint64_t vaddr, uint64_t *out_start, uint64_t *out_end);

/*
 * The same for a name: the start of the function that holds @vaddr, as far as
 * can be told without symbols. Where the code is too much to be read, what is
 * around @vaddr is looked at: compilers align functions, and linkers fill
 * what is between them. False rather than one start for several functions.
 */
bool functions_find_start(struct functions *functions,
			  const struct module *module, uint64_t vaddr,
			  uint64_t *out_start);

#endif
