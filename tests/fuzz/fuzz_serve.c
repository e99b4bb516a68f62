/* SPDX-License-Identifier: MIT */
/*
 * fuzz_serve.c - any text that a client of psample serve may send: the path,
 * the query, headers, bodies. One line each, in this order.
 */
#include "fuzz.h"
#include "serve/gate.h"
#include "serve/request.h"
#include "util/mem.h"

static void run_request(const char *target)
{
	struct request request;
	int64_t number;

	if (!request_parse(target, &request))
		return;
	for (size_t i = 0; i < request.args.n; i++) {
		struct request_arg *arg = vec_at(&request.args, i);

		if (!request_find(&request, arg->key))
			abort(); /* an argument that is there is found */
		request_parse_int(arg->value, &number);
	}
	request_clear(&request);
}

static void run_addresses(const char *text)
{
	const char *at = text, *end = text + strlen(text);
	uint64_t address;

	while (request_next_address(&at, end, &address))
		if (at > end)
			abort();
}

/* With any other host than ours nobody may get in. */
static void run_gate(const struct gate_ask *ask)
{
	struct gate gate;
	const char *reason;
	unsigned status;

	gate_init(&gate);
	gate.token = xstrdup("0123456789abcdef");
	status = gate_check(&gate, ask, &reason);
	if (!status && !strcasestr(ask->host, "localhost") &&
	    !strstr(ask->host, "127") && !strchr(ask->host, ':'))
		abort();
	if (!status && (!ask->authorization ||
			strlen(ask->authorization) < 16))
		abort();
	gate_clear(&gate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size), *rest = text;
	const char *lines[7] = { 0 };
	struct gate_ask ask = { .needs_token = true };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		lines[i] = strsep(&rest, "\n");
	ask.host = lines[1];
	ask.origin = lines[2];
	ask.authorization = lines[3];
	ask.fetch_site = lines[4];
	ask.fetch_mode = lines[5];
	run_request(lines[0] ? lines[0] : "");
	run_gate(&ask);
	if (lines[6])
		run_addresses(lines[6]);
	free(text);
	return 0;
}
