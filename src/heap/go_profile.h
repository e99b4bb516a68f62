/* SPDX-License-Identifier: MIT */
/*
 * go_profile.h - buckets of a Go program as a profile.
 *
 * A stack of Go's runtime holds return addresses. Up to Go 1.20 there is one
 * for each physical frame; since Go 1.21 there is one for each function of the
 * source, where the address of a caller into which something was inlined is
 * that of a mark within it (tracebackPCs() in runtime/traceback.go). Like
 * runtime/pprof, the runtime's own frames at the leaf are left out.
 */
#ifndef HEAP_GO_PROFILE_H
#define HEAP_GO_PROFILE_H

#include "heap/go_buckets.h"
#include "heap/go_vars.h"
#include "heap/heap.h"
#include "sampler/subject.h"

struct go_program {
	const struct module *module;
	struct gopclntab *table;
	struct go_vars vars;
	taddr bias; /* address minus vaddr */
};

struct go_weights {
	uint64_t rate;	      /* mean distance during the run */
	uint64_t rate_before; /* 0: it was off */
};

/* What a bucket stands for. */
struct go_values {
	uint64_t samples;
	double alloc_objects, inuse_objects;
};

struct go_values go_bucket_values(const struct go_bucket *bucket,
				  const struct go_weights *weights);

/* Add all buckets to the profile of @registry, whose samples are cleared. */
void go_profile_fill(struct registry *registry, struct subject *subject,
		     const struct go_program *program,
		     const struct go_buckets *buckets,
		     const struct go_weights *weights);

/* Name the locations that go_profile_fill() made. */
void go_profile_symbolize(struct registry *registry,
			  const struct go_program *program,
			  struct symbolizer *symbolizer);

#endif
