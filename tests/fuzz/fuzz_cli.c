/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cli.c - any command line: words on lines of their own, the first one
 * the name of a command. Options are parsed and checked; nothing is run.
 */
#include <getopt.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/record.h"
#include "fuzz.h"
#include "report/url.h"
#include "util/clock.h"
#include "util/log.h"

#define WORDS_MAX 64

/* In place of what a command does. */
static int run_nothing(void *ctx, int argc, char **argv, bool has_dashes)
{
	(void)ctx;
	(void)has_dashes;
	for (int i = 0; i < argc; i++)
		if (!argv[i])
			abort();
	return EXIT_DONE;
}

static void run_command(const char *name, int argc, char **argv)
{
	static const struct command *const commands[] = {
		&command_record, &command_report, &command_serve,
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		struct command command = *commands[i];
		int status;

		if (strcmp(command.name, name) != 0)
			continue;
		command.run = run_nothing;
		optind = 0; /* getopt_long(3): begin anew */
		status = command_main(&command, argc, argv);
		if (status != EXIT_DONE && status != EXIT_USAGE)
			abort();
	}
}

static void run_values(const char *word)
{
	int64_t number;
	uint64_t size;

	if (duration_parse(word, &number) && number < 0)
		abort();
	error_free(heap_parse_size(word, &size));
	free(url_of_source(word, 0, 0, &number));
	for (const char *p = word; *p; p++)
		command_find_option(&command_report, p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size), *rest = text;
	static FILE *quiet; /* refusals are expected */
	char *argv[WORDS_MAX + 1] = { 0 };
	int argc = 0;

	if (!quiet)
		quiet = stderr = fopen("/dev/null", "w");
	log_set_level(LOG_ERROR);
	while (argc < WORDS_MAX && (argv[argc] = strsep(&rest, "\n")))
		argc++;
	for (int i = 0; i < argc; i++)
		run_values(argv[i]);
	run_command(argv[0], argc, argv);
	free(text);
	return 0;
}
