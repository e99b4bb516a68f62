/* SPDX-License-Identifier: MIT */
/*
 * origin.c - names from the server that a profile came from.
 *
 *	POST /debug/pprof/symbol	0x401136+0x401200
 *	num_symbols: 1
 *	0x401136	main.main
 */
#include "report/origin.h"

#include "profile/text.h"
#include "report/url.h"

#define TIMEOUT_S 60
#define HEX "0123456789abcdefABCDEF"

void origins_init(struct origins *origins)
{
	origins->list = VEC_OF(struct origin);
}

void origins_clear(struct origins *origins)
{
	for (size_t i = 0; i < origins->list.n; i++)
		free(((struct origin *)vec_at(&origins->list, i))->url);
	vec_clear(&origins->list);
}

void origins_add(struct origins *origins, struct pp *pp, const char *url)
{
	for (size_t i = 0; i < pp->mappings.n; i++) {
		struct pp_mapping *mapping = vec_at(&pp->mappings, i);
		struct origin *origin = vec_push(&origins->list);

		if (!mapping->build_id && !mapping->file)
			mapping->file = pp_string(pp, url);
		origin->key = mapping->build_id ? mapping->build_id :
						  mapping->file;
		origin->start = mapping->start;
		origin->url = xstrdup(url);
	}
}

/* The first origin of @mapping that can be asked; *@out_url is where. */
static const struct origin *find_origin(const struct origins *origins,
					const struct pp_mapping *mapping,
					char **out_url)
{
	for (size_t i = 0; i < origins->list.n; i++) {
		const struct origin *origin = vec_at(&origins->list, i);

		if (!origin->key || (origin->key != mapping->file &&
				     origin->key != mapping->build_id))
			continue;
		*out_url = url_of_symbols(origin->url);
		if (*out_url)
			return origin;
	}
	return NULL;
}

struct remote {
	struct pp *pp;
	uint32_t mapping;
	uint64_t shift;	      /* from our addresses to the server's */
	struct map functions; /* name -> function */
	struct map by_address; /* ours -> function */
};

static uint32_t remote_function(struct remote *remote, const char *name)
{
	CLEANUP(strbuf_clear) struct strbuf repaired = { 0 };
	struct pp *pp = remote->pp;
	struct pp_function *function;
	string_id id;
	uint32_t index;

	utf8_add_repaired(&repaired, name);
	id = pp_string(pp, repaired.len ? repaired.data : "");
	index = map_get(&remote->functions, id);
	if (index != NO_ID)
		return index;
	index = (uint32_t)pp->functions.n;
	function = vec_push(&pp->functions);
	function->id = index + 1; /* see pp_number_functions() */
	function->name = function->system_name = id;
	map_put(&remote->functions, id, index);
	return index;
}

/* "0x401136 main.main", with anything in front of it */
static void read_line(struct remote *remote, char *line)
{
	char *hex = strstr(line, "0x"), *name, *end;
	uint64_t address;
	size_t n;

	if (!hex)
		return;
	n = strspn(hex + 2, HEX);
	name = hex + 2 + n;
	if (!n || n > 16 || !*name || !strchr(" \t", *name))
		return;
	address = strtoull(hex + 2, NULL, 16);
	name += strspn(name, " \t");
	for (end = name + strlen(name); end > name && end[-1] == '\r'; end--)
		end[-1] = '\0';
	map_put(&remote->by_address, address - remote->shift,
		remote_function(remote, name));
}

static void set_names(struct remote *remote)
{
	struct pp *pp = remote->pp;

	for (size_t i = 0; i < pp->locations.n; i++) {
		struct pp_location *location = vec_at(&pp->locations, i);
		uint32_t function = map_get(&remote->by_address,
					    location->address);
		struct pp_line *line;

		if (location->mapping != remote->mapping || function == NO_ID)
			continue;
		location->first_line = (uint32_t)pp->lines.n;
		location->n_lines = 1;
		line = vec_push(&pp->lines);
		line->function = function;
	}
}

/* "0x401136+0x401200": all addresses of the mapping without a name */
static void add_question(const struct remote *remote, struct strbuf *out)
{
	const struct pp *pp = remote->pp;

	for (size_t i = 0; i < pp->locations.n; i++) {
		const struct pp_location *location =
			vec_at(&pp->locations, i);

		if (location->mapping == remote->mapping &&
		    location->address && !location->n_lines)
			strbuf_addf(out, "%s0x%llx", out->len ? "+" : "",
				    (unsigned long long)(location->address +
							 remote->shift));
	}
}

static struct error *ask(struct remote *remote, const char *url,
			 const struct fetch_tls *tls)
{
	CLEANUP(strbuf_clear) struct strbuf question = { 0 };
	struct fetch fetch = { .url = url, .timeout_s = TIMEOUT_S };
	struct error *error = NULL;
	char *line, *rest;

	add_question(remote, &question);
	if (!question.len)
		return NULL;
	pp_number_functions(remote->pp);
	fetch.post = question.data;
	fetch_all(&fetch, 1, tls);
	if (fetch.error) {
		error = error_wrap(TAKE(fetch.error), "http post %s", url);
	} else {
		strbuf_adds(&fetch.body, "");
		rest = fetch.body.data;
		while ((line = strsep(&rest, "\n")))
			read_line(remote, line);
		set_names(remote);
	}
	fetch_clear(&fetch);
	map_clear(&remote->functions);
	map_clear(&remote->by_address);
	return error;
}

struct error *origins_symbolize(const struct origins *origins, struct pp *pp,
				bool is_forced, const struct fetch_tls *tls)
{
	for (uint32_t i = 0; i < pp->mappings.n; i++) {
		struct pp_mapping *mapping = vec_at(&pp->mappings, i);
		struct remote remote = { .pp = pp, .mapping = i };
		CLEANUP(free) char *url = NULL;
		const struct origin *origin;
		struct error *error;

		if (mapping->has_functions && !is_forced)
			continue;
		origin = find_origin(origins, mapping, &url);
		if (!origin)
			continue;
		remote.shift = origin->start - mapping->start;
		error = ask(&remote, url, tls);
		if (error)
			return error;
		mapping->has_functions = true;
	}
	return NULL;
}
