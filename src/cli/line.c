/* SPDX-License-Identifier: MIT */
/* line.c - the only user of libedit (by its interface of GNU readline). */
#include "cli/line.h"

#include <stdio.h>
#include <sys/stat.h>

#include "util/mem.h"

#ifdef HAVE_LIBEDIT
#include <editline/readline.h>
#endif

#define HISTORY_LINES_MAX 1000

static struct {
	line_complete_fn *complete;
	void *ctx;
	bool is_edited;
	char *before; /* what stands before the word that is completed */
	char *history;
} line;

#ifdef HAVE_LIBEDIT

/* psample_history in $XDG_STATE_HOME, or else in ~/.local/state. */
static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	CLEANUP(free) char *dir = NULL;

	if (state && *state == '/')
		dir = xstrdup(state);
	else if (home && *home == '/')
		dir = xasprintf("%s/.local/state", home);
	else
		return NULL;
	for (char *p = dir + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			mkdir(dir, 0700);
			*p = '/';
		}
	mkdir(dir, 0700);
	return xasprintf("%s/psample_history", dir);
}

/* libedit frees what it gets, so each is a copy of its own. */
static char *next_completion(const char *word, int state)
{
	static size_t index;
	const char *found;

	if (!state)
		index = 0;
	found = line.complete(line.ctx, word, line.before, index++);
	return found ? strdup(found) : NULL;
}

static char **complete_word(const char *word, int start, int end)
{
	(void)end;
	free(line.before);
	line.before = xstrndup(rl_line_buffer, (size_t)start);
	rl_attempted_completion_over = 1; /* no names of files */
	return rl_completion_matches(word, next_completion);
}

static void open_editor(void)
{
	static char breaks[] = " \t=";

	rl_readline_name = "psample";
	rl_attempted_completion_function = complete_word;
	rl_basic_word_break_characters = breaks;
	rl_completer_word_break_characters = breaks;
	using_history();
	stifle_history(HISTORY_LINES_MAX);
	line.history = history_path();
	if (line.history)
		read_history(line.history);
}

static char *read_edited(void)
{
	char *text = readline(LINE_PROMPT);

	if (text && *text) {
		add_history(text);
		/* At once: the end may come by a signal. */
		if (line.history)
			write_history(line.history);
	}
	return text;
}

static void close_editor(void)
{
	free(line.history);
	free(line.before);
}

#else

static void open_editor(void)
{
}

static char *read_edited(void)
{
	return NULL;
}

static void close_editor(void)
{
}

#endif

void line_open(line_complete_fn *complete, void *ctx)
{
	line.complete = complete;
	line.ctx = ctx;
#ifdef HAVE_LIBEDIT
	line.is_edited = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
#endif
	if (line.is_edited)
		open_editor();
}

char *line_read(void)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t n;

	if (line.is_edited)
		return read_edited();
	if (isatty(STDIN_FILENO)) {
		fputs(LINE_PROMPT, stderr);
		fflush(stderr);
	}
	n = getline(&text, &size, stdin);
	if (n < 0) {
		free(text);
		return NULL;
	}
	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	return text;
}

void line_close(void)
{
	if (line.is_edited)
		close_editor();
	else if (isatty(STDIN_FILENO))
		fputc('\n', stderr);
}
