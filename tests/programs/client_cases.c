/* SPDX-License-Identifier: MIT */
/*
 * client_cases.c - what libpsample must give, one case a run:
 * client_cases CASE [FILE]. Status 0 if it does; else it says what it got.
 */
#include <errno.h>
#include <fcntl.h>
#include <psample.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

static struct psample_error error;

static int want(int got, int wanted)
{
	if (got != wanted)
		printf("got %d (%s), wanted %d\n", got, error.text, wanted);
	return got != wanted;
}

/* All but 0 comes with a text. */
static int want_error(int got, int wanted)
{
	if (got && !error.text[0])
		printf("no text\n");
	return want(got, wanted) || !error.text[0] || error.code != got;
}

static int start_stop(const char *file)
{
	if (want(psample_start(file, &error), 0))
		return 1;
	if (!psample_is_running())
		return 1;
	burn_ms(f, 200);
	return want(psample_stop(&error), 0) || psample_is_running();
}

static int into_descriptor(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (want(psample_start_fd(fd, &error), 0))
		return 1;
	burn_ms(f, 200);
	if (want_error(psample_flush(&error), EINVAL))
		return 1;
	return want(psample_stop(&error), 0);
}

static int flush(const char *file)
{
	if (want(psample_start(file, &error), 0))
		return 1;
	burn_ms(f, 200);
	if (want(psample_flush(&error), 0) || access(file, R_OK))
		return 1;
	unlink(file);
	return want(psample_stop(&error), 0);
}

static int twice(const char *file)
{
	if (want(psample_start(file, &error), 0))
		return 1;
	if (want_error(psample_start(file, &error), EBUSY))
		return 1;
	if (want(psample_stop(&error), 0))
		return 1;
	return want_error(psample_stop(&error), ESRCH);
}

static int bad_options(const char *file)
{
	struct psample_options options = { .size = 8, .file = file };

	if (want_error(psample_start_with(&options, &error), EINVAL))
		return 1;
	options.size = sizeof(options);
	options.flags = 1u << 30;
	if (want_error(psample_start_with(&options, &error), EINVAL))
		return 1;
	options.flags = 0;
	options.hz = 1000000;
	if (want_error(psample_start_with(&options, &error), EINVAL))
		return 1;
	return want_error(psample_start(NULL, NULL), EINVAL);
}

/* Whatever @file says is what the library says. */
static int fails(const char *file)
{
	int result = psample_start(file, &error);

	printf("%d %s\n", result, error.text);
	return !result || psample_is_running();
}

static int hangs(const char *program)
{
	struct psample_options options = {
		.size = sizeof(options),
		.file = "unused",
		.start_ms = 300,
		.program = program,
	};

	return want_error(psample_start_with(&options, &error), ETIMEDOUT) ||
	       waitpid(-1, NULL, WNOHANG | __WALL) != -1;
}

/* The child has no profile; it can have one of its own. */
static int after_fork(const char *file)
{
	char childs[4096];
	int status;
	pid_t pid;

	snprintf(childs, sizeof(childs), "%s.child", file);
	if (want(psample_start(file, &error), 0))
		return 1;
	pid = fork();
	if (pid == 0) {
		if (psample_is_running() ||
		    want_error(psample_stop(&error), ESRCH))
			_exit(1);
		_exit(start_stop(childs));
	}
	burn_ms(f, 200);
	waitpid(pid, &status, 0);
	return want(psample_stop(&error), 0) || status;
}

static int end_at_exit(const char *file)
{
	if (want(psample_start(file, &error), 0))
		return 1;
	burn_ms(f, 200);
	exit(0);
}

/* Dies as a crash does; psample writes what it saw. */
static int crash(const char *file)
{
	if (want(psample_start(file, &error), 0))
		return 1;
	burn_ms(f, 200);
	raise(SIGKILL);
	return 1;
}

static void *start_thread(void *file)
{
	return (void *)(intptr_t)psample_start(file, &error);
}

