/* SPDX-License-Identifier: MIT */
/* log.c - messages on stderr. */
#include "util/log.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>

static enum log_level level_shown = LOG_NOTICE;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool progress_shown;

/* A fork has none of the threads that might hold it. The locks of stdio and of
 * malloc(3) glibc makes free there itself. */
static void renew_lock(void)
{
	pthread_mutex_init(&lock, NULL);
}

static void __attribute__((constructor)) watch_forks(void)
{
	pthread_atfork(NULL, NULL, renew_lock);
}

void log_set_level(enum log_level level)
{
	level_shown = level;
}

int log_enabled(enum log_level level)
{
	return level <= level_shown;
}

static void erase_progress(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

void log_disarm(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			text[i] = '?';
	}
}

PRINTF_LIKE(2, 0)
static void log_line(enum log_level level, const char *fmt, va_list ap)
{
	char *text;

	if (!log_enabled(level))
		return;
	text = xvasprintf(fmt, ap);
	log_disarm(text, strlen(text));
	pthread_mutex_lock(&lock);
	erase_progress();
	fprintf(stderr, "psample: %s\n", text);
	fflush(stderr);
	pthread_mutex_unlock(&lock);
	free(text);
}

#define DEFINE_LOG(name, level)                                               \
	void name(const char *fmt, ...)                                       \
	{                                                                     \
		va_list ap;                                                   \
                                                                              \
		va_start(ap, fmt);                                            \
		log_line(level, fmt, ap);                                     \
		va_end(ap);                                                   \
	}

DEFINE_LOG(log_error, LOG_ERROR)
DEFINE_LOG(log_warning, LOG_WARNING)
DEFINE_LOG(log_notice, LOG_NOTICE)
DEFINE_LOG(log_info, LOG_INFO)

/* A line that wraps cannot be erased again. */
static void show_cut(const char *line)
{
	struct winsize size = { 0 };
	int n = (int)strlen(line);

	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col &&
	    n >= size.ws_col)
		n = size.ws_col - 1;
	fprintf(stderr, "%.*s", n, line);
}

/* Can the line be erased again? */
static bool is_erasable(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

void log_progress(const char *fmt, ...)
{
	CLEANUP(free) char *line = NULL;
	va_list ap;

	if (!log_enabled(LOG_NOTICE) || !is_erasable())
		return;
	pthread_mutex_lock(&lock);
	erase_progress();
	if (fmt) {
		va_start(ap, fmt);
		line = xvasprintf(fmt, ap);
		va_end(ap);
		show_cut(line);
		progress_shown = true;
	}
	fflush(stderr);
	pthread_mutex_unlock(&lock);
}
