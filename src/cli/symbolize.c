/* SPDX-License-Identifier: MIT */
/* symbolize.c - what --symbolize says, and names from files. */
#include "cli/symbolize.h"

#include <strings.h>

#include "report/names.h"
#include "util/log.h"

#define LINES_MAX 256 /* an inline chain longer than this is cut */

/* --- the option --------------------------------------------------------- */

static bool set_demangling(struct symbolize *symbolize, const char *word)
{
	static const struct { const char *word; enum demangle_style style; }
		styles[] = {
			{ "full", DEMANGLE_FULL },
			{ "none", DEMANGLE_NONE },
			{ "templates", DEMANGLE_TEMPLATES },
		};

	if (strncasecmp(word, "demangle=", 9) != 0)
		return false;
	word += 9;
	for (size_t i = 0; i < ARRAY_SIZE(styles); i++)
		if (!strcasecmp(word, styles[i].word)) {
			symbolize->style = styles[i].style;
			symbolize->is_forced = true;
			return true;
		}
	return !strcasecmp(word, "default");
}

static bool set_word(struct symbolize *symbolize, const char *word)
{
	bool is_fast = !strcasecmp(word, "fastlocal");

	if (!*word)
		return true;
	if (!strcasecmp(word, "none") || !strcasecmp(word, "no")) {
		symbolize->is_off = true;
	} else if (is_fast || !strcasecmp(word, "local")) {
		symbolize->is_remote = false;
		symbolize->is_local = true;
		symbolize->is_fast |= is_fast;
	} else if (!strcasecmp(word, "remote")) {
		symbolize->is_remote = true;
		symbolize->is_local = false;
	} else if (!strcasecmp(word, "force")) {
		symbolize->is_forced = true;
	} else {
		return set_demangling(symbolize, word);
	}
	return true;
}

void symbolize_init(struct symbolize *symbolize, const char *text)
{
	CLEANUP(free) char *copy = xstrdup(text);
	char *rest = copy, *word;

	*symbolize = (struct symbolize){ .is_local = true, .is_remote = true,
					 .style = DEMANGLE_SIMPLE };
	while (!symbolize->is_off && (word = strsep(&rest, ":")))
		if (!set_word(symbolize, word))
			log_warning("ignoring unrecognized symbolization "
				    "option: %s\n  expecting -symbolize="
				    "[local|fastlocal|remote|none][:force]"
				    "[:demangle=[none|full|templates|"
				    "default]", text);
}

/* --- files ---------------------------------------------------------------- */

struct local {
	const struct symbolize *symbolize;
	struct pp *pp;
	struct binaries binaries;
	struct symbolizer *symbolizer;
	struct intern functions; /* struct function_key */
	size_t n_old_functions;
	bool lacks_binaries;
};

struct function_key { /* no padding */
	int64_t start_line;
	string_id name, system_name, filename, zero;
};

static uint32_t local_function(struct local *local,
			       const struct symbol_frame *frame)
{
	struct pp *pp = local->pp;
	bool is_fast = local->symbolize->is_fast;
	struct function_key key = {
		.start_line = is_fast ? 0 : frame->start_line,
		.name = pp_string(pp, frame->name),
		.system_name = pp_string(pp, frame->system_name),
		.filename = pp_string(pp, is_fast ? "" : frame->file),
	};
	uint32_t id = intern_bytes(&local->functions, &key, sizeof(key));
	struct pp_function *function;

	id += (uint32_t)local->n_old_functions;
	if (id < pp->functions.n)
		return id;
	function = vec_push(&pp->functions);
	*function = (struct pp_function){ id + 1, key.name, key.system_name,
					  key.filename, key.start_line };
	return id;
}

static void set_lines(struct local *local, struct pp_mapping *mapping,
		      struct pp_location *location,
		      const struct symbol_frame *frames, size_t n)
{
	struct pp *pp = local->pp;

	if (local->symbolize->is_fast || n > LINES_MAX) {
		size_t kept = local->symbolize->is_fast ? 1 : LINES_MAX;

		frames += n - kept;
		n = kept;
	}
	location->first_line = (uint32_t)pp->lines.n;
	location->n_lines = (uint32_t)n;
	location->is_folded = false;
	mapping->has_functions = mapping->has_inline_frames = true;
	for (size_t i = 0; i < n; i++) {
		struct pp_line line = {
			.line = local->symbolize->is_fast ? 0 :
							    frames[i].line,
			.function = local_function(local, &frames[i]),
		};

		mapping->has_filenames |= *frames[i].file != '\0';
		mapping->has_line_numbers |= line.line != 0;
		*(struct pp_line *)vec_push(&pp->lines) = line;
	}
}

/* Where the program headers have @address; a fixed program is as linked. */
static bool find_vaddr(const struct module *module,
		       const struct pp_mapping *mapping, uint64_t address,
		       uint64_t *out)
{
	*out = address;
	if (module->is_executable_type)
		return true;
	return module_vaddr_of_offset(module, address - mapping->start +
						      mapping->offset, out);
}

