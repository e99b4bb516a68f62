/* SPDX-License-Identifier: MIT */
/*
 * split.h - the .dwo files of a program, where its process sees them.
 *
 * libdw opens a .dwo file itself, by the paths that the compiler wrote, when
 * its unit is first asked about. It knows only the root directory of the
 * thread that it runs in, and waits for whoever writes into a FIFO.
 */
#ifndef SYMBOL_SPLIT_H
#define SYMBOL_SPLIT_H

#include <elfutils/libdw.h>

#include "symbol/search.h"

struct split_unit { /* one whose functions are in a .dwo or .dwp file */
	Dwarf_CU *cu;
	Dwarf_Die detail; /* addr NULL: that file is missing */
};

/*
 * Fill @out (of struct split_unit) with the units of @dwarf that are split, in
 * their order. Their files are opened in the root directory of the process, if
 * it has another one than we and we may enter it, else in ours. @search found
 * the file of @dwarf.
 */
void split_find(Dwarf *dwarf, const struct debug_search *search,
		struct vec *out);

/* The directory of an open file, freed by the caller, as libdw sees it. */
char *split_directory(int fd);

#endif
