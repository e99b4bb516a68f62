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
#include "sampler/jit.h"
#include "sampler/record.h"
#include "sampler/tally.h"
#include "unwind/walk.h"
#include "target/root.h"

/* Where the code of a profile mapping is: to find names after the run. */
struct place {
	struct module *module; /* NULL: memory without a file */
	struct jit *jit;       /* whose code this may be, or NULL */
	uint64_t start, offset;
};

/* The files of processes that see others than we do. */
struct known_root {
	struct root root;
	struct image_root image; /* the same, as modules know it */
};

/* What all subjects share; registry_init() before use. */
struct registry {
	struct profile *profile;
	struct modules modules;
	struct vec places; /* struct place, by profile mapping id */
	struct intern place_keys; /* what mappings of processes share */
	struct vec jits;   /* struct jit *, owned */
	struct vec roots;  /* struct known_root *, owned */
	taddr agent_at; /* as in options.h */
	uint64_t most_stacks; /* of one subject: the profile is named for it */
};

/* Most frames were met a moment ago: 4 ns instead of 20 to find them. */
#define LOCATION_MEMO 512

struct location_memo {
	uint64_t key; /* as in @locations; 0: empty */
	location_id location;
};

/* A mapping of one process in the profile. */
struct placed {
	uint32_t id; /* of the profile mapping, or NO_ID */
	taddr shift; /* added to an address: the first process that mapped
			this had it elsewhere */
};

struct subject {
	pid_t pid, tid; /* a thread through which /proc can be read */
	struct space *space;
	struct jit *jit; /* owned by the registry; NULL: none needed so far */
	const struct jit *parent_jit; /* of the process it was forked from */
	pid_t parent_pid;	      /* or 0 */
	bool is_prepared;
	char *maps; /* as they were in the stop, or NULL; owned */
	size_t maps_bytes;
	int64_t fresh_ns;    /* when its maps were read last */
	char process[64];    /* its comm; its parent's, if that was too late */
	uint64_t n_stacks;   /* seen so far */
	uint32_t program;    /* profile mapping of its program, or NO_ID */
	struct vec mappings; /* struct placed, by space mapping id */
	struct map locations; /* (space mapping, address) -> location */
	struct location_memo memo[LOCATION_MEMO]; /* of @locations */
	struct vec pool;      /* struct hit */
};

void registry_init(struct registry *registry, struct profile *profile);
/* Frees the profile too. */
void registry_clear(struct registry *registry);

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

/* These are the maps of @subject, if it is too late to read newer ones. */
void subject_take_maps(struct subject *subject,
		       const struct maps_record *maps);

/*
 * Read the maps again if that was a second ago: a library that replaced
 * another one at the same address is not noticed otherwise.
 */
void subject_keep_fresh(struct subject *subject);

/* One more stack of @subject: is the profile about this one? */
void subject_count_stack(struct registry *registry, struct subject *subject);

/* Append the location_id of each of @frames. */
void subject_locate(struct registry *registry, struct subject *subject,
		    const struct frames *frames, struct vec *out);

/* The location of @addr in mapping @mapping_id of the subject's space. */
location_id subject_location(struct registry *registry,
			     struct subject *subject, uint32_t mapping_id,
			     taddr addr, bool is_guessed);

#endif
