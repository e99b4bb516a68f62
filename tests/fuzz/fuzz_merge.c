/* SPDX-License-Identifier: MIT */
/*
 * fuzz_merge.c - two profiles of any bytes, merged, subtracted, normalized.
 *
 *	byte 0: flags; bytes 1 and 2: the length of the first; the profiles
 *
 * What comes out must be whole: it is written, read again and shown.
 */
#include <assert.h>

#include "fuzz.h"
#include "report/encode.h"
#include "report/merge.h"
#include "report/read.h"
#include "report/report.h"
#include "util/log.h"

enum { HEAD_BYTES = 3, IS_NORMALIZED = 1, IS_SUBTRACTED = 2, IS_TWICE = 4 };

static struct pp *read_profile(const uint8_t *data, size_t size,
			       struct intern *strings)
{
	struct pp *pp = NULL;

	error_free(pp_read_bytes(data, size, strings, &pp));
	return pp;
}

static void show(const struct pp *pp, const char *name)
{
	struct settings settings;
	struct strbuf text = { 0 };

	settings_init(&settings);
	error_free(report_make(pp, report_format_find(name), NULL, &settings,
			       &text));
	strbuf_clear(&text);
	settings_clear(&settings);
}

static void check_whole(const struct pp *pp, struct intern *strings)
{
	CLEANUP(strbuf_clear) struct strbuf bytes = { 0 };
	CLEANUP(pp_free) struct pp *again = NULL;
	struct error *error;

	pp_encode(pp, &bytes);
	error = pp_read_bytes(bytes.data, bytes.len, strings, &again);
	assert(!error);
	error_free(error);
	assert(again->samples.n == pp->samples.n);
	show(pp, "top");
	show(pp, "raw");
}

static void subtract(struct pp *pp)
{
	double ratios[64];

	if (pp->types.n > ARRAY_SIZE(ratios))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ratios); i++)
		ratios[i] = -1;
	pp_scale(pp, ratios);
}

static void combine(struct pp **profiles, unsigned flags,
		    struct intern *strings)
{
	struct pp *pp = NULL;
	struct error *error = NULL;

	if (flags & IS_NORMALIZED)
		error = pp_normalize(profiles[0], profiles[1]);
	if (flags & IS_SUBTRACTED)
		subtract(profiles[1]);
	if (!error)
		error = pp_combine(profiles, flags & IS_TWICE ? 1 : 2, &pp);
	if (!error)
		check_whole(pp, strings);
	error_free(error);
	if (pp != profiles[0])
		pp_free(pp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct intern strings;
	struct pp *profiles[2];
	size_t first;

	if (size < HEAD_BYTES)
		return 0;
	first = data[1] | (size_t)data[2] << 8;
	first = first > size - HEAD_BYTES ? size - HEAD_BYTES : first;
	log_set_level(LOG_ERROR);
	intern_init(&strings);
	profiles[0] = read_profile(data + HEAD_BYTES, first, &strings);
	profiles[1] = read_profile(data + HEAD_BYTES + first,
				   size - HEAD_BYTES - first, &strings);
	if (profiles[0] && profiles[1])
		combine(profiles, data[0], &strings);
	pp_free(profiles[0]);
	pp_free(profiles[1]);
	intern_clear(&strings);
	return 0;
}
