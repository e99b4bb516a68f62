/* SPDX-License-Identifier: MIT */
/*
 * pp.h - a profile.proto in memory, whole and ready to be filtered.
 *
 * The tables of profile/profile.h are for recording: they intern, number
 * densely and hold what psample knows. A report must hold what anybody wrote:
 * ids of any value, any number of sample types, columns, labels with several
 * values; and it must be cut up by filters. So it has tables of its own.
 *
 * References are indices here, not ids. Equal stacks and equal label sets are
 * kept once, so that most filters run once per stack and not per sample; a
 * stack is a slice, so that cutting its ends costs nothing.
 *
 * pp_copy() shares stacks' frames, label sets, values and strings with its
 * original, which must outlive it; tables that filters change are copied.
 */
#ifndef REPORT_PP_H
#define REPORT_PP_H

#include "profile/profile.h"

struct pp_type {
	string_id type, unit;
};

struct pp_mapping {
	uint64_t id, start, limit, offset;
	string_id file, build_id;
	bool has_functions, has_filenames, has_line_numbers,
		has_inline_frames;
};

struct pp_function {
	uint64_t id;
	string_id name, system_name, filename;
	int64_t start_line;
};

struct pp_line {
	int64_t line, column;
	uint32_t function;
};

struct pp_location {
	uint64_t id, address;
	uint32_t mapping; /* NO_ID: none */
	uint32_t first_line, n_lines; /* innermost inline first */
	bool is_folded;
};

struct pp_stack {
	const uint32_t *frames; /* locations, leaf first */
	uint32_t n;
};

enum { /* flags of a label */
	PP_LABEL_IS_NUMBER = 1,
	/* One of the key's numbers in this sample has a unit, so all do. */
	PP_LABEL_HAS_UNITS = 2,
};

struct pp_label { /* no padding: bytes of it are keys */
	string_id key, str, unit;
	uint32_t flags;
	int64_t num;
};

/* Strings before numbers, then by the text of the key, then as read. */
struct pp_labels {
	const struct pp_label *labels;
	uint32_t n;
};

struct pp_sample {
	uint32_t stack, labels;
	uint32_t row; /* of values */
};

struct pp {
	struct intern *strings;	 /* of the caller, shared; id 0 is "" */
	struct vec types;	 /* struct pp_type */
	struct vec mappings;	 /* struct pp_mapping */
	struct vec functions;	 /* struct pp_function */
	struct vec lines;	 /* struct pp_line */
	struct vec locations;	 /* struct pp_location */
	struct vec stacks;	 /* struct pp_stack */
	struct vec label_sets;	 /* struct pp_labels; set 0 is empty */
	struct vec samples;	 /* struct pp_sample */
	struct vec comments;	 /* string_id */
	int64_t *values;	 /* rows of types.n */
	size_t n_rows;
	bool owns_values;
	string_id default_type, drop_frames, keep_frames, doc_url;
	struct pp_type period_type;
	int64_t period, time_ns, duration_ns;

	struct intern stack_index, label_index; /* bytes -> same ids */
	struct arena arena;			/* what filters make */
};

struct pp *pp_new(struct intern *strings);
struct pp *pp_copy(const struct pp *pp);
void pp_free(struct pp *pp);
DEFINE_CLEANUP(pp_free, struct pp *)

static inline const char *pp_text(const struct pp *pp, string_id id)
{
	return intern_get(pp->strings, id)->bytes;
}

string_id pp_string(struct pp *pp, const char *s);

/* The stack of these @n locations, made if it is new. */
uint32_t pp_stack(struct pp *pp, const uint32_t *frames, size_t n);

/* The set of these @n labels in any order, made if it is new. */
uint32_t pp_labels(struct pp *pp, const struct pp_label *labels, size_t n);

/* Ids from 1 in their order, so that n + 1 is one for another function. */
void pp_number_functions(struct pp *pp);

/* Append a sample; its row of values, to be filled. */
int64_t *pp_sample(struct pp *pp, uint32_t stack, uint32_t labels);

static inline int64_t *pp_values(const struct pp *pp,
				 const struct pp_sample *sample)
{
	return pp->values + (size_t)sample->row * pp->types.n;
}

/* Values of its own, so that they may be changed. */
void pp_own_values(struct pp *pp);

/*
 * By set of labels: is it of a diff base, which is what percentages are of?
 * The caller frees it.
 */
bool *pp_find_base_sets(const struct pp *pp);

/* Keep the samples whose stack is kept; @is_kept by stack. */
void pp_keep_stacks(struct pp *pp, const bool *is_kept);

#endif
