/* SPDX-License-Identifier: MIT */
/* report_output.c - write a finished report. */
#include "cli/report_output.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "cli/paint.h"
#include "cli/view.h"
#include "util/child.h"
#include "util/io.h"
#include "util/log.h"

#define NUMBERS_TRIED_MAX 1000

static struct error *open_numbered(const struct report_format *format,
				   struct outfile **out)
{
	for (int n = 1; n < NUMBERS_TRIED_MAX; n++) {
		CLEANUP(free) char *name =
			xasprintf("profile%03d.%s", n, format->extension);
		struct error *error;

		if (!access(name, F_OK))
			continue;
		error = outfile_open(name, true, out);
		if (!error)
			log_notice("Generating report in %s", name);
		return error;
	}
	return error_new("too many files here: profile*.%s",
			 format->extension);
}

/* The reader may have seen enough: that is no failure. */
static struct error *write_pipe(const char *command,
				const struct strbuf *text)
{
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	FILE *f;
	int status = 0;

	fflush(stdout);
	f = popen(command, "we");
	if (f) {
		if (text->len)
			fwrite(text->data, 1, text->len, f);
		status = pclose(f);
	}
	signal(SIGPIPE, old);
	if (!f)
		return error_errno(errno, "cannot run %s", command);
	return status == -1 ? error_errno(errno, "cannot wait for %s",
					  command) : NULL;
}

/* To a file or standard output; NULL as @file: a name of our own. */
static struct error *write_file(const struct report_format *format,
				const char *file, const struct strbuf *text)
{
	struct outfile *out = NULL;
	struct error *error;

	if (file && strcmp(file, "-") != 0)
		log_notice("Generating report in %s", file);
	error = file ? outfile_open(file, false, &out) :
		       open_numbered(format, &out);
	if (!error && text->len)
		error = outfile_write(out, text->data, text->len);
	if (!error)
		error = outfile_commit(TAKE(out));
	outfile_abort(out);
	return error;
}

/* What cannot be shown here is kept, and why is said. */
static struct error *view(const struct report_format *format,
			  const struct strbuf *text, bool waits)
{
	const char *reason;
	CLEANUP(free) char *command = view_find(format, &reason);

	if (command)
		return view_show(format, command, text, waits);
	log_warning("cannot show this here: %s", reason);
	return write_file(format, NULL, text);
}

/* Lines of the terminal; 0: not known. */
static size_t terminal_rows(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_row;
}

/* The pager for @text, or NULL if it fits or none is wanted. */
static const char *find_pager(const struct settings *settings,
			      const struct strbuf *text)
{
	const char *pager = getenv("PAGER");
	CLEANUP(free) char *program = NULL;
	CLEANUP(free) char *found = NULL;
	size_t rows = terminal_rows(), n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += text->data[i] == '\n';
	if (!settings->pager || !rows || n < rows)
		return NULL;
	/* Other settings may keep it from passing colours on. */
	setenv("LESS", "FRX", 0);
	pager = pager ? pager : "less -FRX";
	program = xstrndup(pager, strcspn(pager, " "));
	found = *program ? child_find(program) : NULL;
	return found && strcmp(pager, "cat") != 0 ? pager : NULL;
}

/* Text that people read: with colours, by pages. */
static struct error *write_text(const struct report_format *format,
				const struct settings *settings,
				struct strbuf *text)
{
	CLEANUP(strbuf_clear) struct strbuf painted = { 0 };
	bool is_terminal = isatty(STDOUT_FILENO);
	const char *pager = NULL;
	bool wants_colors;
	struct error *error = paint_wants(settings->color, is_terminal,
					  &wants_colors);

	if (error)
		return error;
	wants_colors &= paint_knows(format->name);
	if (is_terminal || wants_colors)
		log_disarm(text->data, text->len);
	if (wants_colors)
		paint_text(text, &painted);
	if (is_terminal)
		pager = find_pager(settings, text);
	if (wants_colors)
		text = &painted;
	return pager ? write_pipe(pager, text) :
		       write_file(format, "-", text);
}

struct error *report_output(const struct report_format *format,
			    const struct report_place *place,
			    struct strbuf *text)
{
	const struct settings *settings = place->settings;

	if (place->pipe)
		return write_pipe(place->pipe, text);
	if (*settings->output)
		return write_file(format, settings->output, text);
	if (format->viewer)
		return view(format, text, !place->is_prompt);
	if (!format->extension)
		return write_text(format, settings, text);
	return write_file(format, isatty(STDOUT_FILENO) ? NULL : "-", text);
}
