/* SPDX-License-Identifier: MIT */
/* shape.c - what one client gets of a run that is shared. */
#include "serve/shape.h"

#include <stdio.h>

#include "profile/write.h"
#include "report/encode.h"
#include "report/merge.h"
#include "report/read.h"
#include "sampler/naming.h"
#include "sampler/tally.h"

#define LABELS_KEPT_MAX 64

const char *shape_label(const struct profile *profile,
			const struct profile_sample *sample, const char *key)
{
	size_t n;
	const struct profile_label *labels =
		profile_label_set(profile, sample->labels, &n);

	for (size_t i = 0; i < n; i++)
		if (labels[i].str &&
		    !strcmp(profile_string_text(profile, labels[i].key), key))
			return profile_string_text(profile, labels[i].str);
	return NULL;
}

static bool is_number(const struct profile *profile,
		      const struct profile_sample *sample, const char *key,
		      pid_t number)
{
	const char *text = shape_label(profile, sample, key);
	char wanted[16];

	snprintf(wanted, sizeof(wanted), "%d", (int)number);
	return text && !strcmp(text, wanted);
}

static void subtract(struct profile_sample *sample,
		     const struct profile_sample *before)
{
	for (size_t i = 0; i < PROFILE_MAX_TYPES; i++)
		sample->values[i] -= before->values[i];
}

/* A hit of a thread that was on no core has no weight for a CPU profile. */
static void drop_wall(const struct profile *profile,
		      struct profile_sample *sample)
{
	int64_t period = profile->period ? profile->period : 1;
	int64_t n = (sample->values[VALUE_CPU] + period / 2) / period;

	if (sample->values[VALUE_CPU] <= 0)
		sample->values[VALUE_SAMPLES] = 0;
	else if (sample->values[VALUE_SAMPLES] > n)
		sample->values[VALUE_SAMPLES] = n ? n : 1;
	sample->values[VALUE_WALL] = 0;
}

static bool is_wanted(const struct profile *profile,
		      const struct profile_sample *sample,
		      const struct shape *shape)
{
	bool has_value = false;

	for (size_t i = 0; i < PROFILE_MAX_TYPES; i++)
		has_value |= sample->values[i] != 0;
	/* With one process there is no label of it. */
	return has_value &&
	       (!shape->tid || is_number(profile, sample, LABEL_THREAD_ID,
					 shape->tid)) &&
	       (!shape->pid ||
		!shape_label(profile, sample, LABEL_PID) ||
		is_number(profile, sample, LABEL_PID, shape->pid));
}

static bool is_internal(const char *key, const struct shape *shape)
{
	return !strcmp(key, LABEL_PHASE) ||
	       (!shape->has_threads && (!strcmp(key, LABEL_THREAD_ID) ||
					!strcmp(key, LABEL_THREAD_NAME)));
}

/* Of the labels that only we need; the phase is told, -1: it has none. */
static int64_t drop_labels(struct profile *profile,
			   struct profile_sample *sample,
			   const struct shape *shape)
{
	struct profile_label kept[LABELS_KEPT_MAX];
	int64_t phase = -1;
	size_t n, n_kept = 0;
	const struct profile_label *labels =
		profile_label_set(profile, sample->labels, &n);

	for (size_t i = 0; i < n && n_kept < ARRAY_SIZE(kept); i++) {
		const char *key =
			profile_string_text(profile, labels[i].key);

		if (!strcmp(key, LABEL_PHASE))
			phase = labels[i].num;
		if (!is_internal(key, shape))
			kept[n_kept++] = labels[i];
	}
	sample->labels = profile_labels(profile, kept, n_kept);
	return phase;
}

/* What is thinned out: weights of all ticks, and of those that are kept. */
struct thinning {
	int64_t all[PROFILE_MAX_TYPES], kept[PROFILE_MAX_TYPES];
	struct vec samples; /* size_t, index of those that were kept */
};

