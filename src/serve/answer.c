/* SPDX-License-Identifier: MIT */
/* answer.c - what goes back to a client. */
#include "serve/answer.h"

void answer_init(struct answer *answer, unsigned status, const char *type)
{
	*answer = (struct answer){
		.status = status,
		.headers = VEC_OF(struct answer_header),
	};
	if (type)
		answer_add_header(answer, "Content-Type", type);
	answer_add_header(answer, "X-Content-Type-Options", "nosniff");
	answer_add_header(answer, "Content-Security-Policy",
			  "default-src 'none'; "
			  "frame-ancestors 'none'; base-uri 'none'; "
			  "form-action 'none'");
	answer_add_header(answer, "Cache-Control", "no-store");
	answer_add_header(answer, "Cross-Origin-Resource-Policy",
			  "same-origin");
}

void answer_clear(struct answer *answer)
{
	for (size_t i = 0; i < answer->headers.n; i++) {
		struct answer_header *header = vec_at(&answer->headers, i);

		free(header->name);
		free(header->value);
	}
	vec_clear(&answer->headers);
	strbuf_clear(&answer->body);
}

void answer_add_header(struct answer *answer, const char *name,
		       const char *value)
{
	struct answer_header *header = vec_push(&answer->headers);

	header->name = xstrdup(name);
	header->value = xstrdup(value);
}

void answer_init_error(struct answer *answer, unsigned status,
		       const char *text)
{
	answer_init(answer, status, ANSWER_TEXT);
	answer_add_header(answer, "X-Go-Pprof", "1");
	strbuf_addf(&answer->body, "%s\n", text);
}

void answer_init_file(struct answer *answer, const char *name)
{
	CLEANUP(free) char *value =
		xasprintf("attachment; filename=\"%s\"", name);

	answer_init(answer, 200, ANSWER_BYTES);
	answer_add_header(answer, "Content-Disposition", value);
}
