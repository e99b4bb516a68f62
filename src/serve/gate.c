/* SPDX-License-Identifier: MIT */
/* gate.c - who may ask: Host, Origin, and the token. */
#include "serve/gate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <strings.h>
#include <sys/stat.h>

#include "util/io.h"

#define TOKEN_MIN 16 /* characters */
#define TOKEN_MAX 512
#define HOST_MAX 256

void gate_init(struct gate *gate)
{
	*gate = (struct gate){ .hosts = VEC_OF(char *) };
}

void gate_clear(struct gate *gate)
{
	for (size_t i = 0; i < gate->hosts.n; i++)
		free(*(char **)vec_at(&gate->hosts, i));
	vec_clear(&gate->hosts);
	free(gate->token);
	gate->token = NULL;
}

struct error *gate_read_token(struct gate *gate, const char *path)
{
	CLEANUP(free) char *text = NULL;
	struct stat st;
	size_t len = 0;

	text = io_read_file(path, TOKEN_MAX + 1, &len);
	if (!text || stat(path, &st))
		return error_new("cannot read the token in %s", path);
	if (st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP))
		return error_hint(error_new("the token in %s is not secret",
					    path),
				  "try:   chmod 600 %s", path);
	text[strcspn(text, "\r\n")] = '\0';
	len = strlen(text);
	if (len < TOKEN_MIN || len > TOKEN_MAX)
		return error_hint(error_new("the token in %s is too short, or "
					    "too long", path),
				  "try:   head -c 16 /dev/urandom | "
				  "od -An -tx1 | tr -d ' \\n' > %s", path);
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~')
			return error_new("the token in %s has other "
					 "characters than printable ASCII",
					 path);
	gate->token = TAKE(text);
	return NULL;
}

/* "Example.com:80", "[::1]:80" -> "example.com", "::1" */
static bool read_host(const char *text, char out[HOST_MAX])
{
	const char *start = text + (*text == '[');
	size_t n = strcspn(start, *text == '[' ? "]" : ":");
	const char *rest = start + n + (*text == '[');

	if (!n || n >= HOST_MAX || (*text == '[' && start[n] != ']'))
		return false;
	if (*rest && (*rest != ':' || strspn(rest + 1, "0123456789") !=
					      strlen(rest + 1)))
		return false;
	for (size_t i = 0; i < n; i++)
		out[i] = start[i] >= 'A' && start[i] <= 'Z'
				 ? (char)(start[i] | 0x20) : start[i];
	if (n > 1 && out[n - 1] == '.') /* the root's dot */
		n--;
	out[n] = '\0';
	return true;
}

static bool is_loopback_address(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 &&
	       IN6_IS_ADDR_LOOPBACK(&v6);
}

/* An address cannot be rebound: only names can. */
static bool is_address(const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, bytes) == 1 ||
	       inet_pton(AF_INET6, host, bytes) == 1;
}

static bool is_ours(const struct gate *gate, const char *text)
{
	char host[HOST_MAX];

	if (!read_host(text, host))
		return false;
	if (!strcmp(host, "localhost") || is_loopback_address(host) ||
	    (gate->is_open && is_address(host)))
		return true;
	for (size_t i = 0; i < gate->hosts.n; i++)
		if (!strcasecmp(*(char **)vec_at(&gate->hosts, i), host))
			return true;
	return false;
}

/* "http://localhost:6060"; a sandboxed page says "null". */
static bool is_our_origin(const struct gate *gate, const char *origin)
{
	if (!strncmp(origin, "http://", 7))
		return is_ours(gate, origin + 7);
	if (!strncmp(origin, "https://", 8))
		return is_ours(gate, origin + 8);
	return false;
}

static bool is_foreign(const struct gate *gate, const struct gate_ask *ask)
{
	if (ask->origin && !is_our_origin(gate, ask->origin))
		return true;
	if (!ask->fetch_site || !strcmp(ask->fetch_site, "same-origin") ||
	    !strcmp(ask->fetch_site, "none"))
		return false;
	return !ask->is_page || !ask->fetch_mode ||
	       strcmp(ask->fetch_mode, "navigate") != 0;
}

/* As long for a wrong one as for the right one, but for the length. */
static bool is_equal(const char *a, size_t len, const char *token)
{
	size_t n = strlen(token);
	unsigned char difference = len != n;

	for (size_t i = 0; i < n; i++)
		difference |= (unsigned char)(token[i] ^
					      a[len ? i % len : 0]);
	return !difference;
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* "user:token" in base64 (RFC 7617): the token, or NULL. */
static char *password_of(const char *text)
{
	char *out = xmalloc(strlen(text) + 1), *to = out, *colon;
	unsigned bits = 0;
	uint32_t value = 0;

	for (; *text && base64_digit(*text) >= 0; text++) {
		value = value << 6 | (uint32_t)base64_digit(*text);
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		*to++ = (char)(value >> bits & 0xff);
	}
	*to = '\0';
	colon = strchr(out, ':');
	if (!colon) {
		free(out);
		return NULL;
	}
	memmove(out, colon + 1, strlen(colon + 1) + 1);
	return out;
}

static bool has_token(const struct gate *gate, const char *authorization)
{
	CLEANUP(free) char *password = NULL;

	if (!authorization)
		return false;
	if (!strncasecmp(authorization, "Bearer ", 7))
		return is_equal(authorization + 7, strlen(authorization + 7),
				gate->token);
	if (strncasecmp(authorization, "Basic ", 6))
		return false;
	password = password_of(authorization + 6);
	return password && is_equal(password, strlen(password), gate->token);
}

unsigned gate_check(const struct gate *gate, const struct gate_ask *ask,
		    const char **out_reason)
{
	*out_reason = "";
	if (!ask->is_local && !ask->host) {
		*out_reason = "a request needs a Host header";
		return 400;
	}
	if (!ask->is_local && !is_ours(gate, ask->host)) {
		*out_reason = "this Host is none of this server's; "
			      "--allow-host NAME admits another name";
		return 403;
	}
	if (is_foreign(gate, ask)) {
		*out_reason = "requests from other sites' pages are refused";
		return 403;
	}
	if (gate->token && ask->needs_token &&
	    !has_token(gate, ask->authorization)) {
		*out_reason = "this server needs the token of its "
			      "--auth-token-file";
		return 401;
	}
	return 0;
}
