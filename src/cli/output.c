/* SPDX-License-Identifier: MIT */
/* output.c - what the profile is written as, and under which name. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "cli/record.h"
#include "cli/screen.h"
#include "cli/stacks_text.h"
#include "profile/top.h"
#include "profile/write.h"
#include "report/read.h"
#include "report/report.h"
#include "util/io.h"
#include "util/log.h"

#define NAMES_TRIED_MAX 100000

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

enum output_format output_format_of(const struct record_options *options)
{
	static const struct {
		const char *ending;
		enum output_format format;
	} endings[] = {
		{ ".folded", FORMAT_FOLDED }, { ".collapsed", FORMAT_FOLDED },
		{ ".txt", FORMAT_TEXT },      { ".svg", FORMAT_FLAMEGRAPH },
		{ ".html", FORMAT_FLAMEGRAPH },
		{ ".speedscope.json", FORMAT_SPEEDSCOPE },
	};
	const char *name = options->output;

	if (options->format != FORMAT_AUTO)
		return options->format;
	for (size_t i = 0; name && i < ARRAY_SIZE(endings); i++)
		if (ends_with(name, endings[i].ending))
			return endings[i].format;
	return FORMAT_PPROF;
}

/*
 * %p the pid, %n the program's name, %t the time, %e the event, %s the number
 * of the file in this run, %% a percent sign.
 */
static char *expand_name(const struct run *run, const char *pattern)
{
	struct strbuf name = { 0 };
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;

	for (const char *p = pattern; *p; p++) {
		if (*p != '%' || !p[1]) {
			strbuf_addc(&name, *p);
			continue;
		}
		switch (*++p) {
		case 'p':
			strbuf_addf(&name, "%d", (int)run->pid);
			break;
		case 'n':
			strbuf_adds(&name, run->program);
			break;
		case 't':
			localtime_r(&now, &tm);
			strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
			strbuf_adds(&name, stamp);
			break;
		case 'e':
			strbuf_adds(&name, output_event_name(run->options));
			break;
		case 's':
			strbuf_addf(&name, "%03u", run->n_written + 1);
			break;
		case '%':
			strbuf_addc(&name, '%');
			break;
		default:
			strbuf_addc(&name, '%');
			strbuf_addc(&name, *p);
			break;
		}
	}
	return strbuf_take(&name);
}

static const char *extension_of(enum output_format format)
{
	switch (format) {
	case FORMAT_FOLDED:
		return "folded";
	case FORMAT_TEXT:
	case FORMAT_STACKS:
		return "txt";
	case FORMAT_FLAMEGRAPH:
		return "svg";
	case FORMAT_SPEEDSCOPE:
		return "speedscope.json";
	case FORMAT_AUTO:
	case FORMAT_PPROF:
		break;
	}
	return "pb.gz";
}

static const char *event_name(enum record_event event)
{
	switch (event) {
	case EVENT_WALL:
		return "wall";
	case EVENT_ALLOC:
		return "alloc";
	case EVENT_HEAP:
		return "heap";
	case EVENT_MMAP:
		return "mmap";
	case EVENT_CPU:
		break;
	}
	return "cpu";
}

const char *output_event_name(const struct record_options *options)
{
	return event_name(options->event);
}

/* The ending of a file's name: ".pb.gz" of "a.b/c.pb.gz", or "". */
static const char *ending_of(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	const char *dot = strrchr(base, '.');

	if (!dot || dot == base)
		return base + strlen(base);
	if (!strcmp(dot, ".gz"))
		for (const char *p = dot - 1; p > base; p--)
			if (*p == '.')
				return p;
	return dot;
}

char *output_name_of(const struct record_options *options,
		     enum record_event event)
{
	const char *name = options->output, *ending;

	if (!name)
		return NULL;
	if (!options->has_beside || strstr(name, "%e"))
		return xstrdup(name);
	ending = ending_of(name);
	return xasprintf("%.*s.%s%s", (int)(ending - name), name,
			 event_name(event), ending);
}

/* The first name of ours that is free: psample.NAME.PID.cpu.001.pb.gz */
static struct error *open_numbered(struct run *run, struct outfile **out)
{
	const struct record_options *options = run->options;
	const char *mode = output_event_name(options);

	for (int n = 1; n < NAMES_TRIED_MAX; n++) {
		char *name = xasprintf(
			"psample.%s.%d.%s.%03d.%s", run->program,
			(int)run->pid, mode, n,
			extension_of(output_format_of(options)));
		bool is_taken = !access(name, F_OK);

		free(run->written);
		run->written = name;
		if (!is_taken)
			return outfile_open(name, true, out);
	}
	return error_new("too many profiles here: psample.%s.*", run->program);
}

static struct error *refuse_terminal(const struct record_options *options)
{
	if (options->output && !strcmp(options->output, "-") &&
	    output_format_of(options) == FORMAT_PPROF &&
	    isatty(STDOUT_FILENO))
		return error_hint(error_new("a pprof profile is binary, and "
					    "standard output is a terminal"),
				  "try:   -o FILE, or -f folded, or -f text");
	return NULL;
}

