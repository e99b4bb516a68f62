/* SPDX-License-Identifier: MIT */
/*
 * merge.h - several profiles into one, and one subtracted from another.
 *
 * What they share is met by content: mappings by build id or file, locations
 * by their offset in the mapping, functions by name, file and line, samples
 * by stack and labels. Units are brought to the finest one.
 */
#ifndef REPORT_MERGE_H
#define REPORT_MERGE_H

#include "report/pp.h"
#include "util/error.h"

/*
 * Reduce the @n profiles to the sample types that all of them have, bring
 * their units together, and merge them into *@out. A single one is handed
 * back as it is, reduced likewise. The profiles are changed and still the
 * caller's, except that *@out may be the first.
 */
struct error *pp_combine(struct pp **profiles, size_t n,
			 struct pp **out) MUST_USE;

/* Scale each type of @pp so that its sum is that of @base. */
struct error *pp_normalize(struct pp *pp, const struct pp *base) MUST_USE;

/* Multiply the values of each type; samples that become 0 are dropped. */
void pp_scale(struct pp *pp, const double *ratios);

#endif
