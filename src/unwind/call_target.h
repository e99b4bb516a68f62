/* SPDX-License-Identifier: MIT */
/*
 * call_target.h - whether the call before a return address leads to a
 * given function.
 *
 * It is what tells a return address from a stale one, or from any number
 * that looks like one.
 */
#ifndef UNWIND_CALL_TARGET_H
#define UNWIND_CALL_TARGET_H

#include "unwind/row_cache.h"

/* Whether "call @function" stands in front of @pc. */
bool call_is_direct(struct row_cache *cache, taddr pc, taddr function);

enum call_verdict {
	CALL_NONE,  /* no call is in front of @pc */
	CALL_HITS,  /* it leads to the function */
	CALL_OTHER, /* it leads to another one (which may have jumped on) */
	CALL_BLIND, /* through a register, or memory that cannot be read */
};

/*
 * Where the call in front of @pc leads to, also through a stub of a PLT, and
 * through the word of memory that holds the address (of a GOT, say).
 */
enum call_verdict call_leads_to(struct row_cache *cache, taddr pc,
				taddr function);

#endif
