/* SPDX-License-Identifier: MIT */
/*
 * plt.h - whom the stubs of a procedure linkage table call.
 *
 * They have no symbols of their own. Each jumps through a slot of the GOT,
 * and the relocation of that slot names the function; debuggers show it as
 * "puts@plt".
 */
#ifndef SYMBOL_PLT_H
#define SYMBOL_PLT_H

#include <libelf.h>
#include <stdint.h>

#include "util/map.h"

struct plt { /* zero: no stubs */
	struct vec sections; /* struct plt_section */
	struct vec names;    /* const char *, owned by the Elf */
	struct map by_slot;  /* vaddr of a slot -> names */
	struct vec order;    /* uint32_t: names by index in .rela.plt */
};

/* Find the stubs of @elf, which must outlive @plt. */
void plt_init(struct plt *plt, Elf *elf);
void plt_clear(struct plt *plt);

/*
 * The function that the stub at @vaddr calls, maybe with @VERSION; "" if that
 * is not known; NULL if there is no stub.
 */
const char *plt_find(const struct plt *plt, uint64_t vaddr);

#endif
