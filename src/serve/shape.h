/* SPDX-License-Identifier: MIT */
/*
 * shape.h - what one client gets of a run that is shared.
 *
 * A run is sampled as the most demanding of its clients wants it. The others
 * get less of it: what came after they did, one thread, no column of wall
 * time. The profile is cut in place, and put back when it was written.
 */
#ifndef SERVE_SHAPE_H
#define SERVE_SHAPE_H

#include <sys/types.h>

#include "profile/profile.h"
#include "util/strbuf.h"

struct shape {
	const struct vec *base; /* struct profile_sample: from before */
	const struct vec *last; /* the same at the end; NULL: it is now */
	bool is_wall;
	bool has_threads; /* keep the labels of threads */
	pid_t tid, pid;	  /* only these; 0: all */
	uint32_t every;	  /* only every so many ticks; 1: all */
	int64_t time_ns, duration_ns;
	const char *comment; /* or NULL */
};

/* What shape_restore() puts back; it must be called, it owns memory. */
struct shape_saved {
	struct value_type types[PROFILE_MAX_TYPES];
	struct value_type period_type;
	struct vec samples;
	size_t n_types, n_comments;
	int64_t period, time_ns, duration_ns;
	string_id default_type;
};

void shape_apply(struct profile *profile, const struct shape *shape,
		 struct shape_saved *out_saved);
void shape_restore(struct profile *profile, struct shape_saved *saved);

/* The text of label @key of a sample, or NULL. */
const char *shape_label(const struct profile *profile,
			const struct profile_sample *sample, const char *key);

/*
 * Profiles (struct strbuf of profile.proto, not compressed) one behind the
 * other in time, as one, gzipped.
 */
struct error *shape_join(const struct vec *parts,
			 struct strbuf *out) MUST_USE;

/* @after without what @before has, of the time that @after says; gzipped. */
struct error *shape_subtract(const struct strbuf *before,
			     const struct strbuf *after,
			     struct strbuf *out) MUST_USE;

#endif
