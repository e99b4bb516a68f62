/* SPDX-License-Identifier: MIT */
/* upt.c - a stack walked by libunwind-ptrace while its thread is stopped. */
#include "target/upt.h"

#include <libunwind-ptrace.h>

#include "util/map.h"
#include "util/mem.h"

struct upt {
	unw_addr_space_t space;
	struct map by_tid; /* tid -> index in contexts */
	struct vec contexts; /* struct UPT_info *, as _UPT_create() made it */
};

struct upt *upt_new(void)
{
	struct upt *upt = xcalloc(1, sizeof(*upt));

	upt->contexts = VEC_OF(void *);
	upt->space = unw_create_addr_space(&_UPT_accessors, 0);
	if (upt->space) /* off by default, and 20 times slower without */
		unw_set_caching_policy(upt->space, UNW_CACHE_GLOBAL);
	return upt;
}

void upt_free(struct upt *upt)
{
	if (!upt)
		return;
	for (size_t i = 0; i < upt->contexts.n; i++)
		if (*(void **)vec_at(&upt->contexts, i))
			_UPT_destroy(*(void **)vec_at(&upt->contexts, i));
	vec_clear(&upt->contexts);
	map_clear(&upt->by_tid);
	if (upt->space)
		unw_destroy_addr_space(upt->space);
	free(upt);
}

static void *context_of(struct upt *upt, pid_t tid)
{
	uint32_t i = map_get(&upt->by_tid, (uint64_t)tid);
	void **context;

	if (i == NO_ID) {
		i = (uint32_t)upt->contexts.n;
		vec_push(&upt->contexts);
		map_put(&upt->by_tid, (uint64_t)tid, i);
	}
	context = vec_at(&upt->contexts, i);
	if (!*context)
		*context = _UPT_create(tid);
	return *context;
}

void upt_forget(struct upt *upt, pid_t tid)
{
	uint32_t i = map_get(&upt->by_tid, (uint64_t)tid);
	void **context;

	if (i == NO_ID)
		return;
	context = vec_at(&upt->contexts, i);
	if (*context)
		_UPT_destroy(*context);
	*context = NULL;
}

size_t upt_walk(struct upt *upt, pid_t tid, taddr *pcs, size_t max)
{
	void *context = context_of(upt, tid);
	unw_cursor_t cursor;
	unw_word_t pc, sp, last_sp = 0;
	size_t n = 0;

	if (!upt->space || !context ||
	    unw_init_remote(&cursor, upt->space, context))
		return 0;
	do {
		if (unw_get_reg(&cursor, UNW_REG_IP, &pc) ||
		    unw_get_reg(&cursor, UNW_REG_SP, &sp) || !pc)
			break;
		if (n && sp <= last_sp) /* no advance: a loop */
			break;
		last_sp = sp;
		pcs[n++] = pc;
	} while (n < max && unw_step(&cursor) > 0);
	return n;
}
