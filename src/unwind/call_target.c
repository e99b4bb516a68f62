/* SPDX-License-Identifier: MIT */
/*
 * call_target.c - whether the call before a return address leads to a given
 * function.
 */
#include "unwind/call_target.h"

#include <string.h>

#include "unwind/call_site.h"

#define DIRECT_CALL_BYTES 5 /* e8, and how far from behind it */
#define STUB_BYTES 16

bool call_is_direct(struct row_cache *cache, taddr pc, taddr function)
{
	uint8_t code[DIRECT_CALL_BYTES];
	int32_t distance;

	if (row_cache_code(cache, pc - sizeof(code), code, sizeof(code)) !=
		    sizeof(code) ||
	    code[0] != 0xe8)
		return false;
	memcpy(&distance, code + 1, sizeof(distance));
	return pc + (taddr)(int64_t)distance == function;
}

static taddr add_distance(taddr from, const uint8_t *bytes)
{
	int32_t distance;

	memcpy(&distance, bytes, sizeof(distance));
	return from + (taddr)(int64_t)distance;
}

/* Does the word at @slot hold the address of @function? */
static enum call_verdict slot_leads_to(struct row_cache *cache, taddr slot,
				       taddr function)
{
	uint64_t target;

	if (space_read_memory(cache->space, slot, &target, sizeof(target)) !=
	    (ssize_t)sizeof(target))
		return CALL_BLIND;
	return target == function ? CALL_HITS : CALL_OTHER;
}

/* A stub jumps through a slot: [endbr64] [bnd] jmp *slot(%rip). */
static enum call_verdict stub_leads_to(struct row_cache *cache, taddr stub,
				       taddr function)
{
	uint8_t code[STUB_BYTES] = { 0 };
	const uint8_t *p = code;
	size_t n = row_cache_code(cache, stub, code, sizeof(code));

	if (n < sizeof(code))
		return CALL_OTHER;
	if (!memcmp(p, "\xf3\x0f\x1e\xfa", 4))
		p += 4;
	if (*p == 0xf2)
		p++;
	if (p[0] == 0xe9)
		return add_distance(stub + (taddr)(p - code) + 5, p + 1) ==
			       function ? CALL_HITS : CALL_OTHER;
	if (p[0] != 0xff || p[1] != 0x25)
		return CALL_OTHER;
	return slot_leads_to(cache,
			     add_distance(stub + (taddr)(p - code) + 6, p + 2),
			     function);
}

enum call_verdict call_leads_to(struct row_cache *cache, taddr pc,
				taddr function)
{
	uint8_t code[CALL_BYTES_MAX], *end = code + sizeof(code);
	taddr target;

	/* Words that are no return address shall leave no row behind. */
	if (row_cache_code(cache, pc - sizeof(code), code, sizeof(code)) !=
		    sizeof(code) ||
	    !bytes_end_in_call(code, sizeof(code)))
		return CALL_NONE;
	if (end[-5] == 0xe8) {
		target = add_distance(pc, end - 4);
		if (target == function)
			return CALL_HITS;
		return stub_leads_to(cache, target, function);
	}
	if (end[-6] == 0xff && end[-5] == 0x15)
		return slot_leads_to(cache, add_distance(pc, end - 4),
				     function);
	return CALL_BLIND;
}
