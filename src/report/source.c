/* SPDX-License-Identifier: MIT */
/* source.c - read, merge and subtract the profiles of a command line. */
#include "report/source.h"

#include <ctype.h>

#include "report/filter.h"
#include "report/merge.h"
#include "report/read.h"
#include "report/tags.h"
#include "util/log.h"

/* A profile without mappings gets one, so that all its locations have it. */
static void prepare(struct pp *pp, const struct sources *sources)
{
	struct pp_mapping *main_mapping;

	if (!pp->mappings.n) {
		main_mapping = vec_push(&pp->mappings);
		main_mapping->id = 1;
		for (size_t i = 0; i < pp->locations.n; i++)
			((struct pp_location *)vec_at(&pp->locations, i))
				->mapping = 0;
	}
	main_mapping = vec_at(&pp->mappings, 0);
	if (sources->program)
		main_mapping->file = pp_string(pp, sources->program);
	if (sources->build_id && !main_mapping->build_id)
		main_mapping->build_id = pp_string(pp, sources->build_id);
}

static struct error *combine(struct pp **profiles, size_t n, struct pp **out)
{
	struct error *error = pp_combine(profiles, n, out);

	for (size_t i = 0; i < n; i++)
		if (error || profiles[i] != *out)
			pp_free(profiles[i]);
	return error;
}

/* All of @files that can be read, as one. */
static struct error *grab(const struct sources *sources, char *const *files,
			  size_t n, const char *what,
			  struct intern *strings, struct pp **out)
{
	CLEANUP(free) struct pp **profiles = xcalloc(n, sizeof(*profiles));
	struct error *error = NULL;
	size_t n_read = 0;

	for (size_t i = 0; i < n; i++) {
		error_free(error);
		error = pp_read_file(files[i], strings, &profiles[n_read]);
		if (!error)
			prepare(profiles[n_read++], sources);
		else if (n > 1)
			log_warning("%s", error_text(error));
	}
	if (!n_read)
		return n > 1 ? error_wrap(error, "failed to read any %s "
					  "profile; the last one", what) :
			       error;
	error_free(error);
	if (n_read < n)
		log_warning("read %zu %s profiles out of %zu", n_read, what,
			    n);
	return combine(profiles, n_read, out);
}

static struct error *subtract(const struct sources *sources, struct pp *base,
			      struct pp **pp)
{
	CLEANUP(free) double *ratios = xcalloc(base->types.n,
					       sizeof(*ratios));
	struct pp *both[] = { *pp, base };
	struct error *error = NULL;

	if (sources->is_diff)
		pp_set_label(base, "pprof::base", "true");
	if (sources->is_normalized)
		error = pp_normalize(*pp, base);
	for (size_t i = 0; i < base->types.n; i++)
		ratios[i] = -1;
	pp_scale(base, ratios);
	*pp = NULL;
	if (!error)
		return combine(both, 2, pp);
	pp_free(both[0]);
	pp_free(both[1]);
	return error;
}

/* A URL stands for a file that is not known; "scheme:" is enough for one. */
static void forget_urls(struct pp *pp)
{
	for (size_t i = 0; i < pp->mappings.n; i++) {
		struct pp_mapping *mapping = vec_at(&pp->mappings, i);
		const char *p = pp_text(pp, mapping->file);

		if (mapping->build_id || !isalpha((unsigned char)*p))
			continue;
		while (isalnum((unsigned char)*p) ||
		       (*p && strchr("+-.", *p)))
			p++;
		if (*p == ':')
			mapping->file = 0;
	}
}

struct error *sources_fetch(const struct sources *sources,
			    struct intern *strings, struct pp **out)
{
	struct pp *pp = NULL, *base = NULL;
	struct error *error = grab(sources, sources->files, sources->n_files,
				   "source", strings, &pp);

	if (!error && sources->n_bases) {
		error = grab(sources, sources->bases, sources->n_bases,
			     "base", strings, &base);
		if (error)
			pp_free(pp);
		else
			error = subtract(sources, base, &pp);
	}
	if (error)
		return error;
	if (!sources->keeps_all_frames)
		pp_remove_uninteresting(pp);
	forget_urls(pp);
	if (sources->comment)
		*(string_id *)vec_push(&pp->comments) =
			pp_string(pp, sources->comment);
	*out = pp;
	return NULL;
}
