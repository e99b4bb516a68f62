/* SPDX-License-Identifier: MIT */
/*
 * code_address.h - a pc, and whether it is exact or a return address.
 *
 * A return address names the instruction after the call, which may belong
 * to another line, another inlined function, or, when the callee does not
 * return, to another function. One less lies inside of the call. This is the
 * only place in the tree that takes the one away.
 */
#ifndef UNWIND_CODE_ADDRESS_H
#define UNWIND_CODE_ADDRESS_H

#include "arch/regs.h"

struct code_address {
	taddr pc;
	bool is_return; /* false: this instruction runs next */
};

/* The address to look rules and names up by. */
static inline taddr code_address_lookup(struct code_address address)
{
	return address.pc - (address.is_return ? 1 : 0);
}

#endif
