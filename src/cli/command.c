/* SPDX-License-Identifier: MIT */
/* command.c - getopt_long and help, driven by the table of a command. */
#include "cli/command.h"

#include <getopt.h>
#include <stdio.h>

#include "util/log.h"
#include "util/nearest.h"
#include "util/strbuf.h"
#include "util/vec.h"

#define FIRST_LONG 1000 /* getopt values of long options: this + index */
#define HELP_COLUMN 26

void print_error(struct error *error)
{
	CLEANUP(free) char *text = xstrdup(error_text(error));

	log_disarm(text, strlen(text));
	fflush(stdout);
	fprintf(stderr, "psample: %s\n", text);
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

/* What is wrong with the option of @word, and how to find the right one. */
static struct error *bad_option(const struct command *command,
				const char *word, const char *fault)
{
	bool is_main = !strcmp(command->name, "record");
	struct error *error = error_new("option %s %s", word, fault);

	return error_hint(error, "try:   psample %s%s--help",
			  is_main ? "" : command->name, is_main ? "" : " ");
}

/* "top -p 12", but with a word in front that is of reports alone. */
static bool is_of_record(const struct command *command, const char *word)
{
	return command == &command_report &&
	       command_find_option(&command_record, word);
}

static struct error *unknown_option(const struct command *command,
				    const char *word)
{
	const char *name = word + strspn(word, "-");
	size_t n = count_options(command);
	struct nearest nearest;

	nearest_init(&nearest, name, strcspn(name, "="));
	for (size_t i = 0; i < n && nearest.len > 1; i++) {
		if (command->options[i].name)
			nearest_offer(&nearest, command->options[i].name);
		if (command->options[i].alias)
			nearest_offer(&nearest, command->options[i].alias);
	}
	CLEANUP(free) char *fault =
		nearest.best ? xasprintf("is not known; did you mean --%s?",
					 nearest.best)
			     : xstrdup("is not known");

	if (is_of_record(command, word))
		return error_hint(bad_option(command, word, "is of recordings, "
					     "and this is a report"),
				  "       psample %s ...  makes a profile",
				  word);
	return bad_option(command, word, fault);
}

/* getopt_long(3) said '?' or ':' of the word before argv[optind]. */
static struct error *getopt_fault(const struct command *command, int value,
				  char *const *argv)
{
	char letter[] = { '-', (char)optopt, '\0' };
	const char *word = argv[optind - 1];

	if (value == ':')
		return bad_option(command, word, "needs an argument");
	if (optopt >= FIRST_LONG)
		return bad_option(command, word, "takes no argument");
	return unknown_option(command, optopt ? letter : word);
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

		if (value == '?' || value == ':' || !spec)
			error = getopt_fault(command, value, argv);
		else
			error = command->set(ctx, spec->id, optarg);
	}
	vec_clear(&longs);
	return error;
}

static bool is_named(const char *name, const char *word, size_t len)
{
	if (!name || strlen(name) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] != (word[i] == '_' ? '-' : word[i]))
			return false;
	return true;
}

const struct option_spec *command_find_option(const struct command *command,
					      const char *word)
{
	size_t len, n = count_options(command);

	if (*word++ != '-')
		return NULL;
	word += *word == '-';
	len = strcspn(word, "=");
	for (size_t i = 0; i < n; i++) {
		const struct option_spec *spec = &command->options[i];

		if (is_named(spec->name, word, len) ||
		    is_named(spec->alias, word, len) ||
		    (len == 1 && spec->letter && *word == spec->letter))
			return spec;
	}
	return NULL;
}

/* The word at *@at, and the one behind it if it is an option's value. */
static struct error *parse_word(const struct command *command, void *ctx,
				int argc, char **argv, int *at)
{
	const char *word = argv[(*at)++], *equals = strchr(word, '=');
	const struct option_spec *spec = command_find_option(command, word);

	if (!spec)
		return unknown_option(command, word);
	if (equals)
		return command->set_spec(ctx, spec, equals + 1);
	if (!spec->arg)
		return command->set_spec(ctx, spec, NULL);
	if (*at == argc)
		return bad_option(command, word, "needs an argument");
	return command->set_spec(ctx, spec, argv[(*at)++]);
}

/* Options between other words; those are moved to the end of @argv. */
static struct error *parse_mixed(const struct command *command, void *ctx,
				 int argc, char **argv, int *out_first)
{
	CLEANUP(free) char **words = xcalloc((size_t)argc, sizeof(*words));
	struct error *error = NULL;
	bool is_over = false;
	int n = 0, at = 1;

	while (at < argc && !error) {
		if (is_over || argv[at][0] != '-' || !argv[at][1]) {
			words[n++] = argv[at++];
		} else if (!strcmp(argv[at], "--")) {
			is_over = true;
			at++;
		} else {
			error = parse_word(command, ctx, argc, argv, &at);
		}
	}
	*out_first = argc - n;
	for (int i = 0; i < n; i++)
		argv[*out_first + i] = words[i];
	return error;
}

int command_main(const struct command *command, int argc, char **argv)
{
	void *ctx = command->new_ctx();
	struct error *error;
	int status, first;
	bool has_dashes;

	if (command->set_spec) {
		error = parse_mixed(command, ctx, argc, argv, &first);
	} else {
		error = parse(command, ctx, argc, argv);
		first = optind;
	}
	if (error) {
		print_error(error);
		command->free_ctx(ctx);
		return EXIT_USAGE;
	}
	has_dashes = first > 1 && !strcmp(argv[first - 1], "--");
	status = command->run(ctx, argc - first, argv + first, has_dashes);
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
