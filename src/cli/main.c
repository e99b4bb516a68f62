/* SPDX-License-Identifier: MIT */
/* main.c - which command the words mean. */
#include <locale.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/words.h"
#include "report/read.h"
#include "report/url.h"

static const char usage_text[] =
	"usage: psample [record] [OPTIONS] [--] PROGRAM [ARG...]\n"
	"       psample [record] [OPTIONS] -p PID[,PID...]\n"
	"\n"
	"Profile any program, launched or already running.\n"
	"\n"
	"  psample -- ./program arg     run it, write psample.program.*.pb.gz\n"
	"  psample -p 1234 -d 30s       profile process 1234 for 30 seconds\n"
	"  psample -e wall -p 1234      where its threads spend their time\n"
	"  psample top -p 1234          its hottest functions, live\n"
	"  psample dump -p 1234         what all of its threads do right now\n"
	"  psample -o x.svg ./prog      a flame graph\n"
	"  psample top FILE.pb.gz       what a profile says; or tree, peek\n"
	"\n"
	"psample --help lists the options, psample(1) tells it all.\n";

static int run_help(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "record";
	const struct command *command = words_find_command(word);
	CLEANUP(free) char *option = words_report_option(word);
	const char *nearest = words_nearest(word);

	if (!command && option)
		command = &command_report;
	if (!command && !strcmp(word, "dump"))
		command = &command_record;
	if (!command) {
		fprintf(stderr, "psample: no command %s", word);
		if (nearest)
			fprintf(stderr, "; did you mean %s?", nearest);
		fputs("\n  try:   psample help, psample help report, "
		      "psample help serve\n", stderr);
		return EXIT_USAGE;
	}
	command_print_help(command);
	return EXIT_DONE;
}

/* pprof's own page for a file: who knows it types this first. */
static bool asks_for_page(const char *option)
{
	const char *name = option + strspn(option, "-");

	return *option == '-' && !strncmp(name, "http", 4) &&
	       (!name[4] || name[4] == '=');
}

static int refuse_page(void)
{
	struct error *error = error_new("there is no page of a file to serve");

	error = error_hint(error, "try:   psample web FILE  for the call "
			   "graph in a browser");
	error = error_hint(error, "       psample flamegraph -o x.html FILE  "
			   "for a flame graph that zooms");
	print_error(error);
	return EXIT_USAGE;
}

/* Report, whose options may stand behind the other words as well. */
static int report_main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (asks_for_page(argv[i]))
			return refuse_page();
	return command_main(&command_report, argc, argv);
}

/* @option takes the place of the word at @at. */
static int run_report(const char *option, int at, int argc, char **argv)
{
	CLEANUP(free) char **words =
		xcalloc((size_t)argc + 1, sizeof(*words));

	for (int i = 0; i < argc; i++)
		words[i] = argv[i];
	words[at] = (char *)(uintptr_t)option;
	return report_main(argc, words);
}

#define GIVEN_MAX 8 /* options in place of a word */

static bool is_number(const char *word)
{
	return *word && !word[strspn(word, "0123456789")];
}

/* A recording that is shown: @given up to NULL, then the user's options. */
static int run_shown(const char *const *given, int argc, char **argv)
{
	size_t n = 0;
	CLEANUP(free) char **words =
		xcalloc(GIVEN_MAX + (size_t)argc + 1, sizeof(*words));

	while (given[n]) {
		words[n] = (char *)(uintptr_t)given[n];
		n++;
	}
	if (argc > 1 && is_number(argv[1])) /* a process, as for pstack(1) */
		words[n++] = (char *)(uintptr_t)"-p";
	for (int i = 1; i < argc; i++)
		words[n++] = argv[i];
	return command_main(&command_record, (int)n, words);
}

/* "psample dump -p PID" is one look at all stacks. */
static int run_dump(int argc, char **argv)
{
	static const char *const given[] = { "record", "--output=-",
					     "--no-summary",
					     "--format=stacks", NULL };

	return run_shown(given, argc, argv);
}

/* "psample top -p PID" is a table that changes as long as it is watched. */
static int run_live(int argc, char **argv)
{
	static const char *const given[] = { "record", "--output=-",
					     "--no-summary", "--format=text",
					     "--every=2s", NULL };

	return run_shown(given, argc, argv);
}

/* Is a process named, by an option that reports do not have? */
static bool names_process(int argc, char *const *argv)
{
	if (argc > 1 && is_number(argv[1]) && access(argv[1], F_OK))
		return true;
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!command_find_option(&command_report, argv[i]) &&
		    (command_find_option(&command_record, argv[i]) ||
		     !strncmp(argv[i], "-p", 2) || !strncmp(argv[i], "-n", 2)))
			return true;
	return false;
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

enum line { LINE_RECORD, LINE_REPORT, LINE_PAGE };

/*
 * Whose options are those before the first other word, which is put into
 * *@out_word? Some are of both: "-o FILE -top PROFILE" is a report for its
 * second one.
 */
static enum line judge_options(char *const *argv, int *out_word)
{
	int i = 1;

	for (; argv[i] && argv[i][0] == '-' && argv[i][1]; i++) {
		const struct option_spec *of_report =
			command_find_option(&command_report, argv[i]);

		if (asks_for_page(argv[i]))
			return LINE_PAGE;
		if (!of_report)
			return LINE_RECORD; /* "--", too */
		if (!command_find_option(&command_record, argv[i]))
			return LINE_REPORT;
		if (of_report->arg && !strchr(argv[i], '=') && argv[i + 1])
			i++;
	}
	*out_word = i;
	return argv[i] && is_source(argv[i]) ? LINE_REPORT : LINE_RECORD;
}

/* "-q top FILE": top(1) has no use for a profile. */
static bool has_source(char *const *argv)
{
	while (*argv)
		if (is_source(*argv++))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	CLEANUP(free) const char *option = NULL;
	const struct command *command;
	int word = 1;
	enum line line;

	setlocale(LC_CTYPE, "C.UTF-8");
	if (argc < 2) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help"))
		return run_help(argc - 1, argv + 1);
	if (!strcmp(argv[1], "dump"))
		return run_dump(argc - 1, argv + 1);
	if (!strcmp(argv[1], "top") && names_process(argc - 1, argv + 1))
		return run_live(argc - 1, argv + 1);
	command = words_find_command(argv[1]);
	if (command == &command_report)
		return report_main(argc - 1, argv + 1);
	if (command)
		return command_main(command, argc - 1, argv + 1);
	line = judge_options(argv, &word);
	if (line == LINE_PAGE)
		return refuse_page();
	if (line == LINE_REPORT)
		return report_main(argc, argv);
	option = argv[word] ? words_report_option(argv[word]) : NULL;
	if (option && (word == 1 || has_source(argv + word + 1)))
		return run_report(option, word, argc, argv);
	return command_main(&command_record, argc, argv);
}
