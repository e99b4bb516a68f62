/* SPDX-License-Identifier: MIT */
/*
 * record.h - what the sampler tells the unwinder, in order.
 *
 * Hits of a thread pend until a RECORD_PAY or RECORD_POOL gives them their
 * weight in CPU time; wall time comes with each record. Slots and subjects
 * are small numbers that are used again after their RECORD_*_END.
 */
#ifndef SAMPLER_RECORD_H
#define SAMPLER_RECORD_H

#include <stdatomic.h>

#include "arch/regs.h"

enum record_kind {
	RECORD_SUBJECT,	    /* a process, or the same one after exec */
	RECORD_SUBJECT_END, /* it exited, called exec, or was let go */
	RECORD_MAPS,	    /* its maps as text, should it be gone soon */
	RECORD_STACK,	    /* a snapshot: registers and stack bytes */
	RECORD_WALKED,	    /* a stack that was walked in the stop: pcs */
	RECORD_REPEAT,	    /* the slot's last stack again, for wall_ns */
	RECORD_UNSEEN,	    /* wall_ns of a slot in which nothing was seen */
	RECORD_PAY,	    /* the slot's pending hits share cpu_ns */
	RECORD_TO_POOL,	    /* the slot's pending hits go to the pool */
	RECORD_POOL,	    /* the subject's pool shares cpu_ns */
	RECORD_TO_BRIEF,    /* the subject's pool goes to that of all who
			       lived briefly */
	RECORD_BRIEF,	    /* that pool shares cpu_ns */
	RECORD_UNSAMPLED,   /* cpu_ns of a subject without any hit */
	RECORD_SLOT_END,    /* the thread ended */
	RECORD_FLUSH,	    /* tell when all before it is in the profile */
	RECORD_END,	    /* the run is over */
};

struct record {
	uint32_t kind;
	uint32_t subject;
	uint32_t slot;
	int32_t pid, tid;
	uint32_t parent; /* RECORD_SUBJECT: forked from this one, or NO_ID */
	int64_t wall_ns;
	int64_t cpu_ns;
	uint32_t samples; /* what the record adds to samples/count */
	uint32_t phase;	  /* of its tick, see n_phases in options.h */
	bool is_hit;	  /* pends for a weight in CPU time */
};

/* What the unwinder tells about the next copy of a thread's stack. */
struct walk_answers {
	_Atomic uint32_t need;	/* bytes, the most of late */
	_Atomic taddr top;	/* where its walks end if they agree, or 0 */
	_Atomic bool needs_fp;	/* its blocked stack ended at that */
	_Atomic bool ends_early; /* its last walk did not come to the root */
	_Atomic taddr other_fp; /* where its other stack was wanted last */
};

struct maps_record {
	struct record record;
	uint32_t n_bytes;
	char text[];
};

struct stack_record {
	struct record record;
	struct regs regs;
	struct walk_answers *answers;
	taddr other_base;
	uint32_t n_other_bytes; /* behind the n_bytes of bytes[] */
	uint32_t n_label_bytes; /* and behind those: labels.h */
	taddr base;
	uint32_t n_bytes;
	bool is_cut;
	uint8_t bytes[]; /* RECORD_WALKED: taddr pcs[] */
};

#endif
