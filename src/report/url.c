/* SPDX-License-Identifier: MIT */
/* url.c - URLs taken apart and put together. */
#include "report/url.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>

#include "report/names.h"
#include "util/strbuf.h"
#include "util/vec.h"

#define CPU_PROFILE "/debug/pprof/profile"
#define TIMEOUT_S 60

struct url { /* parts of a text that outlives it */
	const char *host, *path, *query, *fragment;
	size_t n_scheme, n_host, n_path, n_query;
};

/* The colon behind a scheme, or NULL. */
static const char *scheme_end(const char *text)
{
	const char *p = text;

	if (!isalpha((unsigned char)*p))
		return NULL;
	while (isalnum((unsigned char)*p) || (*p && strchr("+-.", *p)))
		p++;
	return *p == ':' ? p : NULL;
}

/* Behind the host's last colon there is nothing but digits. */
static bool has_good_port(const char *host, size_t n)
{
	size_t i = n;

	while (i && isdigit((unsigned char)host[i - 1]))
		i--;
	return i == n ? !n || !memchr(host, ':', n) || host[n - 1] == ':' ||
				host[n - 1] == ']' :
			!memchr(host, ':', n) || host[i - 1] == ':' ||
				host[n - 1] == ']';
}

/* "scheme://host/path?query#fragment" */
static bool url_split(const char *text, struct url *out)
{
	const char *colon = scheme_end(text), *p;

	*out = (struct url){ 0 };
	if (!colon || strncmp(colon, "://", 3) != 0)
		return false;
	out->n_scheme = (size_t)(colon - text);
	out->host = colon + 3;
	out->n_host = strcspn(out->host, "/?#");
	p = out->path = out->host + out->n_host;
	out->n_path = strcspn(p, "?#");
	p += out->n_path;
	out->query = *p == '?' ? ++p : p;
	out->n_query = strcspn(p, "#");
	out->fragment = p + out->n_query;
	for (size_t i = 0; i < out->n_host; i++)
		if (!isgraph((unsigned char)out->host[i]))
			return false;
	return out->n_host && has_good_port(out->host, out->n_host);
}

struct parameter {
	const char *text;
	size_t n, n_key;
};

static int compare_parameters(const void *a, const void *b)
{
	const struct parameter *p = a, *q = b;
	size_t n = p->n_key < q->n_key ? p->n_key : q->n_key;
	int order = memcmp(p->text, q->text, n);

	if (order)
		return order;
	if (p->n_key != q->n_key)
		return p->n_key < q->n_key ? -1 : 1;
	return (p->text > q->text) - (p->text < q->text);
}

static bool is_seconds(const struct parameter *p)
{
	return p->n_key == 7 && !strncmp(p->text, "seconds", 7);
}

/* The parameters by name, "seconds" replaced if @seconds is above 0. */
static void add_query(const struct url *url, int64_t seconds,
		      int64_t *out_seconds, struct strbuf *out)
{
	struct vec list = VEC_OF(struct parameter);
	const char *p = url->query, *end = p + url->n_query, *separator = "?";
	char text[40];

	while (p < end) {
		struct parameter *one = vec_push(&list);

		one->text = p;
		one->n = strcspn(p, "&#");
		one->n_key = strcspn(p, "=&#");
		p += one->n + 1;
		if (!one->n || (seconds > 0 && is_seconds(one)))
			list.n--;
		else if (is_seconds(one) && one->n > 7 && !*out_seconds)
			*out_seconds = strtol(one->text + 8, NULL, 10);
	}
	if (seconds > 0) {
		struct parameter *one = vec_push(&list);

		snprintf(text, sizeof(text), "seconds=%lld",
			 (long long)seconds);
		*one = (struct parameter){ text, strlen(text), 7 };
		*out_seconds = seconds;
	}
	if (list.n)
		qsort(list.data, list.n, sizeof(struct parameter),
		      compare_parameters);
	for (size_t i = 0; i < list.n; i++) {
		const struct parameter *one = vec_at(&list, i);

		strbuf_adds(out, separator);
		strbuf_add(out, one->text, one->n);
		separator = "&";
	}
	vec_clear(&list);
}

char *url_of_source(const char *source, int64_t seconds, int64_t timeout_s,
		    int64_t *out_timeout_s)
{
	CLEANUP(free) char *with_scheme = NULL;
	struct strbuf out = { 0 };
	int64_t url_seconds = 0;
	struct url url;

	if (!url_split(source, &url)) {
		size_t colon = strcspn(source, ":");

		if (!source[colon] || strstr(source, "://") ||
		    strcspn(source, "/?#") < colon)
			return NULL;
		with_scheme = xasprintf("http://%s", source);
		source = with_scheme;
		if (!url_split(source, &url))
			return NULL;
	}
	strbuf_add(&out, source, url.n_scheme + 3 + url.n_host);
	if (url.n_path > 1 || (url.n_path && *url.path != '/'))
		strbuf_add(&out, url.path, url.n_path);
	else
		strbuf_adds(&out, CPU_PROFILE);
	add_query(&url, seconds, &url_seconds, &out);
	strbuf_adds(&out, url.fragment);
	*out_timeout_s = timeout_s > 0	 ? timeout_s :
			 url_seconds > 0 ? url_seconds + url_seconds / 2 :
					   TIMEOUT_S;
	return strbuf_take(&out);
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

char *url_of_symbols(const char *text)
{
	static const char *const gperftools[] = {
		"/pprof/heap", "/pprof/growth", "/pprof/profile",
		"/pprof/pmuprofile", "/pprof/contention",
	};
	CLEANUP(free) char *path = NULL, *joined = NULL;
	struct strbuf out = { 0 };
	const char *name = "symbolz";
	struct url url;

	if (!url_split(text, &url))
		return NULL;
	path = xstrndup(url.path, url.n_path);
	if (strstr(path, "/debug/pprof/"))
		name = "symbol";
	for (size_t i = 0; i < ARRAY_SIZE(gperftools); i++)
		if (ends_with(path, gperftools[i]))
			name = "symbol";
	joined = xasprintf("%s/../%s", path, name);
	strbuf_add(&out, text, url.n_scheme + 3 + url.n_host);
	path_add_clean(&out, joined);
	return strbuf_take(&out);
}
