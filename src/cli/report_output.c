/* SPDX-License-Identifier: MIT */
/* report_output.c - write a finished report. */
#include "cli/report_output.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "util/io.h"
#include "util/log.h"

#define NUMBERS_TRIED_MAX 1000

/* Names in a profile may hold what a terminal takes for commands. */
static void disarm(struct strbuf *text)
{
	for (size_t i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)text->data[i];

		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			text->data[i] = '?';
	}
}

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

struct error *report_output(const struct report_format *format,
			    const char *file, const char *pipe,
			    struct strbuf *text)
{
	bool is_terminal = !pipe && !*file && isatty(STDOUT_FILENO);
	struct outfile *out = NULL;
	struct error *error;

	if (pipe)
		return write_pipe(pipe, text);
	if (*file)
		log_notice("Generating report in %s", file);
	if (is_terminal && !format->extension)
		disarm(text);
	if (is_terminal && format->extension)
		error = open_numbered(format, &out);
	else
		error = outfile_open(*file ? file : "-", false, &out);
	if (!error && text->len)
		error = outfile_write(out, text->data, text->len);
	if (!error)
		error = outfile_commit(TAKE(out));
	outfile_abort(out);
	return error;
}
