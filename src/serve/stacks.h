/* SPDX-License-Identifier: MIT */
/*
 * stacks.h - where each thread is, in the words of Go's goroutine profile.
 *
 * Made of a short run with labels of threads: of each the stack that it was
 * seen with for the longest time.
 */
#ifndef SERVE_STACKS_H
#define SERVE_STACKS_H

#include "profile/profile.h"
#include "util/strbuf.h"

/* Keep one sample of each thread, by the longest time. */
void stacks_choose(struct profile *profile);

/* Count threads instead: types "@name/count", no labels. */
void stacks_make_counts(struct profile *profile, const char *name);

/* " 0x401234 0x405678" and the end of the line; readers take 1 off each. */
void stacks_add_addresses(const struct profile *profile, stack_id stack,
			  struct strbuf *out);

/*
 * What stacks_choose() kept as Go has it with debug=1 (equal stacks as one,
 * with comments) or 2 (as of a panic).
 */
void stacks_write(const struct profile *profile, const char *name,
		  unsigned debug, struct strbuf *out);

#endif
