/* SPDX-License-Identifier: MIT */
/*
 * answer.h - what the files of a module say of one address.
 *
 * Private to symbol/: symbol.c keeps the answers, and decides which process
 * reads them.
 */
#ifndef SYMBOL_ANSWER_H
#define SYMBOL_ANSWER_H

#include "image/functions.h"
#include "image/gopclntab.h"
#include "symbol/ahead.h"
#include "symbol/debugfile.h"
#include "symbol/debuginfo.h"
#include "symbol/fde.h"
#include "symbol/plt.h"
#include "symbol/symtab.h"
#include "util/arena.h"

struct symbol_module {
	uint32_t index; /* among those of the symbolizer */
	const struct module *module;
	struct symbolizer *symbolizer;
	bool is_trusted, is_lost; /* lost: it broke who read it */
	struct confined *confined; /* who reads it, if not trusted */
	bool is_open; /* here, and all from here on is of use */
	struct debug_file file;
	struct debuginfo *debug; /* NULL: no DWARF */
	struct gopclntab *go;	 /* NULL: no Go in it */
	uint64_t debug_bias;	 /* vaddr + debug_bias is DWARF's address */
	struct symtab symtab;
	enum symbol_source symtab_source;
	struct fde_table fdes;
	struct functions functions; /* made when a name is missing */
	struct plt plt;
	struct map by_vaddr; /* -> answers */
	struct symbol_summary summary;
};

struct symbol_answer {
	struct symbol_frame *frames; /* in the arena */
	size_t n;
	enum symbol_source source;
};

struct symbolizer {
	struct symbol_options options;
	struct debuginfod *debuginfod; /* NULL: not to be asked */
	struct map by_module; /* pointer -> modules */
	struct vec modules;   /* struct symbol_module * */
	struct vec answers;   /* struct symbol_answer */
	struct arena arena;   /* frames */
	struct intern strings;
	struct map shown;     /* id of a system name -> id of its name */
	struct vec frames;    /* struct debug_frame, reused */
	struct ahead ahead;   /* subjects: indices of modules */
	size_t n_strange;     /* bytes that answers for strangers take */
};

/*
 * Read the answer for @vaddr of @m, whose files are opened when that was not
 * done yet.
 */
void symbol_answer_read(struct symbolizer *symbolizer, struct symbol_module *m,
			uint64_t vaddr, struct symbol_answer *out);

/* @s, as long as @symbolizer lives. */
const char *symbol_string_keep(struct symbolizer *symbolizer, const char *s);

#endif
