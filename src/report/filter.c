/* SPDX-License-Identifier: MIT */
/* filter.c - focus, ignore, hide, show, show_from, and granularity. */
#include "report/filter.h"

/* What a pattern says of each string, asked once. */
struct matcher {
	struct regex *regex;
	unsigned char *known; /* by string_id: 0 not asked, 1 no, 2 yes */
	size_t n;
};

static void matcher_init(struct matcher *matcher, const struct pp *pp,
			 struct regex *regex)
{
	matcher->regex = regex;
	matcher->n = pp->strings->entries.n;
	matcher->known = regex ? xcalloc(matcher->n, 1) : NULL;
}

static bool matches_string(struct matcher *matcher, const struct pp *pp,
			   string_id id)
{
	assert(id < matcher->n);
	if (!matcher->known[id])
		matcher->known[id] =
			1 + regex_matches(matcher->regex, pp_text(pp, id));
	return matcher->known[id] == 2;
}

static bool matches_line(struct matcher *matcher, const struct pp *pp,
			 uint32_t line)
{
	const struct pp_line *l = vec_at(&pp->lines, line);
	const struct pp_function *f = vec_at(&pp->functions, l->function);

	return matches_string(matcher, pp, f->name) ||
	       matches_string(matcher, pp, f->filename);
}

static bool matches_mapping(struct matcher *matcher, const struct pp *pp,
			    const struct pp_location *location)
{
	const struct pp_mapping *mapping;

	if (location->mapping == NO_ID)
		return false;
	mapping = vec_at(&pp->mappings, location->mapping);
	return matches_string(matcher, pp, mapping->file);
}

static bool matches_location(struct matcher *matcher, const struct pp *pp,
			     const struct pp_location *location)
{
	for (uint32_t i = 0; i < location->n_lines; i++)
		if (matches_line(matcher, pp, location->first_line + i))
			return true;
	return matches_mapping(matcher, pp, location);
}

/* Keep the lines that match, or those that do not. */
static void filter_lines(struct matcher *matcher, struct pp *pp,
			 struct pp_location *location, bool keeps_matches)
{
	struct pp_line *lines = pp->lines.data;
	uint32_t n = 0;

	if (matches_mapping(matcher, pp, location)) {
		if (!keeps_matches)
			location->n_lines = 0;
		return;
	}
	for (uint32_t i = 0; i < location->n_lines; i++) {
		uint32_t at = location->first_line + i;

		if (matches_line(matcher, pp, at) == keeps_matches)
			lines[location->first_line + n++] = lines[at];
	}
	location->n_lines = n;
}

enum { FRAME_FOCUSED = 1, FRAME_IGNORED = 2, FRAME_HIDDEN = 4 };

struct name_filters {
	struct matcher focus, ignore, hide, show;
};

static unsigned char filter_location(struct name_filters *filters,
				     struct pp *pp,
				     struct pp_location *location,
				     struct name_matches *found)
{
	unsigned char frame = 0;

	if (filters->ignore.regex &&
	    matches_location(&filters->ignore, pp, location)) {
		found->ignore = true;
		frame |= FRAME_IGNORED;
	} else if (!filters->focus.regex ||
		   matches_location(&filters->focus, pp, location)) {
		found->focus = true;
		frame |= FRAME_FOCUSED;
	}
	if (filters->hide.regex &&
	    matches_location(&filters->hide, pp, location)) {
		found->hide = true;
		filter_lines(&filters->hide, pp, location, false);
		if (!location->n_lines)
			frame |= FRAME_HIDDEN;
	}
	if (filters->show.regex) {
		filter_lines(&filters->show, pp, location, true);
		if (location->n_lines)
			found->show = true;
		else
			frame |= FRAME_HIDDEN;
	}
	return frame;
}

/* Take out the hidden frames; false if the sample goes with them. */
static bool filter_stack(struct pp *pp, struct pp_stack *stack,
			 const unsigned char *frames)
{
	unsigned char all = 0;
	uint32_t n = 0;
	uint32_t *kept;

	for (uint32_t i = 0; i < stack->n; i++)
		all |= frames[stack->frames[i]];
	if (!(all & FRAME_FOCUSED) || (all & FRAME_IGNORED))
		return false;
	if (!(all & FRAME_HIDDEN))
		return true;
	kept = arena_alloc(&pp->arena, stack->n * sizeof(*kept));
	for (uint32_t i = 0; i < stack->n; i++)
		if (!(frames[stack->frames[i]] & FRAME_HIDDEN))
			kept[n++] = stack->frames[i];
	stack->frames = kept;
	stack->n = n;
	return n > 0;
}

