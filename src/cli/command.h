/* SPDX-License-Identifier: MIT */
/*
 * command.h - a subcommand: its table of options, its help, its run.
 *
 * The table drives getopt_long(3), the help text and the check of the manual
 * page, so that none of them can say something else than the others.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

#include "util/error.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_GREW = 3 };

/* Wrapping a program: our own failure, not executable, not found (env(1)). */
enum {
	EXIT_OWN_FAILURE = 125,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

struct option_spec {
	const char *name; /* long name without dashes; NULL: a heading */
	const char *alias; /* another long name, or NULL */
	char letter;	  /* short name, or 0 */
	char letter2;	  /* another one, or 0 */
	const char *arg;  /* name of the argument, or NULL if none */
	const char *help; /* one line; a heading's text */
	int id;		  /* given to set() */
};

struct command {
	const char *name;
	const char *help;  /* one line */
	const char *usage; /* lines after "usage: " */
	const char *more;  /* below the options */
	const struct option_spec *options; /* ends with { 0 } */
	/* Take one option; an error ends in exit 2. */
	struct error *(*set)(void *ctx, int id, const char *arg);
	/*
	 * In place of set(): options as pprof has them, "-name" or "--name",
	 * '_' as good as '-', before and after other words, "-flag=false".
	 * @arg is NULL for a flag without a value.
	 */
	struct error *(*set_spec)(void *ctx, const struct option_spec *spec,
				  const char *arg);
	/* @argv: the words behind the options. @has_dashes: "--" came first. */
	int (*run)(void *ctx, int argc, char **argv, bool has_dashes);
	void *(*new_ctx)(void);
	void (*free_ctx)(void *ctx);
};

extern const struct command command_record;
extern const struct command command_report;
extern const struct command command_serve;

/* The option of @command that the word "-name" or "--name=..." is, or NULL. */
const struct option_spec *command_find_option(const struct command *command,
					      const char *word);

/* Parse @argv[1..] by the table of @command and run it: the exit status. */
int command_main(const struct command *command, int argc, char **argv);

/* The whole help text of @command on stdout. */
void command_print_help(const struct command *command);

/* Print an error as psample's last word. */
void print_error(struct error *error);

#endif
