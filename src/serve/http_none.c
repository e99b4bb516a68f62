/* SPDX-License-Identifier: MIT */
/* http_none.c - in place of http.c, where its library is missing. */
#include "serve/http.h"

#ifndef HAVE_LIBMICROHTTPD

bool http_is_possible(void)
{
	return false;
}

const char *http_library_version(void)
{
	return "none";
}

struct error *http_open(const struct vec *listeners,
			const struct http_limits *limits,
			const struct http_hooks *hooks, struct http **out)
{
	(void)listeners;
	(void)limits;
	(void)hooks;
	(void)out;
	return error_new("this psample was built without libmicrohttpd");
}

void http_close(struct http *http)
{
	(void)http;
}

int http_fd(const struct http *http)
{
	(void)http;
	return -1;
}

int http_wait_ms(struct http *http)
{
	(void)http;
	return -1;
}

void http_run(struct http *http)
{
	(void)http;
}

struct http_counts http_counts(const struct http *http)
{
	(void)http;
	return (struct http_counts){ 0 };
}

bool http_is_full(struct http *http)
{
	(void)http;
	return true;
}

const char *http_method(const struct http_call *call)
{
	(void)call;
	return "";
}

const char *http_target(const struct http_call *call)
{
	(void)call;
	return "";
}

const char *http_header(const struct http_call *call, const char *name)
{
	(void)call;
	(void)name;
	return NULL;
}

const struct strbuf *http_body(const struct http_call *call)
{
	(void)call;
	return NULL;
}

bool http_is_local(const struct http_call *call)
{
	(void)call;
	return false;
}

bool http_is_answered(const struct http_call *call)
{
	(void)call;
	return true;
}

void http_answer(struct http_call *call, struct answer *answer)
{
	(void)call;
	answer_clear(answer);
}

#endif
