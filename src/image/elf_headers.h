/* SPDX-License-Identifier: MIT */
/*
 * elf_headers.h - what the program headers of an ELF file say.
 *
 * Private to image/. The file is hostile: every count and offset is bounded.
 */
#ifndef IMAGE_ELF_HEADERS_H
#define IMAGE_ELF_HEADERS_H

#include "image/module.h"

/*
 * Up to @len bytes at offset @offset of @module's file or image; bytes
 * read, or -1.
 */
ssize_t module_read_offset(const struct module *module, uint64_t offset,
			   void *buf, size_t len);

/* Fill the ELF fields of @module; on failure its fault says why. */
void module_parse_headers(struct module *module);

#endif
