/* SPDX-License-Identifier: MIT */
/* stacks_text.h - every thread once, with its stack, for people to read. */
#ifndef CLI_STACKS_TEXT_H
#define CLI_STACKS_TEXT_H

#include "profile/profile.h"
#include "util/strbuf.h"

/*
 * @profile is of elapsed time and has labels of threads. Of each thread the
 * stack that it was seen with for the longest time.
 */
void stacks_text_write(const struct profile *profile, struct strbuf *out);

#endif
