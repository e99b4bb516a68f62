/* SPDX-License-Identifier: MIT */
/*
 * confine.h - a child that answers questions about data nobody vouches for.
 *
 * It is a fork, so all that the caller has is there, and one function runs in
 * it: with bounds on memory and time, without capabilities, and with no system
 * call but those that read files (seccomp(2)): no ptrace, signals, sockets,
 * programs, files to be written, and no descriptor that could be. What makes it
 * crash or loop ends it alone.
 */
#ifndef UTIL_CONFINE_H
#define UTIL_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/strbuf.h"

struct confine;

struct confine_question {
	uint64_t subject; /* what it is about, as both sides count */
	uint64_t address;
};

/* In the child: append the answer to @question to @out. */
typedef void (*confine_answer_fn)(void *ctx,
				  const struct confine_question *question,
				  struct strbuf *out);

struct confine_limits {
	/* It is a process of its own and no more: it may do and take what the
	 * caller may, but dies with it, and is not waited for for ever. */
	bool is_trusted;
	uint64_t memory_bytes; /* beyond what the caller has now */
	unsigned int cpu_s;    /* in all */
	int answer_ms;	       /* the caller waits no longer for one */
};

/* NULL: there cannot be one. */
struct confine *confine_start(const struct confine_limits *limits,
			      confine_answer_fn answer, void *ctx);

enum confine_result {
	CONFINE_DONE,
	CONFINE_DIED, /* for good */
	CONFINE_LATE, /* likewise: it was ended */
};

/* The answer replaces @out; it is as hostile as the data. */
enum confine_result confine_ask(struct confine *confine,
				struct confine_question question,
				struct strbuf *out);

/*
 * The same in two steps, so that it works while it is asked: answers come in
 * the order of questions. A caller that sends more than 1,000 ahead hangs.
 */
void confine_send(struct confine *confine, struct confine_question question);
enum confine_result confine_receive(struct confine *confine,
				    struct strbuf *out);

void confine_free(struct confine *confine);

#endif
