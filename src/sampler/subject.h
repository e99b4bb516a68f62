/* SPDX-License-Identifier: MIT */
/*
 * subject.h - a process as the unwinder sees it: mappings, names, places.
 *
 * A process is a new subject after exec. Mappings are read through /proc of
 * whichever of its threads was seen last. Belongs to the unwinder thread.
 */
#ifndef SAMPLER_SUBJECT_H
#define SAMPLER_SUBJECT_H

#include "image/space.h"
#include "profile/profile.h"
#include "sampler/tally.h"

/* Where the code of a profile mapping is: to find names after the run. */
struct place {
	struct module *module; /* NULL: memory without a file */
	uint64_t start, offset;
};

/* What all subjects share. */
struct registry {
	struct profile *profile;
	struct modules modules;
	struct vec places; /* struct place, by profile mapping id */
	uint64_t most_stacks; /* of one subject: the profile is named for it */
};

struct subject {
	pid_t pid, tid; /* a thread through which /proc can be read */
	struct space *space;
	bool is_prepared;
	int64_t fresh_ns;    /* when its maps were read last */
	char process[64];    /* its comm; its pid if that was too late */
	uint64_t n_stacks;   /* seen so far */
	uint32_t program;    /* profile mapping of its program, or NO_ID */
	struct vec mappings; /* uint32_t: space mapping id -> profile id */
	struct map locations; /* (space mapping, address) -> location */
	struct vec pool;      /* struct hit */
};

/* @parent: the subject it was forked from, or NULL. */
struct subject *subject_new(struct registry *registry, pid_t pid,
			    const struct subject *parent);
void subject_free(struct subject *subject);

/*
 * Before the first walk: read maps and the name, and put the mapping of the
 * program itself in front of all others of the profile.
 */
void subject_prepare(struct registry *registry, struct subject *subject,
		     pid_t tid);

/*
 * Read the maps again if that was a second ago: a library that replaced
 * another one at the same address is not noticed otherwise.
 */
void subject_keep_fresh(struct subject *subject);

/* One more stack of @subject: is the profile about this one? */
void subject_count_stack(struct registry *registry, struct subject *subject);

/* The location of @addr in mapping @mapping_id of the subject's space. */
location_id subject_location(struct registry *registry,
			     struct subject *subject, uint32_t mapping_id,
			     taddr addr, bool is_guessed);

#endif
