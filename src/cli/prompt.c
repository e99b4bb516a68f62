/* SPDX-License-Identifier: MIT */
/* prompt.c - the loop of the prompt, its help, its completion. */
#include "cli/prompt.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/line.h"
#include "cli/prompt_command.h"
#include "cli/report_output.h"
#include "util/log.h"

struct prompt {
	struct pp *pp;
	struct settings *settings;
	struct strbuf completion; /* what was last found */
};

/* Words that are neither reports nor settings. */
static const char *const own_words[] = { "help", "options", "quit", "exit" };

/* --- completion --------------------------------------------------------- */

static bool has_prefix(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static bool is_own_word(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_words); i++)
		if (!strcmp(own_words[i], word))
			return true;
	return false;
}

static const char *type_at(const struct prompt *prompt, size_t i)
{
	const struct pp_type *type = vec_at(&prompt->pp->types, i);

	return pp_text(prompt->pp, type->type);
}

/* All first words: reports, settings, their choices, sample types, own. */
static const char *word_at(const struct prompt *prompt, size_t index)
{
	for (const struct report_format *f = report_formats; f->name; f++)
		if (!index--)
			return f->name;
	for (const struct setting *s = settings_table; s->name; s++) {
		if (!index--)
			return s->name;
		for (size_t i = 0; s->choices && s->choices[i]; i++)
			if (!index--)
				return s->choices[i];
	}
	for (size_t i = 0; i < prompt->pp->types.n; i++)
		if (!index--)
			return type_at(prompt, i);
	return index < ARRAY_SIZE(own_words) ? own_words[index] : NULL;
}

/* Does @name begin with @pattern, as add_escaped() writes it? */
static bool begins_with(const char *name, const char *pattern)
{
	for (; *pattern; pattern++) {
		if (*pattern == '\\' && pattern[1])
			pattern++;
		if (*name != *pattern && !(*name == ' ' && *pattern == '.'))
			return false;
		name++;
	}
	return true;
}

static bool has_part(const char *name, const char *pattern)
{
	do {
		if (begins_with(name, pattern))
			return true;
	} while (*name++);
	return false;
}

/* @name as one word and as a pattern; dots match themselves well enough. */
static void add_escaped(struct strbuf *out, const char *name)
{
	for (; *name; name++) {
		if (strchr("()[]{}*+?|^$\\", *name))
			strbuf_addc(out, '\\');
		strbuf_addc(out, *name == ' ' ? '.' : *name);
	}
}

/* Functions with @word, behind its first @n bytes, anywhere in their names. */
static const char *function_at(struct prompt *prompt, const char *word,
			       size_t n, size_t index)
{
	const struct pp *pp = prompt->pp;

	for (size_t i = 0; i < pp->functions.n; i++) {
		const struct pp_function *f = vec_at(&pp->functions, i);
		const char *name = pp_text(pp, f->name);

		if (!has_part(name, word + n) || index--)
			continue;
		strbuf_reset(&prompt->completion);
		strbuf_add(&prompt->completion, word, n);
		add_escaped(&prompt->completion, name);
		return prompt->completion.data;
	}
	return NULL;
}

/* "--nodecount", "--cum", "--inuse_space": all but reports and own words */
static const char *option_at(struct prompt *prompt, const char *word,
			     size_t index)
{
	const char *name;

	for (size_t i = 0; (name = word_at(prompt, i)); i++) {
		if (report_format_find(name) || is_own_word(name))
			continue;
		strbuf_reset(&prompt->completion);
		strbuf_addf(&prompt->completion, "--%s", name);
		if (has_prefix(prompt->completion.data, word) && !index--)
			return prompt->completion.data;
	}
	return NULL;
}

static bool is_pattern(const struct setting *setting)
{
	static const char *const names[] = { "focus", "ignore", "hide",
					     "show", "show_from",
					     "prune_from" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(setting->name, names[i]))
			return true;
	return false;
}

