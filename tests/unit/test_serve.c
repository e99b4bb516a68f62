/* SPDX-License-Identifier: MIT */
/* test_serve.c - requests as Go reads them, and who may ask. */
#include "check.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve/gate.h"
#include "serve/request.h"
#include "serve/targets.h"
#include "util/mem.h"

static bool is_path(const char *target, const char *wanted)
{
	struct request request;
	bool is_same;

	if (!request_parse(target, &request))
		return !wanted;
	is_same = wanted && !strcmp(request.path, wanted);
	if (!is_same)
		printf("# %s: %s\n", target, request.path);
	request_clear(&request);
	return is_same;
}

TEST(a_path_is_what_stands_before_the_query)
{
	CHECK(is_path("/debug/pprof/heap?gc=1", "/debug/pprof/heap"));
	CHECK(is_path("/a%2fb%41", "/a/bA"));
	CHECK(is_path("/a+b", "/a+b"));
	CHECK(is_path("http://host:1/x?y", "/x"));
	CHECK(is_path("/", "/"));
	CHECK(is_path("/%", NULL));
	CHECK(is_path("/%4", NULL));
	CHECK(is_path("/%zz", NULL));
	CHECK(is_path("", NULL));
	CHECK(is_path("*", NULL));
	CHECK(is_path("http://host", NULL));
}

static bool is_arg(const char *target, const char *key, const char *wanted)
{
	struct request request;
	const char *got;
	bool is_same;

	if (!request_parse(target, &request))
		return false;
	got = request_find(&request, key);
	is_same = got && wanted ? !strcmp(got, wanted) : got == wanted;
	if (!is_same)
		printf("# %s: %s\n", target, got ? got : "none");
	request_clear(&request);
	return is_same;
}

TEST(arguments_are_taken_as_net_url_takes_them)
{
	CHECK(is_arg("/?seconds=5", "seconds", "5"));
	CHECK(is_arg("/?a=1&seconds=5&seconds=6", "seconds", "5"));
	CHECK(is_arg("/?seconds=%35+", "seconds", "5 "));
	CHECK(is_arg("/?seconds", "seconds", ""));
	CHECK(is_arg("/?seconds=%zz&b=1", "seconds", NULL));
	CHECK(is_arg("/?seconds=%zz&b=1", "b", "1"));
	CHECK(is_arg("/?seconds=1;b=2", "seconds", NULL));
	CHECK(is_arg("/?%73econds=7", "seconds", "7"));
	CHECK(is_arg("/?seconds=1#&seconds=2", "seconds", "1"));
}

static bool is_number(const char *text, bool is_one, int64_t wanted)
{
	int64_t got = 0;

	return request_parse_int(text, &got) == is_one &&
	       (!is_one || got == wanted);
}

TEST(numbers_are_those_of_parseint)
{
	CHECK(is_number("5", true, 5));
	CHECK(is_number("+5", true, 5));
	CHECK(is_number("-5", true, -5));
	CHECK(is_number("0005", true, 5));
	CHECK(is_number("9223372036854775807", true, INT64_MAX));
	CHECK(is_number("-9223372036854775808", true, INT64_MIN));
	CHECK(is_number("9223372036854775808", false, 0));
	CHECK(is_number("99999999999999999999", false, 0));
	CHECK(is_number("", false, 0));
	CHECK(is_number("-", false, 0));
	CHECK(is_number("5s", false, 0));
	CHECK(is_number(" 5", false, 0));
	CHECK(is_number("1e3", false, 0));
	CHECK(is_number("0x5", false, 0));
	CHECK(is_number("1_000", false, 0));
}

TEST(addresses_are_joined_by_plus_signs)
{
	static const char text[] = "0x12+52++zz+-1+0xffffffffffffffff+0x1z";
	static const uint64_t wanted[] = { 0x12, 52, 0, 0, 0, UINT64_MAX, 0 };
	const char *at = text;
	uint64_t address;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		CHECK(request_next_address(&at, text + sizeof(text) - 1,
					   &address));
		CHECK_EQ(address, wanted[i]);
	}
	CHECK(!request_next_address(&at, text + sizeof(text) - 1, &address));
}

/* --- the gate ------------------------------------------------------------ */

static unsigned ask_host(const char *host, bool is_open)
{
	struct gate gate;
	struct gate_ask ask = { .host = host };
	const char *reason;
	unsigned status;

	gate_init(&gate);
	gate.is_open = is_open;
	*(char **)vec_push(&gate.hosts) = xstrdup("Me.example");
	status = gate_check(&gate, &ask, &reason);
	gate_clear(&gate);
	return status;
}

