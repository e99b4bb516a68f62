/* SPDX-License-Identifier: MIT */
/* source.c - read, merge and subtract the profiles of a command line. */
#include "report/source.h"

#include <ctype.h>
#include <unistd.h>

#include "report/filter.h"
#include "report/merge.h"
#include "report/read.h"
#include "report/tags.h"
#include "report/url.h"
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

/* Is it a URL? What is a file is none. */
static char *find_url(const struct sources *sources, const char *word,
		      int64_t *out_timeout_s)
{
	return access(word, F_OK) ?
		       url_of_source(word, sources->seconds,
				     sources->timeout_s, out_timeout_s) :
		       NULL;
}

/* Of each word its URL, or NULL; all are fetched at once. */
static struct fetch *fetch_urls(const struct sources *sources,
				char *const *words, size_t n,
				char *const *more_words, size_t n_more)
{
	struct fetch *fetches = xcalloc(n + n_more, sizeof(*fetches));
	CLEANUP(free) struct fetch *ready = xcalloc(n + n_more,
						    sizeof(*ready));
	size_t n_ready = 0;

	for (size_t i = 0; i < n + n_more; i++) {
		struct fetch *fetch = &fetches[i];

		fetch->url = find_url(sources, i < n ? words[i] :
						       more_words[i - n],
				      &fetch->timeout_s);
		if (!fetch->url)
			continue;
		log_notice("Fetching profile over HTTP from %s", fetch->url);
		ready[n_ready++] = *fetch;
	}
	if (n_ready && sources->seconds > 0)
		log_notice("Please wait... (%llds)",
			   (long long)sources->seconds);
	if (n_ready)
		fetch_all(ready, n_ready, &sources->tls);
	for (size_t i = n + n_more; n_ready && i-- > 0;)
		if (fetches[i].url)
			fetches[i] = ready[--n_ready];
	return fetches;
}

static void free_fetches(struct fetch *fetches, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free((char *)(uintptr_t)fetches[i].url);
		fetch_clear(&fetches[i]);
	}
	free(fetches);
}

/* One profile, from its file, or from what was fetched. */
static struct error *read_source(const struct sources *sources,
				 const char *word, struct fetch *fetch,
				 struct origins *origins,
				 struct intern *strings, struct pp **out)
{
	struct error *error;

	if (!fetch->url)
		error = pp_read_file(word, strings, out);
	else if (fetch->error)
		error = TAKE(fetch->error);
	else
		error = pp_read_bytes(fetch->body.data, fetch->body.len,
				      strings, out);
	if (error)
		return fetch->url ? error_wrap(error, "%s", fetch->url) :
				    error;
	if (sources->locate)
		sources->locate(sources->ctx, *out);
	prepare(*out, sources);
	if (fetch->url)
		origins_add(origins, *out, fetch->url);
	return NULL;
}

/* All of @words that can be read, as one. */
static struct error *grab(const struct sources *sources, char *const *words,
			  struct fetch *fetches, struct origins *origins,
			  struct intern *strings, struct pp **out)
{
	bool is_base = words == sources->bases;
	size_t n = is_base ? sources->n_bases : sources->n_files, n_read = 0;
	CLEANUP(free) struct pp **profiles = xcalloc(n, sizeof(*profiles));
	const char *what = is_base ? "base" : "source";
	struct error *error = NULL;

	for (size_t i = 0; i < n; i++) {
		error_free(error);
		error = read_source(sources, words[i], &fetches[i], origins,
				    strings, &profiles[n_read]);
		if (!error)
			n_read++;
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

/* What all sources are together. */
static struct error *grab_all(const struct sources *sources,
			      struct fetch *fetches, struct origins *origins,
			      struct intern *strings, struct pp **out)
{
	struct pp *base = NULL;
	struct error *error = grab(sources, sources->files, fetches, origins,
				   strings, out);

	if (error || !sources->n_bases)
		return error;
	error = grab(sources, sources->bases, fetches + sources->n_files,
		     origins, strings, &base);
	if (!error)
		return subtract(sources, base, out);
	pp_free(*out);
	return error;
}

/* What is done with it before it is shown. */
static struct error *finish(const struct sources *sources, struct pp *pp,
			    const struct origins *origins)
{
	struct error *error = NULL;

	if (sources->symbolize)
		error = sources->symbolize(sources->ctx, pp, origins);
	if (error)
		return error;
	if (!sources->keeps_all_frames)
		pp_remove_uninteresting(pp);
	forget_urls(pp);
	if (sources->comment)
		*(string_id *)vec_push(&pp->comments) =
			pp_string(pp, sources->comment);
	if (origins->list.n)
		profile_save(pp);
	return NULL;
}

struct error *sources_fetch(const struct sources *sources,
			    struct intern *strings, struct pp **out)
{
	size_t n = sources->n_files + sources->n_bases;
	struct fetch *fetches = fetch_urls(sources, sources->files,
					   sources->n_files, sources->bases,
					   sources->n_bases);
	struct origins origins;
	struct pp *pp = NULL;
	struct error *error;

	origins_init(&origins);
	error = grab_all(sources, fetches, &origins, strings, &pp);
	if (!error) {
		error = finish(sources, pp, &origins);
		if (error)
			pp_free(pp);
		else
			*out = pp;
	}
	origins_clear(&origins);
	free_fetches(fetches, n);
	return error;
}
