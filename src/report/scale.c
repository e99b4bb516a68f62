/* SPDX-License-Identifier: MIT */
/* scale.c - sample types and units of several profiles brought together. */
#include "report/scale.h"

#include <math.h>

#include "profile/unit.h"
#include "report/merge.h"
#include "report/wrap.h"

static struct pp_type *type_at(const struct pp *pp, size_t i)
{
	return vec_at(&pp->types, i);
}

static size_t count_types(struct pp **profiles, size_t n, string_id type)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < profiles[i]->types.n; j++)
			count += type_at(profiles[i], j)->type == type;
	return count;
}

static size_t find_type(const struct pp *pp, string_id type)
{
	for (size_t i = 0; i < pp->types.n; i++)
		if (type_at(pp, i)->type == type)
			return i;
	return SIZE_MAX;
}

/* Keep the types in @common, in their order, and the values of each. */
static void reduce_types(struct pp *pp, const struct vec *common)
{
	size_t n_old = pp->types.n, n = common->n;
	CLEANUP(free) struct pp_type *types = xcalloc(n_old, sizeof(*types));
	CLEANUP(free) size_t *from = xcalloc(n, sizeof(*from));
	CLEANUP(free) int64_t *row = xcalloc(n_old, sizeof(*row));
	bool keeps_default = false, is_same = n == n_old;

	memcpy(types, pp->types.data, n_old * sizeof(*types));
	for (size_t i = 0; i < n; i++) {
		string_id type = *(string_id *)vec_at(common, i);

		from[i] = find_type(pp, type);
		keeps_default |= type == pp->default_type;
		is_same &= from[i] == i;
	}
	if (is_same)
		return;
	if (!keeps_default)
		pp->default_type = *(string_id *)vec_at(common, 0);
	pp_own_values(pp);
	for (size_t r = 0; r < pp->n_rows; r++) {
		memcpy(row, pp->values + r * n_old, n_old * sizeof(*row));
		for (size_t i = 0; i < n; i++)
			pp->values[r * n + i] = row[from[i]];
	}
	for (size_t i = 0; i < n; i++)
		*type_at(pp, i) = types[from[i]];
	pp->types.n = n;
}

/* "samples cpu" */
static char *type_names(const struct pp *pp)
{
	struct strbuf out = { 0 };

	strbuf_adds(&out, "");
	for (size_t i = 0; i < pp->types.n; i++)
		strbuf_addf(&out, "%s%s", i ? " " : "",
			    pp_text(pp, type_at(pp, i)->type));
	return out.data;
}

static struct error *nothing_common(struct pp **profiles, size_t n)
{
	CLEANUP(free) char *a = type_names(profiles[0]);
	CLEANUP(free) char *b = type_names(profiles[n - 1]);

	return error_hint(error_new("profiles have empty common sample type "
				    "list"),
			  "the first has [%s], the last [%s]", a, b);
}

/* A type that a profile has twice is in none of them, as in pprof. */
struct error *pp_share_types(struct pp **profiles, size_t n)
{
	struct vec common = VEC_OF(string_id);

	for (size_t i = 0; i < profiles[0]->types.n; i++) {
		string_id type = type_at(profiles[0], i)->type;
		bool is_everywhere = count_types(profiles, n, type) == n;

		for (size_t j = 0; j < n && is_everywhere; j++)
			is_everywhere = find_type(profiles[j], type) !=
					SIZE_MAX;
		if (is_everywhere)
			*(string_id *)vec_push(&common) = type;
	}
	if (!common.n)
		return nothing_common(profiles, n);
	for (size_t i = 0; i < n; i++)
		reduce_types(profiles[i], &common);
	vec_clear(&common);
	return NULL;
}

/* "sample" is as good as "samples"; any units of one family fit. */
static bool are_compatible(const struct pp *pp, const struct pp_type *a,
			   const struct pp_type *b)
{
	const char *s = pp_text(pp, a->type), *t = pp_text(pp, b->type);
	const char *unit_a = pp_text(pp, a->unit);
	const char *unit_b = pp_text(pp, b->unit);
	size_t n = strlen(s), m = strlen(t);

	n -= n && s[n - 1] == 's';
	m -= m && t[m - 1] == 's';
	if (n != m || memcmp(s, t, n))
		return false;
	return a->unit == b->unit || unit_is_kin(unit_a, unit_b);
}