/* What may follow "granularity=", "top --focus=", being @before. */
static const char *value_at(struct prompt *prompt, const char *word,
			    const char *before, size_t index)
{
	const char *end = before + strlen(before) - 1, *start = end;
	CLEANUP(free) char *name = NULL;
	const struct setting *setting;

	while (start > before && !strchr(" \t-", start[-1]))
		start--;
	name = xstrndup(start, (size_t)(end - start));
	setting = setting_find(name);
	if (setting && is_pattern(setting))
		return function_at(prompt, word, 0, index);
	for (size_t i = 0; setting && setting->choices && setting->choices[i];
	     i++)
		if (has_prefix(setting->choices[i], word) && !index--)
			return setting->choices[i];
	for (size_t i = 0; setting && !strcmp(setting->name, "sample_index") &&
			   i < prompt->pp->types.n; i++)
		if (has_prefix(type_at(prompt, i), word) && !index--)
			return type_at(prompt, i);
	return NULL;
}

static const char *complete(void *ctx, const char *word, const char *before,
			    size_t index)
{
	struct prompt *prompt = ctx;
	const char *found;

	before += strspn(before, " \t");
	if (*before && before[strlen(before) - 1] == '=')
		return value_at(prompt, word, before, index);
	if (has_prefix(word, "--"))
		return option_at(prompt, word, index);
	if (*before && !has_prefix(before, "help "))
		return function_at(prompt, word, *word == '-', index);
	for (size_t i = 0; (found = word_at(prompt, i)); i++)
		if (has_prefix(found, word) && !index--)
			return found;
	return NULL;
}

/* --- help and options ------------------------------------------------- */

static const char *help_of(const char *name)
{
	CLEANUP(free) char *option = xasprintf("--%s", name);
	const struct option_spec *spec =
		command_find_option(&command_report, option);

	return spec ? spec->help : "";
}

static void print_help_line(const char *name, const char *help)
{
	fprintf(stderr, "    %-22s %s\n", name, help);
}

static void print_all_help(void)
{
	fputs("  Reports:\n", stderr);
	for (const struct report_format *f = report_formats; f->name; f++)
		print_help_line(f->name, help_of(f->name));
	fputs("    REPORT [N] [REGEX]... [-REGEX]... [-cum] [--OPTION=VALUE] "
	      "[>FILE] [| COMMAND]\n"
	      "    shows N functions of samples with REGEX and without "
	      "-REGEX\n\n"
	      "  Options, as NAME=VALUE:\n", stderr);
	for (const struct setting *s = settings_table; s->name; s++)
		print_help_line(s->name, help_of(s->name));
	fputs("    cum, lines and other choices select themselves; the name "
	      "of a sample type\n    selects it, total_NAME and mean_NAME "
	      "too\n\n"
	      "    o, options             the options and their values\n"
	      "    :                      clear focus, ignore, hide, "
	      "tagfocus, tagignore\n"
	      "    q, quit, exit, ^D      leave\n", stderr);
}

static void print_help(const char *word)
{
	if (!*word)
		print_all_help();
	else if (report_format_find(word) || setting_find(word) ||
		 setting_find_choice(word))
		print_help_line(word, help_of(word));
	else
		fprintf(stderr, "Unknown command: %s\n", word);
}