/* False if another tick's. */
static bool thin(struct thinning *thinning, struct profile_sample *sample,
		 int64_t phase, uint32_t every)
{
	bool is_kept = phase >= 0 && phase % every == 0;

	if (phase < 0) { /* the same stack for many ticks, or no stack */
		sample->values[VALUE_SAMPLES] =
			(sample->values[VALUE_SAMPLES] + every - 1) / every;
		return true;
	}
	for (size_t i = VALUE_CPU; i < PROFILE_MAX_TYPES; i++) {
		thinning->all[i] += sample->values[i];
		thinning->kept[i] += is_kept ? sample->values[i] : 0;
	}
	return is_kept;
}

/* The weights of all ticks to those that are kept: sums stay exact. */
static void spread(const struct thinning *thinning, struct profile *profile)
{
	int64_t rest[PROFILE_MAX_TYPES];

	memcpy(rest, thinning->all, sizeof(rest));
	for (size_t i = 0; i < thinning->samples.n; i++) {
		struct profile_sample *sample = vec_at(
			&profile->samples,
			*(size_t *)vec_at(&thinning->samples, i));

		for (size_t j = VALUE_CPU; j < PROFILE_MAX_TYPES; j++) {
			double share = thinning->kept[j]
				? (double)sample->values[j] /
					  (double)thinning->kept[j] : 0;

			sample->values[j] = i + 1 == thinning->samples.n
				? rest[j]
				: (int64_t)(share * (double)thinning->all[j]);
			rest[j] -= sample->values[j];
		}
	}
}

static void save(const struct profile *profile, struct shape_saved *out)
{
	out->samples = vec_copy(&profile->samples);
	memcpy(out->types, profile->types, sizeof(out->types));
	out->period_type = profile->period_type;
	out->n_types = profile->n_types;
	out->n_comments = profile->comments.n;
	out->period = profile->period;
	out->time_ns = profile->time_ns;
	out->duration_ns = profile->duration_ns;
	out->default_type = profile->default_type;
}

/* What a client has of sample @i; false if nothing. */
static bool take_sample(struct profile *profile, const struct shape *shape,
			size_t i, struct profile_sample *sample)
{
	*sample = *(struct profile_sample *)vec_at(&profile->samples, i);
	if (shape->last)
		memcpy(sample->values,
		       ((struct profile_sample *)vec_at(shape->last, i))
			       ->values,
		       sizeof(sample->values));
	if (i < shape->base->n)
		subtract(sample, vec_at(shape->base, i));
	if (profile->n_types > VALUE_WALL && !shape->is_wall)
		drop_wall(profile, sample);
	return is_wanted(profile, sample, shape);
}

static void thin_out(struct profile *profile, const struct shape *shape)
{
	struct thinning thinning = { .samples = VEC_OF(size_t) };
	size_t n_kept = 0;
	size_t n = shape->last ? shape->last->n : profile->samples.n;

	for (size_t i = 0; i < n; i++) {
		struct profile_sample sample;
		int64_t phase;

		if (!take_sample(profile, shape, i, &sample))
			continue;
		phase = drop_labels(profile, &sample, shape);
		if (shape->every > 1 &&
		    !thin(&thinning, &sample, phase, shape->every))
			continue;
		if (shape->every > 1 && phase >= 0)
			*(size_t *)vec_push(&thinning.samples) = n_kept;
		*(struct profile_sample *)vec_at(&profile->samples,
						 n_kept++) = sample;
	}
	profile->samples.n = n_kept;
	spread(&thinning, profile);
	vec_clear(&thinning.samples);
}

