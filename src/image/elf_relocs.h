/* SPDX-License-Identifier: MIT */
/*
 * elf_relocs.h - what the dynamic linker would write into a file's data.
 *
 * In position-independent files the pointers of tables are zero, and lie as
 * addends in relocations (psABI 4.4: R_X86_64_RELATIVE, B + A). With B = 0
 * they are the vaddrs that are wanted here.
 */
#ifndef IMAGE_ELF_RELOCS_H
#define IMAGE_ELF_RELOCS_H

#include "image/module.h"

/*
 * Put the addends of relative relocations into @bytes, the @n bytes of the
 * file at @vaddr.
 */
void module_relocate(const struct module *module, uint64_t vaddr,
		     uint8_t *bytes, size_t n);

/*
 * What relative relocations point at is given to @visit, until it returns
 * true; whether it did.
 */
typedef bool (*reloc_visit_fn)(void *ctx, uint64_t vaddr);
bool module_each_reloc(const struct module *module, reloc_visit_fn visit,
		       void *ctx);

/* The same, with the vaddrs of the words that will point at @target. */
bool module_find_relocs_to(const struct module *module, uint64_t target,
			   reloc_visit_fn visit, void *ctx);

#endif
