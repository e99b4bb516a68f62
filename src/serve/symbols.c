/* SPDX-License-Identifier: MIT */
/* symbols.c - the worker that names addresses of a target, once. */
#include "serve/symbols.h"

#include "sampler/naming.h"
#include "serve/request.h"

#define ADDRESSES_MAX 100000

struct asked {
	uint64_t address;
	location_id location;
};

static void read_addresses(const struct symbols_ask *ask,
			   struct registry *registry,
			   struct subject *subject, struct vec *out)
{
	const char *at = ask->text, *end = ask->text + ask->len;
	uint64_t address;

	while (out->n < ADDRESSES_MAX &&
	       request_next_address(&at, end, &address)) {
		const struct mapping *mapping =
			space_find(subject->space, address);
		struct asked *asked;

		if (!mapping || !mapping->is_executable)
			continue;
		asked = vec_push(out);
		asked->address = address;
		asked->location = subject_location(registry, subject,
						   mapping->id, address,
						   false);
	}
}

/* Of an inlined call the function that the code is in, as Go tells it. */
static void add_name(const struct profile *profile,
		     const struct asked *asked, const char *blank,
		     struct strbuf *out)
{
	const struct profile_location *location =
		vec_at(&profile->locations, asked->location);
	const struct profile_function *function;
	const struct profile_line *line;
	const char *name;

	if (!location->n_lines)
		return;
	line = vec_at(&profile->lines,
		      location->first_line + location->n_lines - 1);
	function = vec_at(&profile->functions, line->function);
	name = profile_string_text(profile, function->name);
	if (*name != '[')
		strbuf_addf(out, "%#llx%s%s\n",
			    (unsigned long long)asked->address, blank, name);
}

void symbols_main(const struct worker_ends *ends, const void *arg)
{
	const struct symbols_ask *ask = arg;
	struct symbol_options options = { 0 };
	struct symbolizer *symbolizer = symbolizer_new(&options);
	struct vec all = VEC_OF(struct asked);
	struct registry registry;
	struct strbuf text = { 0 };
	struct subject *subject;
	struct reply reply = { .kind = REPLY_TEXT, .status = 200 };

	registry_init(&registry, profile_new());
	subject = subject_new(&registry, ask->pid, NULL);
	subject_prepare(&registry, subject, ask->pid);
	if (!ask->is_tabbed)
		strbuf_adds(&text, "num_symbols: 1\n");
	read_addresses(ask, &registry, subject, &all);
	naming_symbolize(&registry, symbolizer);
	for (size_t i = 0; i < all.n; i++)
		add_name(registry.profile, vec_at(&all, i),
			 ask->is_tabbed ? "\t" : " ", &text);
	reply.len = text.len;
	ends_reply(ends, &reply, text.data);
	strbuf_clear(&text);
	vec_clear(&all);
	subject_free(subject);
	symbolizer_free(symbolizer);
	registry_clear(&registry);
}
