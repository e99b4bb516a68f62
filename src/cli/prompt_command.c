/* SPDX-License-Identifier: MIT */
/* prompt_command.c - words of the prompt into settings and reports. */
#include "cli/prompt_command.h"

#include <ctype.h>
#include <limits.h>

#include "util/log.h"
#include "util/nearest.h"

#define BLANKS " \t\r\n\v\f"
#define COMMENT "//:" /* behind a value */

struct words { /* of a line, in place */
	char *at;
};

/* The next word, or NULL. */
static char *next_word(struct words *words)
{
	char *word = words->at + strspn(words->at, BLANKS);
	char *end = word + strcspn(word, BLANKS);

	words->at = *end ? end + 1 : end;
	*end = '\0';
	return *word ? word : NULL;
}

static char *trimmed(const char *text, size_t len)
{
	while (len && strchr(BLANKS, text[len - 1]))
		len--;
	while (len && strchr(BLANKS, *text)) {
		text++;
		len--;
	}
	return xstrndup(text, len);
}

bool prompt_is_type(const struct pp *pp, const char *name)
{
	const char *plain = strncmp(name, "inuse_", 6) ? name : name + 6;

	for (size_t i = 0; i < pp->types.n; i++) {
		const struct pp_type *type = vec_at(&pp->types, i);
		const char *text = pp_text(pp, type->type);

		if (!strcmp(text, name) || !strcmp(text, plain))
			return true;
	}
	return false;
}

/* The index is kept by name, which is the same in all profiles of a kind. */
static struct error *set_type(const struct pp *pp, const char *name,
			      struct settings *settings)
{
	const struct pp_type *type;
	size_t index;
	struct error *error = report_find_type(pp, name, &index);

	if (error)
		return error;
	type = vec_at(&pp->types, index);
	return setting_set(settings, setting_find("sample_index"),
			   pp_text(pp, type->type));
}

/* "space", "total_space", "mean_space". */
static struct error *set_type_word(const struct pp *pp, const char *word,
				   struct settings *settings,
				   bool *out_is_known)
{
	bool is_total = !strncmp(word, "total_", 6);
	bool is_mean = !strncmp(word, "mean_", 5);
	const char *behind = word + (is_total ? 6 : is_mean ? 5 : 0);

	*out_is_known = true;
	if (prompt_is_type(pp, word))
		return set_type(pp, word, settings);
	if ((is_total || is_mean) && prompt_is_type(pp, behind)) {
		settings->mean = is_mean;
		return set_type(pp, behind, settings);
	}
	*out_is_known = false;
	return NULL;
}

static bool is_numeric(const struct setting *setting)
{
	return setting->type == SETTING_INT || setting->type == SETTING_FLOAT;
}

static struct error *set_named(const struct pp *pp,
			       const struct setting *setting, const char *name,
			       const char *value, struct settings *settings)
{
	bool is_choice = setting->choices && strcmp(setting->name, name) &&
			 setting_find_choice(name) == setting;

	if (is_choice)
		return setting_set(settings, setting, name);
	if ((!value && setting->type != SETTING_BOOL) ||
	    (value && !*value && is_numeric(setting)))
		return error_new("please specify a value, e.g. %s=<val>",
				 setting->name);
	if (!strcmp(setting->name, "sample_index"))
		return set_type(pp, value, settings);
	return setting_set(settings, setting, value);
}

struct error *prompt_set(const struct pp *pp, const char *text,
			 struct settings *settings, bool *out_is_known)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : strlen(text);
	CLEANUP(free) char *name = trimmed(text, len);
	CLEANUP(free) char *value = NULL;
	const struct setting *setting = setting_find(name);
	const char *comment;

	setting = setting ? setting : setting_find_choice(name);
	*out_is_known = setting != NULL;
	if (!setting)
		return equals ? NULL : set_type_word(pp, name, settings,
						     out_is_known);
	if (equals) {
		/* The last one counts: values may have slashes. */
		const char *end = equals + strlen(equals);

		for (const char *p = equals + 1;
		     (comment = strstr(p, COMMENT)); p = comment + 1)
			end = comment;
		value = trimmed(equals + 1, (size_t)(end - equals - 1));
	}
	return set_named(pp, setting, name, value, settings);
}

