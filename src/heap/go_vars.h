/* SPDX-License-Identifier: MIT */
/*
 * go_vars.h - where a Go program keeps its heap profile.
 *
 * Two variables of Go's runtime are needed: MemProfileRate, the knob, and
 * mbuckets, the head of the list of buckets. They are found by the code that
 * uses them, so a stripped program serves as well: the one word of data that
 * certain functions have in common (runtime/mprof.go, runtime/malloc.go).
 * Pure: nothing but the module's file is read.
 */
#ifndef HEAP_GO_VARS_H
#define HEAP_GO_VARS_H

#include "image/gopclntab.h"
#include "util/error.h"

/* The versions of Go, 1.MINOR, whose layout of the profile is known. */
#define GO_MINOR_MIN 9 /* not told apart from 1.12 when stripped */
#define GO_MINOR_MAX 27

struct go_vars {
	int minor; /* of go1.MINOR; 0: before 1.13, which does not say */
	uint64_t rate, buckets; /* vaddrs */
	/* Code whose addresses in a stack are no calls (up to 1.20), or 0. */
	uint64_t skip_start, skip_end;
};

/*
 * Find them in @module, whose table is @table. Fails with the reason when the
 * version is not known or the code does not look as it should.
 */
struct error *go_vars_find(const struct module *module,
			   const struct gopclntab *table,
			   struct go_vars *out) MUST_USE;

/* "go1.22.3", "devel go1.23-0123abc ..." -> 22; -1: no version of Go. */
int go_version_minor(const char *text);

#endif
