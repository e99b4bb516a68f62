/* SPDX-License-Identifier: MIT */
/* answer.h - what goes back to a client. */
#ifndef SERVE_ANSWER_H
#define SERVE_ANSWER_H

#include "util/strbuf.h"
#include "util/vec.h"

#define ANSWER_TEXT "text/plain; charset=utf-8"
#define ANSWER_HTML "text/html; charset=utf-8"
#define ANSWER_BYTES "application/octet-stream"

struct answer_header {
	char *name, *value;
};

struct answer {
	unsigned status;
	struct vec headers; /* struct answer_header */
	struct strbuf body;
};

void answer_init(struct answer *answer, unsigned status, const char *type);
void answer_clear(struct answer *answer);

void answer_add_header(struct answer *answer, const char *name,
		       const char *value);

/* As net/http/pprof's serveError(): text, X-Go-Pprof, and a newline. */
void answer_init_error(struct answer *answer, unsigned status,
		       const char *text);

/* A file called @name for who saves it. */
void answer_init_file(struct answer *answer, const char *name);

#endif