/* --- a report's line -------------------------------------------------- */

struct line {
	const struct pp *pp;
	struct prompt_command *command;
	struct words words;
	struct strbuf focus, ignore;
};

static void add_pattern(struct strbuf *patterns, const char *pattern)
{
	if (!*pattern)
		return;
	strbuf_adds(patterns, patterns->len ? "|" : "");
	strbuf_adds(patterns, pattern);
}

static bool is_number(const char *word, long *out)
{
	char *end;

	*out = strtol(word, &end, 10);
	return *word && !*end && !isspace((unsigned char)*word) &&
	       *out >= INT_MIN && *out <= INT_MAX;
}

/* Sample types as other profiles have them; NULL: @name is none of those. */
static struct error *absent_type(const struct pp *pp, const char *name)
{
	static const char *const names[] = { "inuse_space", "inuse_objects",
					     "alloc_space", "alloc_objects",
					     "contentions", "total_delay",
					     "mean_delay", "samples", "cpu" };
	struct error *error = NULL;
	size_t index;

	for (size_t i = 0; i < ARRAY_SIZE(names) && !error; i++)
		if (!strcmp(names[i], name))
			error = report_find_type(pp, name, &index);
	return error;
}

static void offer_settings(struct nearest *nearest)
{
	for (const struct setting *s = settings_table; s->name; s++) {
		nearest_offer(nearest, s->name);
		for (size_t i = 0; s->choices && s->choices[i]; i++)
			nearest_offer(nearest, s->choices[i]);
	}
}

static struct error *unknown_option(const struct line *line, const char *name,
				    const char *word)
{
	struct error *error = absent_type(line->pp, name);
	struct nearest nearest;

	if (error)
		return error;
	nearest_init(&nearest, name, strlen(name));
	offer_settings(&nearest);
	if (nearest.best)
		error = error_new("option %s is not known; did you mean --%s?",
				  word, nearest.best);
	else
		error = error_new("option %s is not known", word);
	return error_hint(error, "a pattern to ignore has one dash: -%s",
			  word + 2);
}

/* "--name=value", "--name value", "--flag": for this line. */
static struct error *take_option(struct line *line, char *word)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	CLEANUP(free) char *name = xstrndup(word + 2, strcspn(word + 2, "="));
	const struct setting *setting;
	struct error *error;
	char *value;
	bool is_known;

	for (char *p = name; *p; p++)
		*p = *p == '-' ? '_' : *p;
	setting = setting_find(name);
	strbuf_adds(&text, name);
	strbuf_adds(&text, word + 2 + strlen(name));
	if (setting && setting->type != SETTING_BOOL && !strchr(word, '=')) {
		value = next_word(&line->words);
		if (!value)
			return error_new("option %s needs a value", word);
		strbuf_addf(&text, "=%s", value);
	}
	error = prompt_set(line->pp, text.data, &line->command->settings,
			   &is_known);
	if (!error && !is_known)
		return unknown_option(line, name, word);
	return error;
}

/* ">file", "> file", "|command ...", "| command ..." */
static struct error *take_redirection(struct line *line, char *word)
{
	struct prompt_command *command = line->command;
	CLEANUP(free) char *joined = NULL;
	char *file;

	if (*word == '|') {
		joined = xasprintf("%s %s", word + 1, line->words.at);
		line->words.at += strlen(line->words.at);
		free(command->pipe);
		command->pipe = trimmed(joined, strlen(joined));
		if (!*command->pipe)
			return error_new("unexpected end of line after |");
		return NULL;
	}
	file = word[1] ? word + 1 : next_word(&line->words);
	if (!file)
		return error_new("unexpected end of line after >");
	return setting_set(&command->settings, setting_find("output"), file);
}

/* For pprof "-name" is a pattern, whatever the name. */
static void warn_of_pattern(const char *word)
{
	CLEANUP(free) char *name = xstrndup(word, strcspn(word, "="));

	if (setting_find(name) || setting_find_choice(name))
		log_warning("-%s is a pattern to ignore; the option is --%s",
			    word, word);
}

