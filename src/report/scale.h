/* SPDX-License-Identifier: MIT */
/* scale.h - what must be alike before profiles are merged; see merge.h. */
#ifndef REPORT_SCALE_H
#define REPORT_SCALE_H

#include "report/pp.h"
#include "util/error.h"

/* Reduce all to the sample types they share. */
struct error *pp_share_types(struct pp **profiles, size_t n) MUST_USE;

/* Scale all to the finest units found among them. */
struct error *pp_share_units(struct pp **profiles, size_t n) MUST_USE;

/* Same types, same units, same period type? */
struct error *pp_check_compatible(const struct pp *a,
				  const struct pp *b) MUST_USE;

#endif
