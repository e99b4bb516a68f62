/* SPDX-License-Identifier: MIT */
/* heap_text.h - an allocation profile as text, in the older format. */
#ifndef SERVE_HEAP_TEXT_H
#define SERVE_HEAP_TEXT_H

#include "profile/profile.h"
#include "util/strbuf.h"

/* Go's debug=1, for a profile with its four sample types. */
void heap_write_text(const struct profile *profile, struct strbuf *out);

#endif
