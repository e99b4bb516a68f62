/* SPDX-License-Identifier: MIT */
/*
 * fuzz_prompt.c - any lines at the prompt: commands, options and filters.
 *
 * Lines are taken as the prompt takes them, and reports are made, but nothing
 * is written to files and nothing is run.
 */
#include "cli/prompt_command.h"
#include "fuzz.h"
#include "report/read.h"
#include "util/log.h"

static const char profile[] =
	"heap profile: 4: 1060864 [ 18: 1090313] @ heapprofile\n"
	"3: 12288 [ 10: 40960] @ 0x402345 0x401200 0x401136\n"
	"1: 1048576 [ 1: 1048576] @ 0x401200 0x401136\n"
	"0: 0 [ 7: 777] @ 0x7f5a80012345 0x402345\n"
	"MAPPED_LIBRARIES:\n"
	"00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/demo\n"
	"7f5a80000000-7f5a801b0000 r-xp 00000000 08:02 135 /usr/lib/x.so\n";

static bool opens_files(const struct report_format *format)
{
	static const char *const names[] = { "list", "weblist", "disasm",
					     "svg", "png", "gif", "ps", "pdf",
					     "web", "gv", "evince", "eog",
					     "kcachegrind" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], format->name))
			return true;
	return false;
}

static void run_report(const struct pp *pp, const char *line,
		       const struct settings *settings)
{
	struct prompt_command command;
	struct strbuf text = { 0 };
	struct error *error =
		prompt_command_parse(pp, line, settings, &command);

	if (!error && !opens_files(command.format))
		error = report_make(pp, command.format, command.arg,
				    &command.settings, &text);
	error_free(error);
	strbuf_clear(&text);
	prompt_command_clear(&command);
}

static void run_line(const struct pp *pp, char *line,
		     struct settings *settings)
{
	bool is_known;
	struct error *error;

	line += strspn(line, " \t\r");
	if (!*line)
		return;
	error = prompt_set(pp, line, settings, &is_known);
	if (!error && !is_known)
		run_report(pp, line, settings);
	error_free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size), *rest = text;
	struct settings settings;
	struct intern strings;
	struct pp *pp = NULL;
	char *line;

	log_set_level(LOG_ERROR);
	intern_init(&strings);
	settings_init(&settings);
	error_free(pp_read_bytes(profile, sizeof(profile) - 1, &strings, &pp));
	while ((line = strsep(&rest, "\n")))
		run_line(pp, line, &settings);
	settings_clear(&settings);
	pp_free(pp);
	intern_clear(&strings);
	free(text);
	return 0;
}