void pp_filter_names(struct pp *pp, const struct name_filter *filter,
		     struct name_matches *out)
{
	struct name_filters filters;
	CLEANUP(free) unsigned char *frames = NULL;
	CLEANUP(free) bool *is_kept = NULL;

	*out = (struct name_matches){ .focus = true };
	if (!filter->focus && !filter->ignore && !filter->hide &&
	    !filter->show)
		return;
	out->focus = false;
	matcher_init(&filters.focus, pp, filter->focus);
	matcher_init(&filters.ignore, pp, filter->ignore);
	matcher_init(&filters.hide, pp, filter->hide);
	matcher_init(&filters.show, pp, filter->show);
	frames = xcalloc(pp->locations.n, 1);
	for (size_t i = 0; i < pp->locations.n; i++)
		frames[i] = filter_location(&filters, pp,
					    vec_at(&pp->locations, i), out);
	is_kept = xcalloc(pp->stacks.n, sizeof(*is_kept));
	for (size_t i = 0; i < pp->stacks.n; i++)
		is_kept[i] = filter_stack(pp, vec_at(&pp->stacks, i), frames);
	pp_keep_stacks(pp, is_kept);
	free(filters.focus.known);
	free(filters.ignore.known);
	free(filters.hide.known);
	free(filters.show.known);
}

/* Cut the callers above the last line that matches; is there one? */
static bool show_from_location(struct matcher *matcher, const struct pp *pp,
			       struct pp_location *location)
{
	if (matches_mapping(matcher, pp, location))
		return true;
	for (uint32_t n = location->n_lines; n; n--)
		if (matches_line(matcher, pp, location->first_line + n - 1)) {
			location->n_lines = n;
			return true;
		}
	return false;
}

bool pp_show_from(struct pp *pp, struct regex *regex)
{
	CLEANUP(free) bool *is_shown =
		xcalloc(pp->locations.n, sizeof(*is_shown));
	CLEANUP(free) bool *is_kept = xcalloc(pp->stacks.n, sizeof(*is_kept));
	struct matcher matcher;
	bool is_found = false;

	matcher_init(&matcher, pp, regex);
	for (size_t i = 0; i < pp->locations.n; i++) {
		is_shown[i] = show_from_location(&matcher, pp,
						 vec_at(&pp->locations, i));
		is_found |= is_shown[i];
	}
	for (size_t i = 0; i < pp->stacks.n; i++) {
		struct pp_stack *stack = vec_at(&pp->stacks, i);

		while (stack->n && !is_shown[stack->frames[stack->n - 1]])
			stack->n--;
		is_kept[i] = stack->n > 0;
	}
	pp_keep_stacks(pp, is_kept);
	free(matcher.known);
	return is_found;
}

static void aggregate_location(struct pp *pp, struct pp_location *location,
			       const struct aggregation *keep)
{
	if (!keep->inlines && location->n_lines > 1) {
		location->first_line += location->n_lines - 1;
		location->n_lines = 1;
	}
	for (uint32_t i = 0; i < location->n_lines; i++) {
		struct pp_line *line =
			vec_at(&pp->lines, location->first_line + i);

		if (!keep->line)
			line->line = 0;
		if (!keep->line || !keep->column)
			line->column = 0;
	}
	if (!keep->address)
		location->address = 0;
}

void pp_aggregate(struct pp *pp, const struct aggregation *keep)
{
	for (size_t i = 0; i < pp->mappings.n; i++) {
		struct pp_mapping *mapping = vec_at(&pp->mappings, i);

		mapping->has_inline_frames &= keep->inlines;
		mapping->has_functions &= keep->function;
		mapping->has_filenames &= keep->filename;
		mapping->has_line_numbers &= keep->line;
	}
	for (size_t i = 0; i < pp->functions.n; i++) {
		struct pp_function *function = vec_at(&pp->functions, i);

		if (!keep->function)
			function->name = function->system_name = 0;
		if (!keep->filename)
			function->filename = 0;
	}
	for (size_t i = 0; i < pp->locations.n; i++)
		aggregate_location(pp, vec_at(&pp->locations, i), keep);
}
