/* SPDX-License-Identifier: MIT */
/*
 * memory_image.h - a file that cannot be opened, as far as it is in memory.
 *
 * Private to image/. A library that was replaced while it is in use has no
 * path any more, and without rights no other way leads to it either; but what
 * unwinding needs, and the exported names, are mapped.
 */
#ifndef IMAGE_MEMORY_IMAGE_H
#define IMAGE_MEMORY_IMAGE_H

#include "image/module.h"

/*
 * Put what of the file of @mapping is mapped into @module's image, at its
 * offsets in the file; false if that is no ELF file, or too large.
 */
bool memory_image_read(struct module *module, const struct mapping *mapping,
		       const struct image_source *source);

#endif
