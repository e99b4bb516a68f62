/* SPDX-License-Identifier: MIT */
/*
 * jit.h - the code that one process makes at run time, and its names.
 *
 * Made by the unwinder when an address of the process first lies in memory
 * without a program file; read after the run, on the main thread.
 */
#ifndef SAMPLER_JIT_H
#define SAMPLER_JIT_H

#include "image/space.h"
#include "symbol/perf_map.h"
#include "target/jit_file.h"

struct jit {
	pid_t pid;
	const struct jit *parent; /* whose code it began with, or NULL */
	struct jit_file file;
	struct perf_map *map; /* as last read, or NULL */
	bool is_told; /* that the list is not to be trusted */
};

/* May code that is made at run time be here? */
bool jit_may_own(const struct mapping *mapping);

/* @parent: of the process that @pid was forked from; it must live longer. */
struct jit *jit_new(pid_t pid, const struct jit *parent);
void jit_free(struct jit *jit);

/* Read the list again if it grew. */
void jit_refresh(struct jit *jit);

/*
 * The name of the code at @addr, or NULL, in the list of the process or of
 * those it was forked from. Owned by them until a refresh.
 */
const char *jit_find(const struct jit *jit, taddr addr);

#endif
