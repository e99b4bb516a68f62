/* SPDX-License-Identifier: MIT */
/*
 * labels.h - what threads say of themselves, in a table of libpsample's.
 *
 * The table is in the target's memory, at an address that was given when
 * psample was started; src/client/labels.c writes it. Threads are found by a
 * hash of their tid. All of it is hostile: nothing is believed but sizes that
 * are checked here. A thread that stands, or is blocked, does not change its
 * own entry, so one read gives it whole.
 */
#ifndef SAMPLER_LABELS_H
#define SAMPLER_LABELS_H

#include <stdint.h>
#include <sys/types.h>

#include "arch/regs.h"
#include "profile/profile.h"

#define LABELS_MAX 16	      /* pairs of key and value that are taken */
#define LABELS_TEXT_BYTES 248 /* "key\0value\0key\0value\0" */
#define LABELS_SETS_MAX 100000 /* of a profile; beyond that none are made */

/*
 * For the sampler: the text of @tid's labels into @out, LABELS_TEXT_BYTES
 * long; how many bytes, 0 for none. Some 0.8 us, or 0.4 without labels.
 */
uint32_t labels_read(pid_t tid, taddr table, uint8_t *out);

/* For the unwinder: the label set @base, and what @text says. */
uint32_t labels_add(struct profile *profile, uint32_t base,
		    const uint8_t *text, size_t n_bytes);

#endif
