/* SPDX-License-Identifier: MIT */
/*
 * elf_sections.h - the section headers of an ELF file, by name and type.
 *
 * A program runs without them, so they may be missing or wrong: whoever
 * reads what they name bounds it again.
 */
#ifndef IMAGE_ELF_SECTIONS_H
#define IMAGE_ELF_SECTIONS_H

#include "image/module.h"
#include "util/vec.h"

struct section {
	char name[32]; /* cut off when longer */
	uint32_t type, link; /* SHT_*, index of another section */
	uint64_t flags, vaddr, offset, n_bytes, entry_bytes;
};

struct sections { /* zero: none read */
	struct vec list; /* struct section, in the order of the file */
};

/* Read the headers of @module; an empty list if there are none. */
void sections_init(struct sections *sections, const struct module *module);
void sections_clear(struct sections *sections);

/* The first one of that name that the file has bytes for, or NULL. */
const struct section *sections_find(const struct sections *sections,
				    const char *name);

/* The section with this index, or NULL. */
const struct section *sections_get(const struct sections *sections, size_t i);

#endif
