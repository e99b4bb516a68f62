/* SPDX-License-Identifier: MIT */
/* go_profile.c - buckets of a Go program as a profile. */
#include "heap/go_profile.h"

#include <math.h>
#include <string.h>

#include "sampler/naming.h"

#define INLINED_MAX 64
#define MINOR_LOGICAL 21 /* the first with an address for each function */
#define LABEL_BYTES "bytes"

/*
 * Objects that were live before and those that were allocated since lie in
 * one bucket, with another scale if the rate is another. What was freed since
 * then is taken to be of the new ones as far as there are any: most objects
 * die young.
 */
static double scale_live(const struct go_bucket *bucket,
			 const struct go_weights *weights)
{
	uint64_t live = bucket->now.allocs - bucket->now.frees;
	uint64_t born = bucket->now.allocs - bucket->start.allocs;
	uint64_t died = bucket->now.frees - bucket->start.frees;
	uint64_t young = born > died ? born - died : 0;
	uint64_t before = weights->rate_before ? weights->rate_before
					       : weights->rate;

	if (young > live)
		young = live;
	return go_scale(young, bucket->size, weights->rate) +
	       go_scale(live - young, bucket->size, before);
}

struct go_values go_bucket_values(const struct go_bucket *bucket,
				  const struct go_weights *weights)
{
	struct go_values values = {
		.samples = bucket->now.allocs - bucket->start.allocs,
	};

	values.alloc_objects = go_scale(values.samples, bucket->size,
					weights->rate);
	values.inuse_objects = scale_live(bucket, weights);
	return values;
}

static bool is_runtime(const char *name)
{
	return !strncmp(name, "runtime.", 8) ||
	       !strncmp(name, "internal/runtime/", 17);
}

/* The function of the source at @vaddr that a return address stands for. */
static const char *function_name(const struct go_program *program,
				 uint64_t vaddr)
{
	struct go_frame frames[INLINED_MAX];
	size_t n = gopclntab_frames(program->table, vaddr, frames,
				    INLINED_MAX);

	if (!n)
		return "";
	return frames[program->vars.minor >= MINOR_LOGICAL ? 0 : n - 1].name;
}

/* Where a stack of @pcs begins when the runtime's leaves are left out. */
static uint32_t skip_leaves(const struct go_program *program,
			    const uint64_t *pcs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!is_runtime(function_name(program,
					      pcs[i] - 1 - program->bias)))
			return i;
	return 0;
}

/* Not an address: how many frames the runtime has left out itself. */
static bool is_skip_mark(const struct go_program *program, uint64_t pc)
{
	uint64_t vaddr = pc - program->bias;

	return vaddr >= program->vars.skip_start &&
	       vaddr < program->vars.skip_end;
}

static stack_id make_stack(struct registry *registry, struct subject *subject,
			   const struct go_program *program,
			   const uint64_t *pcs, uint32_t n)
{
	location_id ids[GO_STACK_MAX];
	size_t n_ids = 0;

	for (uint32_t i = skip_leaves(program, pcs, n); i < n; i++) {
		taddr addr = pcs[i] - 1; /* within the call */
		const struct mapping *mapping =
			space_find(subject->space, addr);

		if (is_skip_mark(program, pcs[i]))
			continue;
		ids[n_ids++] = subject_location(registry, subject,
						mapping ? mapping->id : NO_ID,
						addr, false);
	}
	return profile_stack(registry->profile, ids, n_ids);
}

void go_profile_fill(struct registry *registry, struct subject *subject,
		     const struct go_program *program,
		     const struct go_buckets *buckets,
		     const struct go_weights *weights)
{
	struct profile *profile = registry->profile;
	struct profile_label label = {
		.key = profile_string(profile, LABEL_BYTES),
		.num_unit = profile_string(profile, "bytes"),
	};

	profile_drop_samples(profile);
	for (size_t i = 0; i < buckets->list.n; i++) {
		const struct go_bucket *bucket = vec_at(&buckets->list, i);
		struct go_values v = go_bucket_values(bucket, weights);
		double size = (double)bucket->size;
		int64_t values[] = {
			llround(v.alloc_objects),
			llround(v.alloc_objects * size),
			llround(v.inuse_objects),
			llround(v.inuse_objects * size),
		};
		stack_id stack;

		if (!values[1] && !values[3])
			continue;
		stack = make_stack(registry, subject, program,
				   vec_at(&buckets->pcs, bucket->first_pc),
				   bucket->n_pcs);
		label.num = (int64_t)bucket->size;
		profile_add_sample(profile, stack,
				   profile_labels(profile, &label, 1),
				   values);
	}
}

/* Of what an address holds, the function that the runtime meant by it. */
static void name_location(struct profile *profile, location_id id,
			  const struct symbol_frame *frame)
{
	struct profile_function function = {
		.name = profile_string(profile, frame->name),
		.system_name = profile_string(profile, frame->system_name),
		.filename = profile_string(profile, frame->file),
		.start_line = frame->start_line,
	};
	struct profile_line line = {
		.function = profile_function(profile, &function),
		.line = frame->line,
	};

	profile_set_lines(profile, id, &line, 1);
}

void go_profile_symbolize(struct registry *registry,
			  const struct go_program *program,
			  struct symbolizer *symbolizer)
{
	struct profile *profile = registry->profile;
	bool is_logical = program->vars.minor >= MINOR_LOGICAL;

	for (location_id id = 0; is_logical && id < profile->locations.n;
	     id++) {
		const struct profile_location *location =
			vec_at(&profile->locations, id);
		enum symbol_source source;
		struct naming_place at;
		size_t n;

		if (!location->n_lines &&
		    naming_find_place(registry, id, &at) == PLACE_MODULE &&
		    at.module == program->module)
			name_location(profile, id,
				      symbolizer_find(symbolizer, at.module,
						      at.vaddr, &n, &source));
	}
	naming_symbolize(registry, symbolizer);
}