TEST(a_name_that_is_not_ours_is_refused)
{
	static const char *const good[] = {
		"localhost", "localhost:6060", "LOCALHOST:1", "127.0.0.1:6060",
		"127.9.9.9", "[::1]:6060", "[::1]", "me.example:80",
		"localhost.",
	};
	static const char *const bad[] = {
		"evil.test", "evil.test:6060", "localhost.evil.test",
		"127.0.0.1.evil.test", "8.8.8.8", "[::2]:80", "", ":6060",
		"[::1", "localhost:evil", "localhost@evil.test", "0.0.0.0",
		"me.example.evil.test", "localhost:6060:1", "[localhost",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK_EQ(ask_host(good[i], false), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (ask_host(bad[i], false) != 403)
			printf("# %s\n", bad[i]);
		CHECK_EQ(ask_host(bad[i], false), 403);
	}
	CHECK_EQ(ask_host(NULL, false), 400);
}

TEST(addresses_are_no_names_where_others_may_come)
{
	CHECK_EQ(ask_host("10.1.2.3:6060", true), 0);
	CHECK_EQ(ask_host("[fd00::1]:6060", true), 0);
	CHECK_EQ(ask_host("evil.test", true), 403);
}

static unsigned ask_from(struct gate_ask ask)
{
	struct gate gate;
	const char *reason;
	unsigned status;

	gate_init(&gate);
	ask.host = "localhost:6060";
	status = gate_check(&gate, &ask, &reason);
	gate_clear(&gate);
	return status;
}

TEST(pages_of_other_sites_are_refused)
{
	struct gate_ask link = { .fetch_site = "cross-site",
				 .fetch_mode = "navigate", .is_page = true };

	CHECK_EQ(ask_from((struct gate_ask){ .origin = "http://evil.test" }),
		 403);
	CHECK_EQ(ask_from((struct gate_ask){ .origin = "null" }), 403);
	CHECK_EQ(ask_from((struct gate_ask){ .origin = "file://" }), 403);
	CHECK_EQ(ask_from((struct gate_ask){
			 .origin = "http://localhost:6060" }), 0);
	CHECK_EQ(ask_from((struct gate_ask){ .fetch_site = "cross-site" }),
		 403);
	CHECK_EQ(ask_from((struct gate_ask){ .fetch_site = "same-site" }),
		 403);
	CHECK_EQ(ask_from((struct gate_ask){ .fetch_site = "same-origin" }),
		 0);
	CHECK_EQ(ask_from((struct gate_ask){ .fetch_site = "none" }), 0);
	CHECK_EQ(ask_from(link), 0);
	link.is_page = false;
	CHECK_EQ(ask_from(link), 403);
}

static unsigned ask_token(const char *authorization)
{
	struct gate gate;
	struct gate_ask ask = { .host = "localhost", .needs_token = true,
				.authorization = authorization };
	const char *reason;
	unsigned status;

	gate_init(&gate);
	gate.token = xstrdup("0123456789abcdef");
	status = gate_check(&gate, &ask, &reason);
	gate_clear(&gate);
	return status;
}

TEST(without_the_token_nobody_gets_in)
{
	CHECK_EQ(ask_token(NULL), 401);
	CHECK_EQ(ask_token(""), 401);
	CHECK_EQ(ask_token("Bearer"), 401);
	CHECK_EQ(ask_token("Bearer "), 401);
	CHECK_EQ(ask_token("Bearer 0123456789abcde"), 401);
	CHECK_EQ(ask_token("Bearer 0123456789abcdef0"), 401);
	CHECK_EQ(ask_token("Bearer 0123456789abcdeg"), 401);
	CHECK_EQ(ask_token("Bearer 0123456789abcdef0123456789abcdef"), 401);
	CHECK_EQ(ask_token("0123456789abcdef"), 401);
	CHECK_EQ(ask_token("Bearer 0123456789abcdef"), 0);
	CHECK_EQ(ask_token("bearer 0123456789abcdef"), 0);
}

TEST(the_token_may_be_the_password_of_a_url)
{
	/* "x:0123456789abcdef", ":0123456789abcdef", without the colon */
	CHECK_EQ(ask_token("Basic eDowMTIzNDU2Nzg5YWJjZGVm"), 0);
	CHECK_EQ(ask_token("Basic OjAxMjM0NTY3ODlhYmNkZWY="), 0);
	CHECK_EQ(ask_token("Basic MDEyMzQ1Njc4OWFiY2RlZg=="), 401);
	CHECK_EQ(ask_token("Basic eDo="), 401);
	CHECK_EQ(ask_token("Basic"), 401);
	CHECK_EQ(ask_token("Basic \xff\xff"), 401);
}

/* --- targets ------------------------------------------------------------- */

/* A process that waits, with the number @pid if it is not 0; or -1. */
static pid_t start_waiting(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = pid ? (uint64_t)(uintptr_t)&pid : 0,
		.set_tid_size = pid != 0,
	};
	pid_t got = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	while (got == 0)
		pause();
	return got;
}

static void end_waiting(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static unsigned choose(const struct targets *targets, pid_t pid)
{
	struct ask ask = { 0 };
	CLEANUP(free) char *why = NULL;

	return targets_choose(targets, pid, &ask, &why);
}

TEST(a_number_that_another_process_has_got_is_not_used)
{
	pid_t pid = start_waiting(0);
	struct targets targets;

	targets_init(&targets);
	CHECK(!targets_add(&targets, pid));
	CHECK_EQ(choose(&targets, 0), 0);
	CHECK_EQ(choose(&targets, pid), 0);
	end_waiting(pid);
	CHECK_EQ(choose(&targets, 0), 503);
	usleep(50000); /* a birth is known to 10 ms */
	if (start_waiting(pid) != pid) {
		targets_clear(&targets);
		SKIP("the number of a process cannot be chosen here");
	}
	CHECK_EQ(choose(&targets, 0), 503);
	CHECK_EQ(choose(&targets, pid), 403);
	end_waiting(pid);
	targets_clear(&targets);
}

TEST(other_processes_are_no_targets)
{
	pid_t pid = start_waiting(0), other = start_waiting(0);
	struct targets targets;

	targets_init(&targets);
	CHECK(!targets_add(&targets, pid));
	CHECK_EQ(choose(&targets, other), 403);
	CHECK_EQ(choose(&targets, 1), 403);
	targets.allows_pids = true;
	CHECK_EQ(choose(&targets, other), 0);
	end_waiting(pid);
	end_waiting(other);
	targets_clear(&targets);
}

TEST_MAIN()