/* Samples that differed in a label that is gone are one. */
static void merge_equal(struct profile *profile)
{
	struct map index = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < profile->samples.n; i++) {
		struct profile_sample sample = *(struct profile_sample *)
			vec_at(&profile->samples, i);
		uint64_t key = (uint64_t)sample.stack << 32 | sample.labels;
		uint32_t at = map_get(&index, key);
		struct profile_sample *to;

		if (at == NO_ID) {
			map_put(&index, key, (uint32_t)n);
			to = vec_at(&profile->samples, n++);
			*to = sample;
			continue;
		}
		to = vec_at(&profile->samples, at);
		for (size_t j = 0; j < PROFILE_MAX_TYPES; j++)
			to->values[j] += sample.values[j];
	}
	profile->samples.n = n;
	map_clear(&index);
}

void shape_apply(struct profile *profile, const struct shape *shape,
		 struct shape_saved *out_saved)
{
	save(profile, out_saved);
	thin_out(profile, shape);
	merge_equal(profile);
	if (profile->n_types > VALUE_WALL && !shape->is_wall) {
		profile->n_types = VALUE_WALL;
		profile->period_type.type = profile_string(profile, "cpu");
	}
	if (shape->every > 1)
		profile->period *= shape->every;
	profile->time_ns = shape->time_ns;
	profile->duration_ns = shape->duration_ns;
	if (shape->comment)
		profile_add_comment(profile, shape->comment);
}

void shape_restore(struct profile *profile, struct shape_saved *saved)
{
	memcpy(profile->types, saved->types, sizeof(saved->types));
	profile->period_type = saved->period_type;
	profile->n_types = saved->n_types;
	vec_clear(&profile->samples);
	profile->samples = saved->samples;
	profile->comments.n = saved->n_comments;
	profile->period = saved->period;
	profile->time_ns = saved->time_ns;
	profile->duration_ns = saved->duration_ns;
	profile->default_type = saved->default_type;
}

static struct error *merge(struct pp **profiles, size_t n,
			   struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf bytes = { 0 };
	struct pp *merged = NULL;
	struct error *error = pp_combine(profiles, n, &merged);

	if (error)
		return error;
	pp_encode(merged, &bytes);
	if (merged != profiles[0])
		pp_free(merged);
	return gzip_compress(bytes.data, bytes.len, out);
}

struct error *shape_join(const struct vec *parts, struct strbuf *out)
{
	const struct strbuf *first = vec_at(parts, 0);
	CLEANUP(free) struct pp **profiles =
		xcalloc(parts->n, sizeof(*profiles));
	struct error *error = NULL;
	struct intern strings;

	if (parts->n == 1)
		return gzip_compress(first->data, first->len, out);
	intern_init(&strings);
	for (size_t i = 0; i < parts->n && !error; i++) {
		const struct strbuf *part = vec_at(parts, i);

		error = pp_read_bytes(part->data, part->len, &strings,
				      &profiles[i]);
	}
	if (!error)
		error = merge(profiles, parts->n, out);
	for (size_t i = 0; i < parts->n; i++)
		pp_free(profiles[i]);
	intern_clear(&strings);
	return error;
}

static struct error *subtract_profile(struct pp *before, struct pp *after,
				      struct strbuf *out)
{
	const double minus[] = { -1, -1, -1, -1 };
	struct pp *profiles[] = { after, before };

	if (before->types.n > ARRAY_SIZE(minus))
		return error_new("too many sample types");
	before->time_ns = after->time_ns;
	before->duration_ns = 0; /* durations are added */
	pp_scale(before, minus);
	return merge(profiles, ARRAY_SIZE(profiles), out);
}

struct error *shape_subtract(const struct strbuf *before,
			     const struct strbuf *after, struct strbuf *out)
{
	struct pp *a = NULL, *b = NULL;
	struct error *error;
	struct intern strings;

	intern_init(&strings);
	error = pp_read_bytes(before->data, before->len, &strings, &a);
	if (!error)
		error = pp_read_bytes(after->data, after->len, &strings, &b);
	if (!error)
		error = subtract_profile(a, b, out);
	pp_free(a);
	pp_free(b);
	intern_clear(&strings);
	return error;
}
