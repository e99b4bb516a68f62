/* SPDX-License-Identifier: MIT */
/* words.h - what the first word of a command line may be. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "cli/command.h"

/* The command called @word, or NULL. */
const struct command *words_find_command(const char *word);

/*
 * The option of report that a word as in "psample top FILE" stands for, to
 * be freed; NULL if it is none of those.
 */
char *words_report_option(const char *word);

/* The command that @word was meant for, or NULL. */
const char *words_nearest(const char *word);

#endif
