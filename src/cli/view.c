/* SPDX-License-Identifier: MIT */
/* view.c - show a report in a browser or another program. */
#include "cli/view.h"

#include <errno.h>
#include <sys/wait.h>

#include "util/child.h"
#include "util/io.h"
#include "util/log.h"

#define WORDS_MAX 32 /* of a viewer's command */

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/* The first word of a command is what must be there. */
static bool is_installed(const char *command)
{
	CLEANUP(free) char *program = xstrndup(command,
					       strcspn(command, " "));
	CLEANUP(free) char *path = child_find(program);

	return path != NULL;
}

static char *find_browser(const char **out_reason)
{
	static const char *const names[] = {
		"chrome", "google-chrome", "chromium", "firefox",
		"sensible-browser", "xdg-open",
	};

	if (is_set("BROWSER") && is_installed(getenv("BROWSER")))
		return xstrdup(getenv("BROWSER"));
	if (is_set("BROWSER"))
		log_warning("$BROWSER is not there: %s", getenv("BROWSER"));
	*out_reason = "there is no display, and no $BROWSER";
	if (!is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY"))
		return NULL;
	/* As in pprof a browser goes first: what else opens SVG files may
	 * run no scripts. */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (is_installed(names[i]))
			return xstrdup(names[i]);
	*out_reason = "no browser is installed, and there is no $BROWSER";
	return NULL;
}

char *view_find(const struct report_format *format, const char **out_reason)
{
	if (!strcmp(format->viewer, "browser"))
		return find_browser(out_reason);
	*out_reason = "its program is not installed";
	return is_installed(format->viewer) ? xstrdup(format->viewer) : NULL;
}

static struct error *write_temporary(const char *extension,
				     const struct strbuf *text, char **out)
{
	const char *dir = is_set("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char *path = xasprintf("%s/psample.XXXXXX.%s", dir, extension);
	CLEANUP(close_fd) int fd = mkstemps(path, (int)strlen(extension) + 1);

	*out = path;
	if (fd < 0)
		return error_errno(errno, "cannot make a file in %s", dir);
	if (text->len && !io_write_full(fd, text->data, text->len))
		return error_errno(errno, "cannot write %s", path);
	return NULL;
}

/* The words of @command, which is cut up, and @path. */
static void split(char *command, const char *path, const char **words)
{
	size_t n = 0;

	for (char *save = NULL, *word = strtok_r(command, " ", &save);
	     word && n < WORDS_MAX; word = strtok_r(NULL, " ", &save))
		words[n++] = word;
	words[n++] = path;
	words[n] = NULL;
}

struct error *view_show(const struct report_format *format,
			const char *command, const struct strbuf *text,
			bool waits)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) char *copy = xstrdup(command);
	CLEANUP(free) char *program = NULL;
	const char *words[WORDS_MAX + 2];
	struct error *error = write_temporary(format->extension, text, &path);
	pid_t pid;
	int status;

	if (error)
		return error;
	split(copy, path, words);
	program = child_find(words[0]);
	if (!program)
		return error_new("%s is not there", command);
	words[0] = program;
	log_notice("Showing %s in %s", path, command);
	error = child_start(words, &pid);
	if (error || !waits)
		return error;
	status = child_wait(pid);
	if (status == -1 || (WIFEXITED(status) && !WEXITSTATUS(status)))
		return NULL;
	return error_new("%s could not show %s", command, path);
}