/* "[a | b]", or "" */
static char *option_choices(const struct prompt *prompt,
			    const struct setting *setting)
{
	struct strbuf text = { 0 };
	const char *bar = "";

	for (size_t i = 0; setting->choices && setting->choices[i]; i++) {
		strbuf_addf(&text, "%s%s", bar, setting->choices[i]);
		bar = " | ";
	}
	for (size_t i = 0; !strcmp(setting->name, "sample_index") &&
			   i < prompt->pp->types.n; i++) {
		const struct pp_type *type = vec_at(&prompt->pp->types, i);

		strbuf_addf(&text, "%s%s", bar,
			    pp_text(prompt->pp, type->type));
		bar = " | ";
	}
	if (!text.len)
		return xstrdup("");
	bar = xasprintf("//: [%s]", text.data);
	strbuf_clear(&text);
	return (char *)(uintptr_t)bar;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *option_line(const struct prompt *prompt,
			 const struct setting *setting)
{
	CLEANUP(free) char *value = setting_text(prompt->settings, setting);
	CLEANUP(free) char *choices = option_choices(prompt, setting);
	const char *shown = value, *comment = choices;
	const struct pp *pp = prompt->pp;

	if (!strcmp(setting->name, "granularity") && !*value)
		shown = "(default)";
	else if (!strcmp(setting->name, "sample_index") && !*value)
		shown = pp_text(pp, ((struct pp_type *)vec_at(
					     &pp->types, pp->types.n - 1))
					    ->type);
	else if (!strcmp(setting->name, "nodecount") && !strcmp(value, "-1"))
		comment = "//: default";
	else if (!*value)
		shown = "\"\"";
	return xasprintf("  %-25s = %-20s %s", setting->name, shown, comment);
}

static void print_options(const struct prompt *prompt)
{
	struct vec lines = VEC_OF(char *);

	for (const struct setting *s = settings_table; s->name; s++)
		*(char **)vec_push(&lines) = option_line(prompt, s);
	qsort(lines.data, lines.n, sizeof(char *), compare_lines);
	for (size_t i = 0; i < lines.n; i++) {
		char *text = *(char **)vec_at(&lines, i);

		fprintf(stderr, "%s\n", text);
		free(text);
	}
	vec_clear(&lines);
}

/* --- the loop ---------------------------------------------------------- */

static void clear_filters(const struct prompt *prompt)
{
	static const char *const names[] = { "focus", "ignore", "hide",
					     "tagfocus", "tagignore" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		error_free(setting_set(prompt->settings,
				       setting_find(names[i]), ""));
}

static void run_report(const struct prompt *prompt, const char *line)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	struct prompt_command command;
	struct error *error = prompt_command_parse(prompt->pp, line,
						   prompt->settings, &command);

	if (!error)
		error = report_make(prompt->pp, command.format, command.arg,
				    &command.settings, &text);
	if (!error)
		error = report_output(command.format,
				      &(struct report_place){
					      &command.settings,
					      command.pipe, true },
				      &text);
	if (error)
		print_error(error);
	prompt_command_clear(&command);
}

static bool is_word(const char *line, const char *word)
{
	size_t n = strlen(word);

	return !strncmp(line, word, n) && (!line[n] || line[n] == ' ');
}

/* One line without blanks around it; false: leave. */
static bool run_line(const struct prompt *prompt, const char *line)
{
	struct error *error;
	bool is_known;

	if (!*line)
		return true;
	if (!strcmp(line, ":")) {
		clear_filters(prompt);
		return true;
	}
	error = prompt_set(prompt->pp, line, prompt->settings, &is_known);
	if (error)
		print_error(error);
	if (error || is_known)
		return true;
	if (is_word(line, "q") || is_word(line, "quit") ||
	    is_word(line, "exit"))
		return false;
	if (is_word(line, "o") || is_word(line, "options"))
		print_options(prompt);
	else if (is_word(line, "help"))
		print_help(line + 4 + strspn(line + 4, " "));
	else
		run_report(prompt, line);
	return true;
}

static void greet(const struct prompt *prompt)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };

	if (log_enabled(LOG_NOTICE)) {
		report_describe(prompt->pp, prompt->settings, &text);
		fprintf(stderr, "%sEntering interactive mode (type \"help\" "
			"for commands, \"o\" for options)\n",
			text.data ? text.data : "");
	}
}

int prompt_run(struct pp *pp, struct settings *settings)
{
	struct prompt prompt = { .pp = pp, .settings = settings };
	bool goes_on = true;
	char *line;

	greet(&prompt);
	settings->compact_labels = true;
	line_open(complete, &prompt);
	while (goes_on && (line = line_read())) {
		size_t n = strlen(line), at = strspn(line, " \t\r");

		while (n > at && strchr(" \t\r", line[n - 1]))
			line[--n] = '\0';
		goes_on = run_line(&prompt, line + at);
		fflush(stdout);
		free(line);
	}
	line_close();
	strbuf_clear(&prompt.completion);
	return EXIT_DONE;
}
