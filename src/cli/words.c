/* SPDX-License-Identifier: MIT */
/* words.c - the commands, and those words that are short for one. */
#include "cli/words.h"

#include "report/report.h"
#include "util/nearest.h"

static const struct command *const commands[] = {
	&command_record,
	&command_report,
	&command_serve,
};

/* "psample merge ..." is "psample report --proto ...". */
static const char *const report_words[][2] = {
	{ "merge", "--proto" },
	{ "convert", "--format=auto" },
	{ "diff", "--diff" },
};

const struct command *words_find_command(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, word))
			return commands[i];
	return NULL;
}

char *words_report_option(const char *word)
{
	if (report_format_find(word))
		return xasprintf("--format=%s", word);
	for (size_t i = 0; i < ARRAY_SIZE(report_words); i++)
		if (!strcmp(report_words[i][0], word))
			return xstrdup(report_words[i][1]);
	return NULL;
}

const char *words_nearest(const char *word)
{
	struct nearest nearest;

	nearest_init(&nearest, word, strlen(word));
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		nearest_offer(&nearest, commands[i]->name);
	for (size_t i = 0; i < ARRAY_SIZE(report_words); i++)
		nearest_offer(&nearest, report_words[i][0]);
	for (size_t i = 0; report_formats[i].name; i++)
		nearest_offer(&nearest, report_formats[i].name);
	nearest_offer(&nearest, "dump");
	nearest_offer(&nearest, "help");
	return nearest.best;
}
