/* SPDX-License-Identifier: MIT */
/* encode.h - a profile as the bytes of a profile.proto. */
#ifndef REPORT_ENCODE_H
#define REPORT_ENCODE_H

#include "report/pp.h"
#include "util/strbuf.h"

/* Not compressed; the same bytes as pprof writes for the same profile. */
void pp_encode(const struct pp *pp, struct strbuf *out);

#endif
