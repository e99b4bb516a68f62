/* SPDX-License-Identifier: MIT */
/* main.c - which command the words mean. */
#include <locale.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/command.h"
#include "report/read.h"
#include "report/report.h"
#include "report/url.h"

static const struct command *const commands[] = {
	&command_record,
	&command_report,
	&command_serve,
};

static const char usage_text[] =
	"usage: psample [record] [OPTIONS] [--] PROGRAM [ARG...]\n"
	"       psample [record] [OPTIONS] -p PID[,PID...]\n"
	"\n"
	"Profile any program, launched or already running.\n"
	"\n"
	"  psample -- ./program arg     run it, write psample.program.*.pb.gz\n"
	"  psample -p 1234 -d 30s       profile process 1234 for 30 seconds\n"
	"  psample -e wall -p 1234      where its threads spend their time\n"
	"  psample -o x.folded ./prog   folded stacks, for flame graphs\n"
	"  psample top FILE.pb.gz       what a profile says; or tree, peek\n"
	"\n"
	"psample --help lists the options, psample(1) tells it all.\n";

static const struct command *find_command(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, word))
			return commands[i];
	return NULL;
}

static int run_help(int argc, char **argv)
{
	const struct command *command =
		argc > 1 ? find_command(argv[1]) : &command_record;

	if (!command) {
		fprintf(stderr, "psample: no command %s\n", argv[1]);
		return EXIT_USAGE;
	}
	command_print_help(command);
	return EXIT_DONE;
}

/* "psample top FILE" is "psample report --format=top FILE", and so on. */
static const char *report_word(const char *word)
{
	static const char *const words[][2] = {
		{ "merge", "--proto" },
		{ "convert", "--format=auto" },
		{ "diff", "--diff" },
	};
	const struct report_format *format = report_format_find(word);

	if (format)
		return xasprintf("--format=%s", word);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i][0], word))
			return xstrdup(words[i][1]);
	return NULL;
}

static int run_report(const char *option, int argc, char **argv)
{
	CLEANUP(free) char **words =
		xcalloc((size_t)argc + 1, sizeof(*words));

	for (int i = 0; i < argc; i++)
		words[i] = argv[i];
	words[1] = (char *)(uintptr_t)option;
	return command_main(&command_report, argc, words);
}

/* "-top" is of report if record has no such option. */
static bool is_report_option(const char *word)
{
	return word[0] == '-' && word[1] && word[1 + (word[1] == '-')] &&
	       word[2] && command_find_option(&command_report, word) &&
	       !command_find_option(&command_record, word);
}

/* A file that has a profile, or where to fetch one. */
static bool is_source(const char *word)
{
	CLEANUP(free) char *url = NULL;
	int64_t timeout_s;

	if (pp_is_profile(word))
		return true;
	if (*word != '-' && access(word, F_OK))
		url = url_of_source(word, 0, 0, &timeout_s);
	return url != NULL;
}

/* The first word that is not about what to say. */
static int first_word(char *const *argv)
{
	int i = 1;

	while (argv[i + 1] && (!strcmp(argv[i], "-q") ||
			       !strcmp(argv[i], "-v") ||
			       !strcmp(argv[i], "--quiet") ||
			       !strcmp(argv[i], "--verbose")))
		i++;
	return i;
}

int main(int argc, char **argv)
{
	CLEANUP(free) const char *option = NULL;
	const struct command *command;

	setlocale(LC_CTYPE, "C.UTF-8");
	if (argc < 2) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help"))
		return run_help(argc - 1, argv + 1);
	command = find_command(argv[1]);
	if (command)
		return command_main(command, argc - 1, argv + 1);
	option = report_word(argv[1]);
	if (option)
		return run_report(option, argc, argv);
	if (is_report_option(argv[1]) || is_source(argv[first_word(argv)]))
		return command_main(&command_report, argc, argv);
	return command_main(&command_record, argc, argv);
}
