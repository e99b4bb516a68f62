/* SPDX-License-Identifier: MIT */
/* demangle.h - what demangling consists of; the front door is symbol.h. */
#ifndef SYMBOL_DEMANGLE_H
#define SYMBOL_DEMANGLE_H

#include "symbol/symbol.h"

/*
 * @name, which is C++ as libiberty or a person writes it, without parameters,
 * and without template arguments if @drop_templates. The caller frees it.
 */
char *cplus_simplify_name(const char *name, bool drop_templates);

/*
 * @name, which is Go, with the type arguments left out as Go itself does it
 * where people read: "main.Sum[go.shape.int]" is "main.Sum[...]" (runtime's
 * funcNameForPrint). The caller frees it.
 */
char *go_simplify_name(const char *name);

#endif
