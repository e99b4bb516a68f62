/* SPDX-License-Identifier: MIT */
/* command.c - getopt_long and help, driven by the table of a command. */
#include "cli/command.h"

#include <getopt.h>
#include <stdio.h>

#include "util/strbuf.h"
#include "util/vec.h"

#define FIRST_LONG 1000 /* getopt values of long options: this + index */
#define HELP_COLUMN 26

void print_error(struct error *error)
{
	fflush(stdout);
	fprintf(stderr, "psample: %s\n", error_text(error));
	error_free(error);
}

static size_t count_options(const struct command *command)
{
	size_t n = 0;

	while (command->options[n].help)
		n++;
	return n;
}

static void build_getopt(const struct command *command, struct strbuf *letters,
			 struct vec *longs)
{
	size_t n = count_options(command);

	strbuf_adds(letters, "+:"); /* stop at the program's own words */
	for (size_t i = 0; i < n; i++) {
		const struct option_spec *spec = &command->options[i];
		const char *names[] = { spec->name, spec->alias };
		char both[] = { spec->letter, spec->letter2 };

		for (size_t j = 0; j < 2; j++) {
			if (both[j]) {
				strbuf_addc(letters, both[j]);
				if (spec->arg)
					strbuf_addc(letters, ':');
			}
			if (names[j])
				*(struct option *)vec_push(longs) =
					(struct option){
						names[j],
						spec->arg ? required_argument
							  : no_argument,
						NULL, FIRST_LONG + (int)i };
		}
	}
	vec_push(longs);
}

static const struct option_spec *find_spec(const struct command *command,
					   int value)
{
	size_t n = count_options(command);

	if (value >= FIRST_LONG)
		return &command->options[value - FIRST_LONG];
	for (size_t i = 0; i < n; i++)
		if (command->options[i].letter == value ||
		    command->options[i].letter2 == value)
			return &command->options[i];
	return NULL;
}

static struct error *bad_option(const char *word, bool is_missing)
{
	struct error *error =
		is_missing ? error_new("option %s needs an argument", word)
			   : error_new("unknown option %s", word);

	return error_hint(error, "try:   psample --help");
}

static struct error *parse(const struct command *command, void *ctx, int argc,
			   char **argv)
{
	CLEANUP(strbuf_clear) struct strbuf letters = { 0 };
	struct vec longs = VEC_OF(struct option);
	struct error *error = NULL;
	int value;

	build_getopt(command, &letters, &longs);
	opterr = 0;
	while (!error && (value = getopt_long(argc, argv, letters.data,
					      longs.data, NULL)) != -1) {
		const struct option_spec *spec = find_spec(command, value);

		if (value == '?' && optopt && optopt < 256) {
			char word[] = { '-', (char)optopt, '\0' };

			error = bad_option(word, false);
		} else if (value == '?' || value == ':' || !spec) {
			error = bad_option(argv[optind - 1], value == ':');
		} else {
			error = command->set(ctx, spec->id, optarg);
		}
	}
	vec_clear(&longs);
	return error;
}

int command_main(const struct command *command, int argc, char **argv)
{
	void *ctx = command->new_ctx();
	struct error *error = parse(command, ctx, argc, argv);
	int status;
	bool has_dashes;

	if (error) {
		print_error(error);
		command->free_ctx(ctx);
		return EXIT_USAGE;
	}
	has_dashes = optind > 1 && !strcmp(argv[optind - 1], "--");
	status = command->run(ctx, argc - optind, argv + optind, has_dashes);
	command->free_ctx(ctx);
	return status;
}

static void print_option(const struct option_spec *spec)
{
	CLEANUP(strbuf_clear) struct strbuf left = { 0 };

	if (!spec->name) {
		printf("\n%s\n", spec->help);
		return;
	}
	strbuf_adds(&left, spec->letter ? "  " : "      ");
	if (spec->letter)
		strbuf_addf(&left, "-%c, ", spec->letter);
	strbuf_addf(&left, "--%s", spec->name);
	if (spec->arg)
		strbuf_addf(&left, " %s", spec->arg);
	if (left.len < HELP_COLUMN)
		printf("%-*s %s\n", HELP_COLUMN, left.data, spec->help);
	else
		printf("%s\n%*s %s\n", left.data, HELP_COLUMN, "", spec->help);
}

void command_print_help(const struct command *command)
{
	size_t n = count_options(command);

	printf("usage: %s\n", command->usage);
	for (size_t i = 0; i < n; i++)
		print_option(&command->options[i]);
	printf("\n%s\n", command->more);
}
