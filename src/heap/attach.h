/* SPDX-License-Identifier: MIT */
/* attach.h - borrow a thread of a running program for the stub. */
#ifndef HEAP_ATTACH_H
#define HEAP_ATTACH_H

#include "heap/inject.h"

/*
 * NULL if nothing speaks against an agent in this program; else the reason.
 * Nothing is changed.
 */
struct error *attach_inspect(struct inject *inject,
			     const struct space *space) MUST_USE;

/*
 * Write the stub and send a thread there that is in no state which this could
 * disturb. *@out_held_ns: how long that one was stopped.
 */
struct error *attach_enter(struct inject *inject,
			   int64_t *out_held_ns) MUST_USE;

#endif
