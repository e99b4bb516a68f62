/* SPDX-License-Identifier: MIT */
/* request.c - path, query and numbers, as Go reads them. */
#include "serve/request.h"

#include "util/mem.h"

#define ARGS_MAX 64
#define WORD_MAX 64 /* of a number */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *request_unescape(const char *text, size_t len, bool plus_is_blank)
{
	char *out = xmalloc(len + 1), *to = out;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (text[i] != '%') {
			*to++ = plus_is_blank && text[i] == '+' ? ' '
								: text[i];
			continue;
		}
		high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
		low = len - i > 2 ? hex_digit(text[i + 2]) : -1;
		if (high < 0 || low < 0) {
			free(out);
			return NULL;
		}
		*to++ = (char)(high << 4 | low);
		i += 2;
	}
	*to = '\0';
	return out;
}

/* A pair with a broken escape, or with a semicolon, is left out (net/url). */
static void add_pair(struct request *request, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t n = equals ? (size_t)(equals - text) : len;
	struct request_arg arg;

	if (!len || memchr(text, ';', len) || request->args.n >= ARGS_MAX)
		return;
	arg.key = request_unescape(text, n, true);
	arg.value = equals ? request_unescape(equals + 1, len - n - 1, true)
			   : xstrdup("");
	if (arg.key && arg.value) {
		*(struct request_arg *)vec_push(&request->args) = arg;
		return;
	}
	free(arg.key);
	free(arg.value);
}

static void add_query(struct request *request, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *and = memchr(text, '&', (size_t)(end - text));

		and = and ? and : end;
		add_pair(request, text, (size_t)(and - text));
		text = and + 1;
	}
}

/* "http://host:port/path" as well as "/path". */
static const char *skip_authority(const char *target)
{
	const char *at;

	if (strncmp(target, "http://", 7) && strncmp(target, "https://", 8))
		return target;
	at = strstr(target, "://") + 3;
	at += strcspn(at, "/?");
	return *at == '/' ? at : NULL;
}

bool request_parse(const char *target, struct request *out)
{
	const char *path = skip_authority(target);
	size_t n;

	*out = (struct request){ .args = VEC_OF(struct request_arg) };
	if (!path || *path != '/')
		return false;
	n = strcspn(path, "?#");
	out->path = request_unescape(path, n, false);
	if (!out->path)
		return false;
	path += n;
	if (*path == '?')
		path++;
	out->query = xstrndup(path, strcspn(path, "#"));
	add_query(out, out->query, strlen(out->query));
	return true;
}

void request_clear(struct request *request)
{
	for (size_t i = 0; i < request->args.n; i++) {
		struct request_arg *arg = vec_at(&request->args, i);

		free(arg->key);
		free(arg->value);
	}
	vec_clear(&request->args);
	free(request->path);
	free(request->query);
	request->path = request->query = NULL;
}

const char *request_find(const struct request *request, const char *key)
{
	for (size_t i = 0; i < request->args.n; i++) {
		const struct request_arg *arg = vec_at(&request->args, i);

		if (!strcmp(arg->key, key))
			return arg->value;
	}
	return NULL;
}

bool request_parse_int(const char *text, int64_t *out)
{
	bool is_negative = *text == '-';
	uint64_t value = 0, limit = (uint64_t)INT64_MAX + is_negative;

	text += *text == '-' || *text == '+';
	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned digit = (unsigned)(*text - '0');

		if (digit > 9 || value > (limit - digit) / 10)
			return false;
		value = 10 * value + digit;
	}
	*out = is_negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

bool request_next_address(const char **at, const char *end, uint64_t *out)
{
	char word[WORD_MAX], *rest;
	const char *plus;
	size_t n;

	*out = 0;
	if (!*at || *at >= end)
		return false;
	plus = memchr(*at, '+', (size_t)(end - *at));
	n = (size_t)((plus ? plus : end) - *at);
	if (n && n < sizeof(word) && **at >= '0' && **at <= '9') {
		memcpy(word, *at, n);
		word[n] = '\0';
		*out = strtoull(word, &rest, 0);
		if (*rest)
			*out = 0;
	}
	*at = plus ? plus + 1 : end;
	return true;
}