static struct error *take_word(struct line *line, char *word)
{
	struct settings *settings = &line->command->settings;
	long number;

	if (is_number(word, &number)) {
		settings->nodecount = (int)number;
		return NULL;
	}
	if (*word == '>' || *word == '|')
		return take_redirection(line, word);
	if (!strcmp(word, "-cum") || !strcmp(word, "-flat"))
		return setting_set(settings, setting_find("sort"), word + 1);
	if (word[0] == '-' && word[1] == '-' && word[2])
		return take_option(line, word);
	if (*word == '-') {
		warn_of_pattern(word + 1);
		add_pattern(&line->ignore, word + 1);
	} else {
		add_pattern(&line->focus, word);
	}
	return NULL;
}

static struct error *set_patterns(struct line *line)
{
	bool is_tags = !strcmp(line->command->format->name, "tags");
	struct settings *settings = &line->command->settings;
	struct error *error = NULL;

	if (line->focus.len)
		error = setting_set(settings,
				    setting_find(is_tags ? "tagfocus" :
							   "focus"),
				    line->focus.data);
	if (!error && line->ignore.len)
		error = setting_set(settings,
				    setting_find(is_tags ? "tagignore" :
							   "ignore"),
				    line->ignore.data);
	return error;
}

/* "top10" is "top 10". */
static const struct report_format *find_format(char *word, int *out_count)
{
	const struct report_format *format = report_format_find(word);
	size_t n = strlen(word);
	long count;

	*out_count = -1;
	if (format)
		return format;
	while (n && isdigit((unsigned char)word[n - 1]))
		n--;
	if (!n || !word[n] || !is_number(word + n, &count))
		return NULL;
	*out_count = (int)count;
	word[n] = '\0';
	return report_format_find(word);
}

static struct error *unknown_command(const struct pp *pp, const char *word,
				     struct words *words)
{
	const char *value = next_word(words);
	struct error *error = absent_type(pp, word);
	struct nearest nearest;

	if (error)
		return error;
	if (setting_find(word))
		return error_new("did you mean: %s=%s", word,
				 value ? value : "<val>");
	nearest_init(&nearest, word, strcspn(word, "=0123456789"));
	for (const struct report_format *f = report_formats; f->name; f++)
		nearest_offer(&nearest, f->name);
	offer_settings(&nearest);
	error = error_new("unrecognized command: \"%s\"", word);
	if (nearest.best)
		error = error_hint(error, "did you mean %s?", nearest.best);
	return error_hint(error, "try:   help");
}

struct error *prompt_command_parse(const struct pp *pp, const char *text,
				   const struct settings *base,
				   struct prompt_command *out)
{
	CLEANUP(free) char *copy = xstrdup(text);
	struct line line = { .pp = pp, .command = out, .words = { copy } };
	char *word = next_word(&line.words);
	struct error *error = NULL;
	int count;

	*out = (struct prompt_command){ 0 };
	if (!word)
		return error_new("there is no command");
	out->format = find_format(word, &count);
	if (!out->format)
		return unknown_command(pp, word, &line.words);
	settings_copy(&out->settings, base);
	if (count >= 0)
		out->settings.nodecount = count;
	while (!error && (word = next_word(&line.words))) {
		bool is_option = word[0] == '-' && word[1] == '-' && word[2];

		if (out->format->arg && !out->arg && !is_option)
			out->arg = xstrdup(word);
		else
			error = take_word(&line, word);
	}
	if (!error && out->format->arg && !out->arg)
		error = error_new("command %s requires an argument",
				  out->format->name);
	if (!error)
		error = set_patterns(&line);
	if (out->settings.nodecount == -1 && out->format->prompt_nodecount)
		out->settings.nodecount = out->format->prompt_nodecount;
	strbuf_clear(&line.focus);
	strbuf_clear(&line.ignore);
	return error;
}

void prompt_command_clear(struct prompt_command *command)
{
	settings_clear(&command->settings);
	free(command->arg);
	free(command->pipe);
	*command = (struct prompt_command){ 0 };
}
