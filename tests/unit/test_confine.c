/* SPDX-License-Identifier: MIT */
/*
 * test_confine.c - what a confined child may do, what its death costs, and
 * what is believed of names that it sends.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "symbol/confined.h"
#include "util/confine.h"
#include "util/log.h"
#include "util/mem.h"

enum question { ECHO, CRASH, LOOP, TAKE_MEMORY, TRY_CALL, SAY };

enum call {
	CALL_OPEN_READ, CALL_OPEN_WRITE, CALL_SOCKET, CALL_PTRACE, CALL_KILL,
	CALL_FORK, CALL_EXEC, CALL_WRITE, N_CALLS,
};

static int call_errno(enum call call)
{
	char name[] = "true", *argv[] = { name, NULL };
	int result = -1;

	errno = 0;
	switch (call) {
	case CALL_OPEN_READ:
		result = open("/proc/self/status", O_RDONLY);
		break;
	case CALL_OPEN_WRITE:
		result = open("/dev/null", O_WRONLY);
		break;
	case CALL_SOCKET:
		result = socket(AF_UNIX, SOCK_STREAM, 0);
		break;
	case CALL_PTRACE:
		result = (int)ptrace(PTRACE_SEIZE, getppid(), 0, 0);
		break;
	case CALL_KILL:
		result = kill(getppid(), 0);
		break;
	case CALL_FORK:
		result = (int)fork();
		break;
	case CALL_EXEC:
		result = execv("/bin/true", argv);
		break;
	case CALL_WRITE:
		result = (int)write(STDERR_FILENO, "", 0);
		break;
	case N_CALLS:
		break;
	}
	return result < 0 ? errno : 0;
}

static void answer(void *ctx, const struct confine_question *question,
		   struct strbuf *out)
{
	volatile uint64_t turns = 0;

	switch ((enum question)question->subject) {
	case ECHO:
		strbuf_addf(out, "%s %d", (const char *)ctx,
			    (int)question->address);
		break;
	case CRASH:
		__builtin_trap();
	case LOOP:
		for (;;)
			turns++;
	case TAKE_MEMORY:
		strbuf_addf(out, "%s", malloc((size_t)1 << 33) ? "got it"
							       : "none");
		break;
	case TRY_CALL:
		strbuf_addf(out, "%d",
			    call_errno((enum call)question->address));
		break;
	case SAY:
		log_warning("the child says something");
		strbuf_addf(out, "said");
		break;
	}
}

static char here[] = "here";

static struct confine *start(int answer_ms)
{
	struct confine_limits limits = { .memory_bytes = 64u << 20,
					 .cpu_s = 20,
					 .answer_ms = answer_ms };

	return confine_start(&limits, answer, here);
}

static enum confine_result ask(struct confine *confine, enum question what,
			       uint64_t number, struct strbuf *out)
{
	return confine_ask(confine, (struct confine_question){ what, number },
			   out);
}

static void *say_something(void *arg)
{
	log_warning("this waits for who reads %s", "standard error");
	return arg;
}

/* A thread of ours waits in the midst of a message when the child is born. */
TEST(a_child_can_say_something_whatever_its_parent_was_saying)
{
	struct confine *confine;
	struct strbuf out = { 0 };
	int fds[2], before = dup(STDERR_FILENO);
	char page[4096] = { 0 };
	pthread_t thread;

	CHECK_EQ(pipe(fds), 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	while (write(fds[1], page, sizeof(page)) > 0)
		;
	fcntl(fds[1], F_SETFL, 0);
	dup2(fds[1], STDERR_FILENO);
	pthread_create(&thread, NULL, say_something, NULL);
	usleep(200000);
	confine = start(5000);
	CHECK_EQ(read(fds[0], page, sizeof(page)), sizeof(page));
	pthread_join(thread, NULL);
	dup2(before, STDERR_FILENO);
	close(before);
	close(fds[0]);
	close(fds[1]);
	CHECK_EQ(ask(confine, SAY, 0, &out), CONFINE_DONE);
	CHECK_STR(out.data, "said");
	strbuf_clear(&out);
	confine_free(confine);
}

TEST(a_confined_child_answers_with_what_it_was_born_with)
{
	struct confine *confine = start(20000);
	struct strbuf out = { 0 };

	CHECK_EQ(ask(confine, ECHO, 7, &out),
		 CONFINE_DONE);
	CHECK_STR(out.data, "here 7");
	CHECK_EQ(ask(confine, ECHO, 8, &out),
		 CONFINE_DONE);
	CHECK_STR(out.data, "here 8");
	strbuf_clear(&out);
	confine_free(confine);
}

TEST(a_child_that_crashes_is_told_of_and_that_is_all)
{
	struct confine *confine = start(20000);
	struct strbuf out = { 0 };

	CHECK_EQ(ask(confine, CRASH, 0, &out),
		 CONFINE_DIED);
	CHECK_EQ(ask(confine, ECHO, 0, &out),
		 CONFINE_DIED);
	strbuf_clear(&out);
	confine_free(confine);
}

TEST(a_child_that_loops_is_ended)
{
	struct confine *confine = start(100);
	struct strbuf out = { 0 };

	CHECK_EQ(ask(confine, LOOP, 0, &out),
		 CONFINE_LATE);
	CHECK_EQ(ask(confine, ECHO, 0, &out),
		 CONFINE_LATE);
	strbuf_clear(&out);
	confine_free(confine);
}

TEST(a_trusted_child_may_write_and_is_ended_when_it_loops)
{
	struct confine_limits trusted = { .is_trusted = true,
					  .answer_ms = 2000 };
	struct confine *confine = confine_start(&trusted, answer, here);
	struct strbuf out = { 0 };

	CHECK_EQ(ask(confine, TRY_CALL, CALL_OPEN_WRITE, &out), CONFINE_DONE);
	CHECK_STR(out.data, "0");
	CHECK_EQ(ask(confine, LOOP, 0, &out), CONFINE_LATE);
	strbuf_clear(&out);
	confine_free(confine);
}

TEST(a_child_has_bounded_memory)
{
	struct confine *confine = start(20000);
	struct strbuf out = { 0 };

#ifdef __SANITIZE_ADDRESS__
	CHECK_EQ(ask(confine, ECHO, 0, &out),
		 CONFINE_DONE);
#else
	CHECK_EQ(ask(confine, TAKE_MEMORY, 0, &out),
		 CONFINE_DONE);
	CHECK_STR(out.data, "none");
#endif
	strbuf_clear(&out);
	confine_free(confine);
}

TEST(a_child_reads_files_and_does_nothing_to_anybody)
{
	static const char *const wanted[N_CALLS] = {
		[CALL_OPEN_READ] = "0", [CALL_OPEN_WRITE] = "30",
		[CALL_SOCKET] = "1", [CALL_PTRACE] = "1", [CALL_KILL] = "1",
		[CALL_FORK] = "1", [CALL_EXEC] = "1", [CALL_WRITE] = "9",
	};
	struct confine *confine = start(20000);
	struct strbuf out = { 0 };

	for (uint64_t call = 0; call < N_CALLS; call++) {
		CHECK_EQ(ask(confine, TRY_CALL, call, &out),
		 CONFINE_DONE);
		CHECK_STR(out.data ? out.data : "", wanted[call]);
	}
	strbuf_clear(&out);
	confine_free(confine);
}

/* Frame names that tell @vaddr; 3 crashes. */
static void find(void *ctx, uint64_t subject, uint64_t vaddr,
		 struct confined_answer *out)
{
	static const struct symbol_frame frames[] = {
		{ .name = "inner", .system_name = "_Zinner", .file = "a.c",
		  .line = 7, .start_line = 5 },
		{ .name = "outer", .system_name = "outer", .file = "" },
	};

	(void)ctx;
	(void)subject;
	if (vaddr == 3)
		__builtin_trap();
	*out = (struct confined_answer){ .frames = frames, .n = vaddr,
					 .source = SYMBOL_DWARF };
	out->summary.has_dwarf = true;
	out->summary.refused = "x.debug";
}

static enum confine_result ask_name(struct confined *confined, uint64_t vaddr,
				    struct confined_answer *out)
{
	confined_ask(confined, 0, vaddr);
	return confined_take(confined, out);
}

TEST(names_come_from_the_child_as_they_are)
{
	struct confined *confined = confined_new(true, find, NULL);
	struct confined_answer answer;

	CHECK_EQ(ask_name(confined, 2, &answer), CONFINE_DONE);
	CHECK_EQ(answer.n, 2);
	CHECK_EQ(answer.source, SYMBOL_DWARF);
	CHECK_STR(answer.frames[0].name, "inner");
	CHECK_STR(answer.frames[0].system_name, "_Zinner");
	CHECK_STR(answer.frames[0].file, "a.c");
	CHECK_EQ(answer.frames[0].line, 7);
	CHECK_EQ(answer.frames[0].start_line, 5);
	CHECK_STR(answer.frames[1].name, "outer");
	CHECK(answer.summary.has_dwarf && !answer.summary.lacks_alt);
	CHECK_STR(answer.summary.refused, "x.debug");
	confined_free(confined);
}

TEST(an_answer_without_frames_is_none)
{
	struct confined *confined = confined_new(true, find, NULL);
	struct confined_answer answer;

	CHECK_EQ(ask_name(confined, 0, &answer), CONFINE_DIED);
	confined_free(confined);
}

TEST(a_file_that_breaks_its_reader_has_no_more_names)
{
	struct confined *confined = confined_new(true, find, NULL);
	struct confined_answer answer;

	CHECK_EQ(ask_name(confined, 1, &answer), CONFINE_DONE);
	CHECK_EQ(ask_name(confined, 3, &answer), CONFINE_DIED);
	CHECK_EQ(ask_name(confined, 1, &answer), CONFINE_DIED);
	confined_free(confined);
}

TEST_MAIN()
