/* SPDX-License-Identifier: MIT */
/*
 * agent_map.c - the part of the agent that writes down mmap(2) and its kin.
 *
 * What is free is written down before the call, and what is mapped after it:
 * so the ring has both in the order in which the addresses were used. What
 * mprotect(2) does comes after it as well, since nobody else gets the address.
 */
#include "heap/agent_code.h"

#define PAGE_MASK UINT64_C(4095)
#define PROT_ANY 7u /* PROT_READ | PROT_WRITE | PROT_EXEC */
#define MREMAP_MAYMOVE 1u
#define MREMAP_DONTUNMAP 4u

typedef uint64_t (*six_fn)(uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			   uint64_t e, uint64_t f);

ALWAYS uint64_t call_original(enum agent_function function,
			      const struct agent_call *call)
{
	const uint64_t *args = call->args;

	return ((six_fn)original(function))(args[0], args[1], args[2],
					    args[3], args[4], args[5]);
}

/* It may have become silent since the wrapper looked. */
IN_AGENT static struct agent_record *begin(enum agent_kind kind,
					   uint64_t addr, uint64_t size,
					   uint64_t *out_sequence)
{
	struct agent_record *record;

	if (!size ||
	    !__atomic_load_n(&state()->active, __ATOMIC_ACQUIRE))
		return 0;
	record = agent_take_record(out_sequence);
	if (!record)
		return 0;
	record->kind = kind;
	record->addr = addr;
	record->size = size;
	return record;
}

ALWAYS uint64_t whole_pages(uint64_t len)
{
	return (len + PAGE_MASK) & ~PAGE_MASK;
}

ALWAYS int has_failed(uint64_t result) /* with MAP_FAILED */
{
	return result == ~UINT64_C(0);
}

IN_AGENT static void tell_with_caller(enum agent_kind kind, uint64_t addr,
				      uint64_t len,
				      const struct agent_frame *frame)
{
	uint64_t sequence;
	struct agent_record *record = begin(kind, addr, whole_pages(len),
					    &sequence);

	if (!record)
		return;
	agent_copy_caller(record, frame);
	__atomic_store_n(&record->sequence, sequence, __ATOMIC_RELEASE);
}

IN_AGENT static void tell_mapped(uint64_t addr, uint64_t len,
				 const struct agent_frame *frame)
{
	if (state()->active)
		__atomic_add_fetch(&shared()->mapped_bytes, whole_pages(len),
				   __ATOMIC_RELAXED);
	tell_with_caller(AGENT_MAPPED, addr, len, frame);
}

IN_AGENT static void tell_range(enum agent_kind kind, uint64_t addr,
				uint64_t len)
{
	uint64_t sequence;
	struct agent_record *record = begin(kind, addr, whole_pages(len),
					    &sequence);

	if (record)
		__atomic_store_n(&record->sequence, sequence,
				 __ATOMIC_RELEASE);
}

IN_AGENT static void tell_unmapped(uint64_t addr, uint64_t len)
{
	tell_range(AGENT_UNMAPPED, addr, len);
}

/*
 * Without any right of access it is a reservation, no memory: it counts when
 * it is mapped once more (MAP_FIXED), with rights, or mprotect(2) gives some.
 */
IN_AGENT static uint64_t map_by(enum agent_function function,
				const struct agent_call *call)
{
	uint64_t addr = call_original(function, call);

	if (has_failed(addr))
		return addr;
	if (call->args[2] & PROT_ANY)
		tell_mapped(addr, call->args[1], &call->frame);
	else
		tell_range(AGENT_RESERVED, addr, call->args[1]);
	return addr;
}

uint64_t agent_mmap(const struct agent_call *call)
{
	return map_by(AGENT_MMAP, call);
}

uint64_t agent_mmap64(const struct agent_call *call)
{
	return map_by(AGENT_MMAP64, call);
}

uint64_t agent_munmap(const struct agent_call *call)
{
	if (!(call->args[0] & PAGE_MASK))
		tell_unmapped(call->args[0], call->args[1]);
	return call_original(AGENT_MUNMAP, call);
}

/* Its pages go elsewhere, but it stays mapped: that is one mapping more. */
IN_AGENT static uint64_t move_pages(const struct agent_call *call)
{
	uint64_t result = call_original(AGENT_MREMAP, call);

	if (!has_failed(result))
		tell_mapped(result, call->args[2], &call->frame);
	return result;
}

/* Where it may not move it stays, whatever comes of the call. */
uint64_t agent_mremap(const struct agent_call *call)
{
	uint64_t addr = call->args[0], len = whole_pages(call->args[1]);
	uint64_t wanted = whole_pages(call->args[2]), result;
	int may_move = call->args[3] & MREMAP_MAYMOVE;

	if (call->args[3] & MREMAP_DONTUNMAP)
		return move_pages(call);
	if (may_move)
		tell_unmapped(addr, len);
	else if (wanted < len)
		tell_unmapped(addr + wanted, len - wanted);
	result = call_original(AGENT_MREMAP, call);
	if (may_move && has_failed(result))
		tell_mapped(addr, len, &call->frame);
	else if (may_move)
		tell_mapped(result, wanted, &call->frame);
	else if (!has_failed(result) && wanted > len)
		tell_mapped(addr + len, wanted - len, &call->frame);
	return result;
}

/* Which of them matter is for psample to know: it has the reservations. */
uint64_t agent_mprotect(const struct agent_call *call)
{
	uint64_t result = call_original(AGENT_MPROTECT, call);

	if ((int)result) /* it is an int: what is above it means nothing */
		return result;
	if (call->args[2] & PROT_ANY)
		tell_with_caller(AGENT_OPENED, call->args[0], call->args[1],
				 &call->frame);
	else
		tell_range(AGENT_CLOSED, call->args[0], call->args[1]);
	return result;
}