static double unit_ratio(const struct pp *pp, string_id from, string_id to)
{
	const char *unit;

	return unit_scale(1, pp_text(pp, from), pp_text(pp, to), &unit);
}

/* The finest unit of type @index (SIZE_MAX: of the period) in all profiles. */
static struct error *finest_unit(struct pp **profiles, size_t n, size_t index,
				 string_id *out)
{
	struct pp_type finest = { 0, 0 };

	for (size_t i = 0; i < n; i++) {
		const struct pp_type *type =
			index == SIZE_MAX ? &profiles[i]->period_type :
					    type_at(profiles[i], index);

		if (!i) {
			finest = *type;
			continue;
		}
		if (!are_compatible(profiles[0], &finest, type))
			return error_new("incompatible types: %s/%s %s/%s",
					 pp_text(profiles[0], finest.type),
					 pp_text(profiles[0], finest.unit),
					 pp_text(profiles[0], type->type),
					 pp_text(profiles[0], type->unit));
		if (unit_ratio(profiles[0], type->unit, finest.unit) < 1)
			finest = *type;
	}
	*out = finest.unit;
	return NULL;
}

struct error *pp_share_units(struct pp **profiles, size_t n)
{
	size_t n_types = profiles[0]->types.n;
	CLEANUP(free) string_id *units = xcalloc(n_types + 1, sizeof(*units));
	CLEANUP(free) double *ratios = xcalloc(n_types, sizeof(*ratios));

	for (size_t t = 0; t <= n_types; t++) {
		struct error *error = finest_unit(
			profiles, n, t < n_types ? t : SIZE_MAX, &units[t]);

		if (error)
			return error_wrap(error, "%s", t < n_types ?
							      "sample types" :
							      "period type");
	}
	for (size_t i = 0; i < n; i++) {
		struct pp *pp = profiles[i];
		const char *unit;

		pp->period = int64_of_double(
			unit_scale(pp->period,
				   pp_text(pp, pp->period_type.unit),
				   pp_text(pp, units[n_types]), &unit));
		pp->period_type.unit = units[n_types];
		for (size_t t = 0; t < n_types; t++) {
			ratios[t] = unit_ratio(pp, type_at(pp, t)->unit,
					       units[t]);
			type_at(pp, t)->unit = units[t];
		}
		pp_scale(pp, ratios);
	}
	return NULL;
}

void pp_scale(struct pp *pp, const double *ratios)
{
	struct pp_sample *samples = pp->samples.data;
	size_t n_types = pp->types.n, n = 0;
	bool is_needed = false;

	for (size_t t = 0; t < n_types; t++)
		is_needed |= ratios[t] != 1;
	if (!is_needed)
		return;
	pp_own_values(pp);
	for (size_t i = 0; i < pp->samples.n; i++) {
		int64_t *values = pp_values(pp, &samples[i]);
		bool is_kept = false;

		for (size_t t = 0; t < n_types; t++) {
			if (ratios[t] == 1)
				continue;
			values[t] = int64_of_double(
				round((double)values[t] * ratios[t]));
			is_kept |= values[t] != 0;
		}
		if (is_kept)
			samples[n++] = samples[i];
	}
	pp->samples.n = n;
}

static void sum_types(const struct pp *pp, int64_t *sums)
{
	for (size_t i = 0; i < pp->samples.n; i++) {
		const int64_t *values =
			pp_values(pp, vec_at(&pp->samples, i));

		for (size_t t = 0; t < pp->types.n; t++)
			sums[t] = wrap_add(sums[t], values[t]);
	}
}

struct error *pp_normalize(struct pp *pp, const struct pp *base)
{
	size_t n = pp->types.n;
	CLEANUP(free) int64_t *own = xcalloc(n, sizeof(*own));
	CLEANUP(free) int64_t *sums = xcalloc(n + base->types.n,
					      sizeof(*sums));
	CLEANUP(free) double *ratios = xcalloc(n, sizeof(*ratios));
	struct error *error = pp_check_compatible(pp, base);

	if (error)
		return error;
	sum_types(pp, own);
	sum_types(base, sums);
	for (size_t t = 0; t < n; t++)
		ratios[t] = own[t] ? (double)sums[t] / (double)own[t] : 0;
	pp_scale(pp, ratios);
	return NULL;
}
