/* SPDX-License-Identifier: MIT */
/* naming.h - the last steps before a profile is shown: names and labels. */
#ifndef SAMPLER_NAMING_H
#define SAMPLER_NAMING_H

#include "sampler/subject.h"
#include "symbol/symbol.h"

#define LABEL_PID "pid"
#define LABEL_PROCESS "process"
#define LABEL_THREAD_ID "thread_id"
#define LABEL_THREAD_NAME "thread_name"
#define LABEL_PHASE "phase"

enum place_kind {
	PLACE_MODULE, /* in an ELF file */
	PLACE_FILE,   /* in a file that is none, or cannot be opened */
	PLACE_MADE,   /* in memory that a JIT compiler may have filled */
	PLACE_OTHER,  /* a name of our own, or nothing that is mapped */
};

struct naming_place {
	const struct module *module; /* PLACE_MODULE, PLACE_FILE */
	uint64_t vaddr;		     /* PLACE_MODULE */
	const char *made_name;	     /* PLACE_MADE: or NULL */
};

enum place_kind naming_find_place(const struct registry *registry,
				  location_id id, struct naming_place *out);

/*
 * Give every location that has no lines yet its lines. Shows progress when
 * it takes longer than a second.
 */
void naming_symbolize(struct registry *registry,
		      struct symbolizer *symbolizer);

/*
 * Take the labels that tell processes apart from all samples when there is
 * only one process: they say nothing then.
 */
void naming_drop_process_labels(struct profile *profile);

#endif