static bool is_nameless(const struct local *local,
			const struct pp_location *location, uint32_t mapping)
{
	return location->mapping == mapping && location->address &&
	       (!location->n_lines || local->symbolize->is_forced);
}

static void name_locations(struct local *local, uint32_t mapping,
			   const struct module *module)
{
	struct pp *pp = local->pp;
	struct pp_mapping *m = vec_at(&pp->mappings, mapping);

	for (size_t i = 0; i < pp->locations.n; i++) {
		struct pp_location *location = vec_at(&pp->locations, i);
		const struct symbol_frame *frames;
		enum symbol_source source;
		uint64_t vaddr;
		size_t n;

		if (!is_nameless(local, location, mapping) ||
		    !find_vaddr(module, m, location->address, &vaddr))
			continue;
		frames = symbolizer_find(local->symbolizer, module, vaddr, &n,
					 &source);
		if (source != SYMBOL_NONE)
			set_lines(local, m, location, frames, n);
	}
}

/* What is no file, as pprof tells it. */
static bool is_no_file(const char *file)
{
	static const char *const starts[] = { "/dev/dri/", "//anon",
					      "/memfd:", "[" };
	CLEANUP(strbuf_clear) struct strbuf base = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (!strncmp(file, starts[i], strlen(starts[i])))
			return true;
	path_add_base(&base, file);
	return *base.data == '[' || !strncmp(base.data, "linux-vdso", 10);
}

static bool needs_names(const struct local *local, uint32_t mapping)
{
	const struct pp_mapping *m = vec_at(&local->pp->mappings, mapping);

	if (!local->symbolize->is_forced &&
	    (m->has_functions || m->has_filenames || m->has_line_numbers))
		return false;
	for (size_t i = 0; i < local->pp->locations.n; i++)
		if (is_nameless(local, vec_at(&local->pp->locations, i),
				mapping))
			return true;
	return false;
}

static void name_mapping(struct local *local, uint32_t i)
{
	struct pp *pp = local->pp;
	const struct pp_mapping *mapping = vec_at(&pp->mappings, i);
	const char *file = pp_text(pp, mapping->file);
	const char *build_id = pp_text(pp, mapping->build_id);
	CLEANUP(strbuf_clear) struct strbuf name = { 0 };
	const struct module *module;
	char id[2 * BUILD_ID_MAX + 1];

	if (!*file && !i)
		log_notice("Main binary filename not available.");
	local->lacks_binaries |= !*file && i;
	if (!*file || is_no_file(file) ||
	    (!*build_id && !strncasecmp(file, "http", 4)))
		return;
	path_add_base(&name, file);
	if (*build_id)
		strbuf_addf(&name, " (build ID %s)", build_id);
	module = binaries_open(&local->binaries, file);
	if (!module) {
		log_notice("Local symbolization failed for %s: it cannot be "
			   "read as an ELF file", name.data);
		local->lacks_binaries = true;
	} else if (*build_id && module->build_id_bytes &&
		   strcmp(module_build_id_text(module, id), build_id) != 0) {
		log_notice("Local symbolization failed for %s: build ID "
			   "mismatch", name.data);
	} else {
		name_locations(local, i, module);
	}
}

static struct error *name_locally(const struct symbolize *symbolize,
				  struct pp *pp)
{
	struct symbol_options options = { .demangle = symbolize->style };
	struct local local = { .symbolize = symbolize, .pp = pp };
	struct error *error = NULL;

	local.symbolizer = symbolizer_new(&options);
	if (symbolize->uses_debuginfod)
		error = symbolizer_use_debuginfod(local.symbolizer);
	local.n_old_functions = pp->functions.n;
	binaries_init(&local.binaries);
	intern_init(&local.functions);
	for (uint32_t i = 0; !error && i < pp->mappings.n; i++) {
		if (!needs_names(&local, i))
			continue;
		pp_number_functions(pp);
		name_mapping(&local, i);
	}
	if (local.lacks_binaries)
		log_notice("Some binary filenames not available. "
			   "Symbolization may be incomplete.\n"
			   "  Try setting PPROF_BINARY_PATH to the search "
			   "path for local binaries.");
	intern_clear(&local.functions);
	symbolizer_free(local.symbolizer);
	binaries_clear(&local.binaries);
	return error;
}

struct error *symbolize_run(void *ctx, struct pp *pp,
			    const struct origins *origins)
{
	const struct symbolize *symbolize = ctx;
	struct error *error = NULL;

	if (symbolize->is_off)
		return NULL;
	if (symbolize->is_local)
		error = name_locally(symbolize, pp);
	if (!error && symbolize->is_remote && origins->list.n)
		error = origins_symbolize(origins, pp, symbolize->is_forced,
					  symbolize->tls);
	if (!error)
		symbolize_demangle(symbolize, pp);
	return error;
}
