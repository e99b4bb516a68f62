/* SPDX-License-Identifier: MIT */
/*
 * symbol.h - from an address in a module to names and lines.
 *
 * elfutils finds the files (the module itself, build-id directories,
 * debuglink, .gnu_debugdata) and reads them; each address is asked once.
 * Order of sources for a name: DWARF (with the whole inline chain), Go's
 * table (likewise, also when stripped), .symtab of the debug file or the
 * module, .dynsym; last "file.so+0xSTART", START
 * being the start of the function by its FDE. Belongs to one thread.
 */
#ifndef SYMBOL_SYMBOL_H
#define SYMBOL_SYMBOL_H

#include <stdbool.h>

#include "image/module.h"
#include "profile/profile.h"

enum demangle_style {
	DEMANGLE_SIMPLE,    /* no parameters, no template arguments */
	DEMANGLE_TEMPLATES, /* template arguments, no parameters */
	DEMANGLE_FULL,
	DEMANGLE_NONE,
};

struct symbol_options {
	enum demangle_style demangle;
	bool no_inlines; /* only the outermost function of an address */
};

struct symbol_frame {	     /* strings owned by the symbolizer */
	const char *name;	/* demangled, never NULL */
	const char *system_name;/* as in the file, never NULL */
	const char *file;	/* absolute where DWARF says so, or "" */
	int64_t line;		/* 0: unknown */
	int64_t start_line;	/* 0: unknown */
};

enum symbol_source {
	SYMBOL_NONE,   /* name is file+0xSTART or file+0xADDR */
	SYMBOL_DYNSYM, /* from .dynsym */
	SYMBOL_SYMTAB, /* from .symtab or .gnu_debugdata */
	SYMBOL_GO,     /* from Go's own table, with file and line */
	SYMBOL_DWARF,  /* with file and line */
	N_SYMBOL_SOURCES,
};

struct symbolizer;

/* The version of elfutils, for --version. */
const char *symbol_library_version(void);

struct symbolizer *symbolizer_new(const struct symbol_options *options);
void symbolizer_free(struct symbolizer *symbolizer);
DEFINE_CLEANUP(symbolizer_free, struct symbolizer *)

/*
 * Ask debuginfod's servers for debug files that are not on this machine, from
 * now on. Fails if that is not possible.
 */
struct error *symbolizer_use_debuginfod(struct symbolizer *symbolizer)
	MUST_USE;

/*
 * The frames at @vaddr of @module, innermost inline first, at least one.
 * They stay valid until symbolizer_free().
 */
const struct symbol_frame *symbolizer_find(struct symbolizer *symbolizer,
					   const struct module *module,
					   uint64_t vaddr, size_t *out_n,
					   enum symbol_source *out_source);

struct symbol_place {
	const struct module *module;
	uint64_t vaddr;
};

/*
 * Find the answers for all @places at once, in a child that reads all files
 * which are trusted: what crashes it costs the names of that file alone.
 */
void symbolizer_find_ahead(struct symbolizer *symbolizer,
			   const struct symbol_place *places, size_t n);

/* What became of the addresses of one module, for the summary. */
struct symbol_summary {
	size_t n_addresses[N_SYMBOL_SOURCES]; /* distinct, by source */
	/* It has debug information that cannot be read (zstd, and elfutils
	 * older than 0.189). */
	bool has_unreadable_dwarf;
	bool has_dwarf;
	bool asked_servers;  /* debuginfod, if it had no DWARF */
	bool lacks_split;    /* a .dwo file was not found */
	bool lacks_alt;	     /* what dwz took out of it was not found */
	const char *refused; /* a debug file of another build, or NULL */
};

/* False if nothing was asked about @module yet. */
bool symbolizer_summary(const struct symbolizer *symbolizer,
			const struct module *module,
			struct symbol_summary *out);

/*
 * @name as a person reads it: C++ (Itanium), Rust legacy and v0, D; unchanged
 * if it is none of them. The caller frees it.
 */
char *demangle_name(const char *name, enum demangle_style style);

#endif
