/* SPDX-License-Identifier: MIT */
/*
 * profile.h - the tables of a profile, linked by dense ids.
 *
 * Shape and meaning follow profile.proto (message perftools.profiles), with
 * 0-based ids here and 1-based ids on disk. Samples hold a stack id, stacks
 * hold location ids leaf first, locations hold a mapping and, once symbolized,
 * lines innermost inline first. One owner at a time; all strings are interned
 * in @strings, whose id 0 is "".
 */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/stack_tree.h"
#include "util/error.h"

typedef uint32_t string_id;

#define PROFILE_MAX_TYPES 4

struct value_type {
	string_id type, unit;
};

struct profile_mapping {
	uint64_t start, limit, offset;
	string_id filename, build_id;
	bool has_functions, has_filenames, has_line_numbers,
		has_inline_frames;
};

struct profile_function {
	string_id name;	       /* as shown: demangled */
	string_id system_name; /* as in the symbol table */
	string_id filename;
	int64_t start_line;
};

struct profile_line {
	uint32_t function;
	int64_t line;
};

struct profile_location {
	uint32_t mapping; /* NO_ID: a pseudo frame like [unsampled] */
	uint64_t address;
	uint32_t first_line, n_lines; /* in lines; innermost inline first */
	bool is_guessed;
};

struct profile_label {
	string_id key, str; /* str 0: a number */
	int64_t num;
	string_id num_unit;
};

struct profile_sample {
	stack_id stack;
	uint32_t labels; /* id in label_sets */
	int64_t values[PROFILE_MAX_TYPES];
};

struct profile {
	struct value_type types[PROFILE_MAX_TYPES];
	size_t n_types;
	struct value_type period_type;
	int64_t period;
	int64_t time_ns, duration_ns; /* CLOCK_REALTIME of the start */
	string_id default_type;	      /* 0: none */
	struct vec comments;	      /* string_id */

	struct intern strings;
	struct stack_tree stacks;
	struct intern label_sets; /* arrays of struct profile_label */
	struct vec mappings;	  /* struct profile_mapping */
	uint32_t main_mapping;	  /* the program that the profile is about */
	struct vec locations;	  /* struct profile_location */
	struct vec functions;	  /* struct profile_function */
	struct vec lines;	  /* struct profile_line */
	struct vec samples;	  /* struct profile_sample */

	struct keyset sample_index;   /* stack << 32 | labels, same ids */
	struct intern function_index; /* function keys, same ids */
	struct intern location_index; /* location keys, same ids */
};

struct profile *profile_new(void);
void profile_free(struct profile *profile);
DEFINE_CLEANUP(profile_free, struct profile *)

string_id profile_string(struct profile *profile, const char *s);
const char *profile_string_text(const struct profile *profile, string_id id);

/* Append a sample type; samples then carry one value more. */
void profile_add_type(struct profile *profile, const char *type,
		      const char *unit);
void profile_add_comment(struct profile *profile, const char *text);

/* A new mapping; its id. */
uint32_t profile_add_mapping(struct profile *profile,
			     const struct profile_mapping *mapping);

/* The location (@mapping, @address), made if it is new, without lines. */
location_id profile_location(struct profile *profile, uint32_t mapping,
			     uint64_t address, bool is_guessed);

/* A location that has only a name, like [unsampled]. */
location_id profile_pseudo_location(struct profile *profile,
				    const char *name);

/* The function with these four properties, made if it is new. */
uint32_t profile_function(struct profile *profile,
			  const struct profile_function *function);

/* Give @location its @n lines, innermost first; once per location. */
void profile_set_lines(struct profile *profile, location_id location,
		       const struct profile_line *lines, size_t n);

/* The stack of these @n locations, leaf first, made if it is new. */
stack_id profile_stack(struct profile *profile, const location_id *locations,
		       size_t n);

/* The label set of these @n labels (0 is allowed), made if it is new. */
uint32_t profile_labels(struct profile *profile,
			const struct profile_label *labels, size_t n);
const struct profile_label *profile_label_set(const struct profile *profile,
					      uint32_t id, size_t *out_n);

/* Add @values (one per sample type) to the sample (@stack, @labels). */
void profile_add_sample(struct profile *profile, stack_id stack,
			uint32_t labels, const int64_t *values);
void profile_drop_samples(struct profile *profile);
/* No more are to come, nor stacks: free what finds them, until one comes. */
void profile_seal(struct profile *profile);

/*
 * Every invariant of the tables: ids in range, no negative times, labels with
 * a key, at least one type if there are samples. NULL if all hold.
 */
struct error *profile_check(const struct profile *profile) MUST_USE;

#endif
