/* SPDX-License-Identifier: MIT */
/*
 * objfile.h - a program or library of a profile: addresses, symbols, code.
 *
 * Symbols and instructions come from nm and objdump, as in pprof, so that
 * both show the same; their LLVM variants go first, $PPROF_TOOLS (directories
 * with commas between, or "objdump:DIRECTORY") before $PATH. A "vaddr" is an
 * address as the file counts it.
 */
#ifndef REPORT_OBJFILE_H
#define REPORT_OBJFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/error.h"
#include "util/vec.h"

struct objfile_symbol {
	uint64_t start, end; /* vaddrs; up to the next symbol */
	const char *const *names; /* mangled, n_names of them */
	const char *const *plain; /* the same demangled */
	size_t n_names;
};

struct objfile {
	char *path;
	char *build_id; /* in hex, or NULL */
	struct vec segments; /* struct objfile_segment */
	struct vec symbols;  /* struct objfile_symbol, by start */
	struct arena arena;
};

struct objfile_mapping { /* where the file was mapped */
	uint64_t start, limit, offset;
};

struct objfile_inst {
	uint64_t vaddr;
	const char *text, *function, *file; /* "" if not known */
	int64_t line;
	/* Calls that this was inlined by, innermost first; @inlines. */
	uint32_t first_call, n_calls;
};

struct objfile_call {
	const char *function, *file;
	int64_t line;
};

struct objfile_code {
	struct vec insts; /* struct objfile_inst */
	struct vec calls; /* struct objfile_call */
	struct arena arena;
};

struct objfile_options {
	bool intel;   /* Intel's syntax in place of AT&T's */
	bool inlines; /* ask for calls that were inlined */
};

/* Open the file; the caller clears it, in error too. */
struct error *objfile_open(const char *path, struct objfile *out) MUST_USE;
void objfile_clear(struct objfile *file);

/* The vaddr of @address, or false if no segment was mapped there. */
bool objfile_vaddr(const struct objfile *file,
		   const struct objfile_mapping *mapping, uint64_t address,
		   uint64_t *out);

/* Fill symbols; of a stripped file with those for the dynamic linker. */
struct error *objfile_read_symbols(struct objfile *file) MUST_USE;

/* The symbol that holds @vaddr, or NULL. */
const struct objfile_symbol *objfile_symbol_at(const struct objfile *file,
					       uint64_t vaddr);

/* objdump.c: the instructions from @start up to @end; the caller clears. */
struct error *objfile_disassemble(const struct objfile *file, uint64_t start,
				  uint64_t end,
				  const struct objfile_options *options,
				  struct objfile_code *out) MUST_USE;
void objfile_code_clear(struct objfile_code *code);

/* The first of @names (ends with NULL) that is installed, or NULL. */
char *objfile_find_tool(const char *const *names);

#endif