/* Who started it may be gone when it ends. */
static int thread_gone(const char *file)
{
	pthread_t thread;

	pthread_create(&thread, NULL, start_thread, (void *)(uintptr_t)file);
	pthread_join(thread, NULL);
	burn_ms(f, 200);
	return want(psample_stop(&error), 0);
}

static void *label_and_burn(void *label)
{
	if (psample_label("kind", label, NULL))
		exit(1);
	burn_ms(!strcmp(label, "parse") ? f : g, 300);
	return NULL;
}

/*
 * f under kind parse, g under kind draw, and as much of f under none: half of
 * that under a label, a quarter of all.
 */
static int labels(const char *file)
{
	struct psample_options options = {
		.size = sizeof(options),
		.file = file,
		.hz = 1000, /* shares of 20 samples would be a matter of luck */
	};
	struct psample_error why;
	pthread_t parse, draw;
	char text[300];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	if (want(psample_start_with(&options, &error), 0))
		return 1;
	pthread_create(&parse, NULL, label_and_burn, (void *)"parse");
	pthread_create(&draw, NULL, label_and_burn, (void *)"draw");
	pthread_join(parse, NULL);
	pthread_join(draw, NULL);
	if (psample_label("a", "1", NULL) || psample_label("b", "2", NULL) ||
	    psample_label("a", "3", NULL) || psample_label("b", NULL, NULL) ||
	    psample_label("long", text, &why) != E2BIG ||
	    psample_label("", "1", &why) != EINVAL)
		return 1;
	burn_ms(f, 300);
	psample_label("a", NULL, NULL);
	burn_ms(f, 300);
	return want(psample_stop(&error), 0);
}

/* The main thread waits for psample, another one works, a third one waits. */
static void *wait_for_end(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void *burn_on(void *unused)
{
	(void)unused;
	for (;;)
		f(1000000);
	return NULL;
}

/* Of all threads while they are being sampled. */
static int stacks_beside(const char *file)
{
	char other[4096];
	int fd, is_bad;

	snprintf(other, sizeof(other), "%s.stacks", file);
	fd = open(other, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	is_bad = want(psample_start(file, &error), 0);
	burn_ms(f, 50);
	is_bad |= want(psample_stacks(fd, &error), 0);
	is_bad |= !psample_is_running();
	burn_ms(f, 300);
	return is_bad | want(psample_stop(&error), 0) ||
	       waitpid(-1, NULL, WNOHANG | __WALL) != -1;
}

static int stacks(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	pthread_t thread;

	pthread_create(&thread, NULL, wait_for_end, NULL);
	pthread_create(&thread, NULL, burn_on, NULL);
	return want(psample_stacks(fd, &error), 0) ||
	       waitpid(-1, NULL, WNOHANG | __WALL) != -1;
}

/* psample dies in between; the program does not. */
static int killed(const char *file)
{
	if (want(psample_start(file, &error), 0))
		return 1;
	printf("started\n");
	fflush(stdout);
	while (getchar() != EOF) /* until the test has killed it */
		;
	return want_error(psample_stop(&error), EIO) ||
	       waitpid(-1, NULL, WNOHANG | __WALL) != -1;
}

static const struct {
	const char *name;
	int (*run)(const char *file);
} cases[] = {
	{ "start_stop", start_stop }, { "into_descriptor", into_descriptor },
	{ "flush", flush },	      { "twice", twice },
	{ "bad_options", bad_options }, { "fails", fails },
	{ "hangs", hangs },	      { "after_fork", after_fork },
	{ "end_at_exit", end_at_exit }, { "crash", crash },
	{ "thread_gone", thread_gone }, { "killed", killed },
	{ "labels", labels }, { "stacks", stacks },
	{ "stacks_beside", stacks_beside },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (argc > 2 && !strcmp(argv[1], cases[i].name))
			return cases[i].run(argv[2]);
	return 2;
}
