/* SPDX-License-Identifier: MIT */
/* test_report_url.c - words that are URLs, and words that are not. */
#include "check.h"

#include "report/url.h"
#include "util/mem.h"

struct url_case {
	const char *source;
	int64_t seconds, timeout_s;
	const char *url; /* NULL: it is none */
	int64_t wait_s;
};

static bool holds(const struct url_case *c)
{
	int64_t wait_s = 0;
	char *url = url_of_source(c->source, c->seconds, c->timeout_s,
				  &wait_s);
	bool is_same = (!url && !c->url) ||
		       (url && c->url && !strcmp(url, c->url) &&
			wait_s == c->wait_s);

	if (!is_same)
		printf("# %s: %s, %lld s\n", c->source, url ? url : "none",
		       (long long)wait_s);
	free(url);
	return is_same;
}

TEST(a_word_is_a_url_as_it_is_for_pprof)
{
	static const struct url_case cases[] = {
		{ "http://a/b", 0, 0, "http://a/b", 60 },
		{ "https://a:1/b?x=1", 0, 7, "https://a:1/b?x=1", 7 },
		{ "https+insecure://a/b", 0, 0, "https+insecure://a/b", 60 },
		{ "http://a", 0, 0, "http://a/debug/pprof/profile", 60 },
		{ "http://a/", 5, 0,
		  "http://a/debug/pprof/profile?seconds=5", 7 },
		{ "localhost:80", 0, 0,
		  "http://localhost:80/debug/pprof/profile", 60 },
		{ "127.0.0.1:80/x", 0, 0, "http://127.0.0.1:80/x", 60 },
		{ "[::1]:80", 0, 0, "http://[::1]:80/debug/pprof/profile",
		  60 },
		{ "a:80/x?z=1&seconds=8&b=2", 0, 0,
		  "http://a:80/x?b=2&seconds=8&z=1", 12 },
		{ "a:80/x?seconds=8", 20, 0, "http://a:80/x?seconds=20", 30 },
		{ "cpu.pb.gz", 0, 0, NULL, 0 },
		{ "/tmp/a:80", 0, 0, NULL, 0 },
		{ "dir/a:80", 0, 0, NULL, 0 },
		{ "mem_03:55:24x", 0, 0, NULL, 0 },
		{ "a:b", 0, 0, NULL, 0 },
		{ "http://", 0, 0, NULL, 0 },
		{ "http://a b/", 0, 0, NULL, 0 },
		{ "", 0, 0, NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK(holds(&cases[i]));
}

TEST(names_are_asked_for_beside_the_profile)
{
	static const char *const pairs[][2] = {
		{ "http://a/debug/pprof/heap?debug=1",
		  "http://a/debug/pprof/symbol" },
		{ "http://a:1/x/pprof/growth", "http://a:1/x/pprof/symbol" },
		{ "http://a/profilez", "http://a/symbolz" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		char *url = url_of_symbols(pairs[i][0]);

		CHECK_STR(url, pairs[i][1]);
		free(url);
	}
}

TEST_MAIN()
