/* SPDX-License-Identifier: MIT */
/* advice.h - what to do about a module whose functions have no names. */
#ifndef SYMBOL_ADVICE_H
#define SYMBOL_ADVICE_H

#include "symbol/symbol.h"

/*
 * One sentence, freed by the caller: what keeps the names of @module from us,
 * or which package has them. @summary: NULL if nothing was asked about it.
 */
char *symbol_advice(const struct module *module,
		    const struct symbol_summary *summary);

/*
 * The Debian package that @path of the file system @root belongs to, freed by
 * the caller, or NULL.
 */
char *package_of_file(const struct image_root *root, const char *path);

#endif
