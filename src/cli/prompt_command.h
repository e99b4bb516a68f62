/* SPDX-License-Identifier: MIT */
/*
 * prompt_command.h - one report asked for at the prompt, as words.
 *
 *	top10 -cum regex -regex --unit=ms >file
 *
 * Words are as in pprof: a number limits the nodes, a pattern is a focus, one
 * behind '-' an ignore. Options with two dashes, which pprof takes for
 * patterns, are options of that line alone.
 */
#ifndef CLI_PROMPT_COMMAND_H
#define CLI_PROMPT_COMMAND_H

#include "report/report.h"

struct prompt_command {
	const struct report_format *format;
	struct settings settings; /* with what the line says */
	char *arg;		  /* of the format, or NULL */
	char *pipe;		  /* a shell command, or NULL */
};

/* @line is a report's command; @base are the settings that persist. */
struct error *prompt_command_parse(const struct pp *pp, const char *line,
				   const struct settings *base,
				   struct prompt_command *out) MUST_USE;
void prompt_command_clear(struct prompt_command *command);

/*
 * Take "name=value", "name" (a flag, a choice like "cum", or a sample type)
 * into @settings. *@out_is_known: whether it is one of these at all.
 */
struct error *prompt_set(const struct pp *pp, const char *text,
			 struct settings *settings,
			 bool *out_is_known) MUST_USE;

/* Is @name a sample type of @pp, also as inuse_NAME? */
bool prompt_is_type(const struct pp *pp, const char *name);

#endif