struct error *output_check(const struct record_options *options)
{
	CLEANUP(free) char *name = output_name_of(options, options->event);
	struct error *error = refuse_terminal(options);
	struct outfile *file;

	if (!error && options->has_beside && options->output &&
	    !strcmp(options->output, "-"))
		error = error_new("two profiles do not go into one standard "
				  "output");
	if (error)
		return error;
	error = outfile_open(name ? name : ".psample.probe", false, &file);
	if (!error)
		outfile_abort(file);
	else if (!options->output)
		error = error_hint(
			error_wrap(error, "the profile would go into this "
					  "directory"),
			"try:   -o FILE in one that you may write to");
	return error;
}

size_t output_shown_type(const struct profile *profile)
{
	for (size_t i = 0; i < profile->n_types; i++)
		if (profile->default_type &&
		    profile->types[i].type == profile->default_type)
			return i;
	return profile->n_types - 1;
}

/* What "psample report --format=NAME" makes of the profile as a file. */
static struct error *render_report(const struct run *run,
				   const struct profile *profile,
				   const char *name, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf bytes = { 0 };
	CLEANUP(pp_free) struct pp *pp = NULL;
	struct intern strings;
	struct settings settings;
	struct error *error = profile_write_pprof(profile, &bytes);

	intern_init(&strings);
	settings_init(&settings);
	if (run->options->output) { /* SVG or HTML */
		free(settings.output);
		settings.output = xstrdup(run->options->output);
	}
	if (!error)
		error = pp_read_bytes(bytes.data, bytes.len, &strings, &pp);
	if (!error)
		error = report_make(pp, report_format_find(name), NULL,
				    &settings, out);
	settings_clear(&settings);
	pp_free(TAKE(pp));
	intern_clear(&strings);
	return error;
}

static bool is_to_stdout(const struct run *run)
{
	const char *name = run->output ? run->output : run->options->output;

	return name && !strcmp(name, "-");
}

/* One table that changes. */
static bool is_live(const struct run *run)
{
	struct screen screen;

	return output_format_of(run->options) == FORMAT_TEXT &&
	       run->options->every_ns && is_to_stdout(run) &&
	       screen_find(&screen);
}

static void render_table(const struct run *run, const struct profile *profile,
			 size_t type, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	struct screen screen;
	struct top top;

	top_make(profile, type, &top);
	top_write(profile, &top, type, SIZE_MAX, &text);
	top_clear(&top);
	if (is_live(run) && screen_find(&screen))
		screen_add(&screen, text.data ? text.data : "", out);
	else
		strbuf_add(out, text.data ? text.data : "", text.len);
}

static struct error *render(const struct run *run,
			    const struct profile *profile, struct strbuf *out)
{
	size_t type = output_shown_type(profile);

	switch (output_format_of(run->options)) {
	case FORMAT_FOLDED:
		profile_write_folded(profile, type, out);
		return NULL;
	case FORMAT_TEXT:
		render_table(run, profile, type, out);
		return NULL;
	case FORMAT_STACKS:
		stacks_text_write(profile, out);
		return NULL;
	case FORMAT_FLAMEGRAPH:
		return render_report(run, profile, "flamegraph", out);
	case FORMAT_SPEEDSCOPE:
		return render_report(run, profile, "speedscope", out);
	case FORMAT_AUTO:
	case FORMAT_PPROF:
		break;
	}
	return profile_write_pprof(profile, out);
}

static struct error *open_output(struct run *run, struct outfile **out)
{
	CLEANUP(free) char *name = output_name_of(run->options,
						  run->options->event);

	if (run->output) { /* as it is: no % signs */
		free(run->written);
		run->written = xstrdup(run->output);
		return outfile_open(run->written, false, out);
	}
	if (!name)
		return open_numbered(run, out);
	free(run->written);
	run->written = !strcmp(name, "-") ? xstrdup(name)
					  : expand_name(run, name);
	return outfile_open(run->written, false, out);
}

/* A fault of ours is told, and what there is written all the same. */
static void warn_if_inconsistent(const struct profile *profile)
{
	struct error *error = profile_check(profile);

	if (error)
		log_warning("this should not be, please report it: %s",
			    error_text(error));
	error_free(error);
}

struct error *output_write_profile(struct run *run,
				   const struct profile *profile)
{
	CLEANUP(strbuf_clear) struct strbuf bytes = { 0 };
	struct outfile *file = NULL;
	struct error *error;

	warn_if_inconsistent(profile);
	error = render(run, profile, &bytes);
	if (bytes.len && is_to_stdout(run) && isatty(STDOUT_FILENO) &&
	    !is_live(run))
		log_disarm(bytes.data, bytes.len);
	if (!error)
		error = open_output(run, &file);
	if (!error && bytes.len)
		error = outfile_write(file, bytes.data, bytes.len);
	if (!error)
		error = outfile_commit(TAKE(file));
	outfile_abort(file);
	if (!error)
		run->n_written++;
	return error;
}

struct error *output_write(struct run *run)
{
	struct profile *profile =
		collect_lock_profile(run->collect, run->symbolizer);
	struct error *error;

	summary_add_comments(run, profile);
	error = output_write_profile(run, profile);
	collect_unlock_profile(run->collect);
	return error;
}
