/* SPDX-License-Identifier: MIT */
/* cmd_record.c - psample record: launch or attach, sample, write. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/control.h"
#include "cli/record.h"
#include "cli/run.h"
#include "cli/select.h"
#include "profile/write.h"
#include "report/fetch.h"

enum {
	OPT_PID, OPT_NAME, OPT_TID, OPT_EVENT, OPT_FREQ, OPT_DURATION,
	OPT_DELAY, OPT_SAMPLES, OPT_OUTPUT, OPT_FORMAT, OPT_NO_CHILDREN,
	OPT_CHILDREN, OPT_BY_THREAD, OPT_MAX_DEPTH, OPT_MAX_PAUSE, OPT_UNWIND,
	OPT_WALL_STOP, OPT_DEMANGLE, OPT_NO_INLINES, OPT_INLINES, OPT_KILL,
	OPT_CONTROL, OPT_QUIET, OPT_VERBOSE, OPT_SUMMARY, OPT_NO_SUMMARY,
	OPT_INTERVAL, OPT_LEAKS, OPT_NO_INUSE, OPT_EVERY,
	OPT_GRAPH, OPT_DEBUGINFOD, OPT_LABELS_AT, OPT_HELP, OPT_VERSION,
	OPT_WHOLE_RANDOM,
};

#define HZ_MAX 10000.0
#define COUNT_MAX 1e15 /* a double holds all below exactly */
#define STACKS_NS (100 * NS_PER_MS) /* -f stacks without -d */

static const struct option_spec record_specs[] = {
	{ .help = "What to profile:" },
	{ "pid", NULL, 'p', 0, "PID[,PID...]", "attach to these processes",
	  OPT_PID },
	{ "name", NULL, 'n', 0, "REGEX", "attach to processes of this name",
	  OPT_NAME },
	{ "tid", NULL, 't', 0, "TID[,TID...]", "sample only these threads",
	  OPT_TID },
	{ "no-children", NULL, 0, 0, NULL, "do not follow fork and vfork",
	  OPT_NO_CHILDREN },
	{ "children", NULL, 0, 0, NULL,
	  "follow them (the default but for -e alloc -p PID)",
	  OPT_CHILDREN },
	{ .help = "How:" },
	{ "event", NULL, 'e', 0, "EVENT",
	  "cpu (default), wall, alloc, heap, mmap; cpu,alloc", OPT_EVENT },
	{ "freq", "rate", 'F', 'r', "HZ", "samples per second (100)",
	  OPT_FREQ },
	{ "interval", NULL, 'i', 0, "SIZE",
	  "bytes between samples of allocations (512KiB)", OPT_INTERVAL },
	{ "leaks", NULL, 0, 0, NULL,
	  "-e heap, without what is young at the end", OPT_LEAKS },
	{ "no-inuse", NULL, 0, 0, NULL,
	  "-e alloc, without what is in use: cheaper", OPT_NO_INUSE },
	{ "duration", NULL, 'd', 0, "DUR", "stop after 30, 30s, 5m ...",
	  OPT_DURATION },
	{ "delay", NULL, 'D', 0, "DUR", "wait before the first sample",
	  OPT_DELAY },
	{ "every", NULL, 0, 0, "DUR", "write so often what there is by then",
	  OPT_EVERY },
	{ "samples", NULL, 0, 0, "N", "stop after N samples", OPT_SAMPLES },
	{ "max-pause", NULL, 0, 0, "PCT",
	  "lower the rate rather than hold longer (1)",
	  OPT_MAX_PAUSE },
	{ "unwind", NULL, 0, 0, "HOW", "auto, dwarf, fp or libunwind",
	  OPT_UNWIND },
	{ "max-depth", NULL, 0, 0, "N", "frames of a stack (16384)",
	  OPT_MAX_DEPTH },
	{ "wall-stop", NULL, 0, 0, NULL,
	  "stop a blocked thread if its stack needs it", OPT_WALL_STOP },
	{ "whole-random", NULL, 0, 0, NULL,
	  "repeat a getrandom(2) that a stop cut short", OPT_WHOLE_RANDOM },
	{ "kill", NULL, 0, 0, NULL, "end the program (SIGTERM) after -d",
	  OPT_KILL },
	{ "control", NULL, 0, 0, "FIFO",
	  "read start, stop, dump and end from here", OPT_CONTROL },
	{ .help = "What to write:" },
	{ "output", NULL, 'o', 0, "FILE",
	  "- is stdout; %p pid, %n name, %t time, %s 001 ...", OPT_OUTPUT },
	{ "format", NULL, 'f', 0, "FMT",
	  "pprof, folded, text, stacks, flamegraph, speedscope",
	  OPT_FORMAT },
	{ "by-thread", NULL, 0, 0, NULL, "keep threads apart",
	  OPT_BY_THREAD },
	{ "labels-at", NULL, 0, 0, "ADDR",
	  "labels of threads from libpsample's table", OPT_LABELS_AT },
	{ "demangle", NULL, 0, 0, "STYLE",
	  "simple (default), templates, full, none", OPT_DEMANGLE },
	{ "no-inlines", NULL, 0, 0, NULL, "no inlined functions",
	  OPT_NO_INLINES },
	{ "inlines", NULL, 0, 0, NULL, "with them (the default)",
	  OPT_INLINES },
	{ "debuginfod", NULL, 0, 0, NULL,
	  "ask DEBUGINFOD_URLS for debug files", OPT_DEBUGINFOD },
	{ "call-graph", NULL, 'g', 0, NULL, "accepted: always on",
	  OPT_GRAPH },
	{ .help = "What to say:" },
	{ "quiet", NULL, 'q', 0, NULL, "warnings only; twice: errors only",
	  OPT_QUIET },
	{ "verbose", NULL, 'v', 0, NULL, "more", OPT_VERBOSE },
	{ "no-summary", NULL, 0, 0, NULL, "no summary at the end",
	  OPT_NO_SUMMARY },
	{ "summary", NULL, 0, 0, NULL, "with it (the default)",
	  OPT_SUMMARY },
	{ "help", NULL, 'h', 0, NULL, "this text", OPT_HELP },
	{ "version", NULL, 'V', 0, NULL, "the version", OPT_VERSION },
	{ 0 },
};

static void *new_ctx(void)
{
	struct record_options *options = xcalloc(1, sizeof(*options));

	options->sampler = SAMPLER_OPTIONS_DEFAULT;
	options->pids = VEC_OF(pid_t);
	options->tids = VEC_OF(pid_t);
	return options;
}

static void free_ctx(void *ctx)
{
	struct record_options *options = ctx;

	vec_clear(&options->pids);
	vec_clear(&options->tids);
	free(options);
}

static struct error *bad_value(const char *option, const char *arg,
			       const char *expected)
{
	return error_hint(error_new("bad value %s for %s", arg, option),
			  "expected: %s", expected);
}

/* Index of @arg among @words, or an error that lists them. */
static struct error *parse_word(const char *option, const char *arg,
				const char *const *words, int *out)
{
	CLEANUP(strbuf_clear) struct strbuf all = { 0 };

	for (int i = 0; words[i]; i++) {
		if (!strcmp(words[i], arg)) {
			*out = i;
			return NULL;
		}
		strbuf_addf(&all, "%s%s", i ? ", " : "", words[i]);
	}
	return bad_value(option, arg, all.data);
}

static struct error *parse_number(const char *option, const char *arg,
				  double low, double high, double *out)
{
	char *end, range[64];

	*out = strtod(arg, &end);
	if (end != arg && !*end && *out >= low && *out <= high)
		return NULL;
	if (high < COUNT_MAX)
		snprintf(range, sizeof(range), "a number from %g to %g", low,
			 high);
	else
		snprintf(range, sizeof(range), "a number, at least %g", low);
	return bad_value(option, arg, range);
}

static struct error *parse_duration(const char *option, const char *arg,
				    int64_t *out)
{
	if (duration_parse(arg, out) && *out > 0 && *out < INT64_MAX / 4)
		return NULL;
	return bad_value(option, arg, "a duration like 30, 1.5s, 200ms, 5m");
}

static struct error *set_unwind(struct record_options *options,
				const char *arg)
{
	static const char *const words[] = { "auto", "dwarf", "fp",
					     "libunwind", NULL };
	int method = 0;
	struct error *error = parse_word("--unwind", arg, words, &method);

	options->sampler.libunwind_ptrace = method == 3;
	options->sampler.walk.method =
		method == 3 ? WALK_AUTO : (enum walk_method)method;
	return error;
}

static struct error *set_freq(struct record_options *options, const char *arg)
{
	double hz = 0;
	struct error *error = parse_number("--freq", arg, 0.01, HZ_MAX, &hz);

	if (error)
		return error;
	options->sampler.period_ns = (int64_t)llround(1e9 / hz);
	options->has_freq = true;
	return NULL;
}

static struct error *set_pause(struct record_options *options,
			       const char *arg)
{
	double percent = 0;
	struct error *error =
		parse_number("--max-pause", arg, 0.001, 100, &percent);

	options->sampler.max_pause = percent / 100;
	options->has_max_pause = true;
	return error;
}

static struct error *set_labels(struct record_options *options,
				const char *arg)
{
	char *end;

	options->sampler.labels_at = strtoull(arg, &end, 16);
	if (end != arg && !*end && !(options->sampler.labels_at & 3))
		return NULL;
	return bad_value("--labels-at", arg, "an address in hexadecimal");
}

static struct error *set_count(const char *option, const char *arg,
			       uint64_t *out)
{
	double value = 0;
	struct error *error = parse_number(option, arg, 1, COUNT_MAX, &value);

	*out = (uint64_t)value;
	return error;
}

static bool is_of_time(enum record_event event)
{
	return event == EVENT_CPU || event == EVENT_WALL;
}

/* "cpu", or two of which one is of time: "cpu,alloc" */
static struct error *set_event(struct record_options *options,
			       const char *arg)
{
	static const char *const events[] = { "cpu", "wall", "alloc", "heap",
					      "mmap", NULL };
	const char *comma = strchr(arg, ',');
	CLEANUP(free) char *first = xstrndup(arg, strcspn(arg, ","));
	int one = 0, other = 0;
	struct error *error = parse_word("--event", first, events, &one);

	if (!error && comma)
		error = parse_word("--event", comma + 1, events, &other);
	if (error)
		return error;
	options->event = (enum record_event)one;
	options->has_event = true;
	options->has_beside = comma != NULL;
	if (comma) {
		bool is_first = is_of_time(options->event);

		if (is_first == is_of_time((enum record_event)other))
			return bad_value("--event", arg, "of two events one "
					 "of time and one of memory, like "
					 "cpu,alloc");
		options->beside = (enum record_event)(is_first ? one : other);
		options->event = (enum record_event)(is_first ? other : one);
	}
	options->sampler.mode =
		options->event == EVENT_WALL ||
				(comma && options->beside == EVENT_WALL)
			? MODE_WALL : MODE_CPU;
	return NULL;
}

static struct error *set_choice(struct record_options *options, int id,
				const char *arg)
{
	static const char *const formats[] = { "pprof", "folded", "text",
					       "stacks", "flamegraph",
					       "speedscope", NULL };
	static const char *const styles[] = { "simple", "templates", "full",
					      "none", NULL };
	struct error *error;
	int word = 0;

	switch (id) {
	case OPT_EVENT:
		return set_event(options, arg);
	case OPT_FORMAT:
		error = parse_word("--format", arg, formats, &word);
		options->format = (enum output_format)(word + 1);
		return error;
	default:
		error = parse_word("--demangle", arg, styles, &word);
		options->symbol.demangle = (enum demangle_style)word;
		return error;
	}
}

/* Options that are switches. */
static void set_flag(struct record_options *options, int id)
{
	switch (id) {
	case OPT_NO_CHILDREN:
	case OPT_CHILDREN:
		options->sampler.children = id == OPT_CHILDREN;
		options->has_children = true;
		break;
	case OPT_BY_THREAD:
		options->sampler.by_thread = true;
		break;
	case OPT_WALL_STOP:
		options->sampler.wall_stop = true;
		break;
	case OPT_WHOLE_RANDOM:
		options->sampler.whole_random = true;
		break;
	case OPT_NO_INLINES:
	case OPT_INLINES:
		options->symbol.no_inlines = id == OPT_NO_INLINES;
		break;
	case OPT_DEBUGINFOD:
		options->use_debuginfod = true;
		break;
	case OPT_LEAKS:
		options->wants_leaks = true;
		break;
	case OPT_NO_INUSE:
		options->no_inuse = true;
		break;
	case OPT_KILL:
		options->kill_at_end = true;
		break;
	case OPT_QUIET:
		options->verbosity--;
		break;
	case OPT_VERBOSE:
		options->verbosity++;
		break;
	case OPT_SUMMARY:
	case OPT_NO_SUMMARY:
		options->no_summary = id == OPT_NO_SUMMARY;
		break;
	case OPT_HELP:
		options->show_help = true;
		break;
	case OPT_VERSION:
		options->show_version = true;
		break;
	default: /* --call-graph: always on */
		break;
	}
}

static struct error *set(void *ctx, int id, const char *arg)
{
	struct record_options *options = ctx;
	uint64_t depth = 0;
	struct error *error;

	switch (id) {
	case OPT_PID:
		return select_parse_ids(arg, &options->pids);
	case OPT_TID:
		return select_parse_ids(arg, &options->tids);
	case OPT_NAME:
		options->name_regex = arg;
		return NULL;
	case OPT_FREQ:
		return set_freq(options, arg);
	case OPT_DURATION:
		return parse_duration("--duration", arg,
				      &options->sampler.duration_ns);
	case OPT_INTERVAL:
		return heap_parse_size(arg, &options->mean_bytes);
	case OPT_DELAY:
		return parse_duration("--delay", arg,
				      &options->sampler.delay_ns);
	case OPT_EVERY:
		return parse_duration("--every", arg, &options->every_ns);
	case OPT_SAMPLES:
		return set_count("--samples", arg,
				 &options->sampler.max_samples);
	case OPT_MAX_DEPTH:
		error = set_count("--max-depth", arg, &depth);
		options->sampler.walk.max_depth = (size_t)depth;
		return error;
	case OPT_MAX_PAUSE:
		return set_pause(options, arg);
	case OPT_LABELS_AT:
		return set_labels(options, arg);
	case OPT_UNWIND:
		return set_unwind(options, arg);
	case OPT_EVENT:
	case OPT_FORMAT:
	case OPT_DEMANGLE:
		return set_choice(options, id, arg);
	case OPT_OUTPUT:
		options->output = arg;
		return NULL;
	case OPT_CONTROL:
		options->control = arg;
		return control_check(arg);
	default:
		set_flag(options, id);
		return NULL;
	}
}

/* A look at all threads, which is not meant to last. */
static void set_for_stacks(struct record_options *options)
{
	if (options->format != FORMAT_STACKS)
		return;
	options->event = EVENT_WALL;
	options->sampler.mode = MODE_WALL;
	options->sampler.by_thread = true;
	if (!options->sampler.duration_ns)
		options->sampler.duration_ns = STACKS_NS;
}

/* --leaks is an event of its own, and names heap where none was named. */
static void set_for_leaks(struct record_options *options)
{
	if (options->wants_leaks &&
	    (!options->has_event || options->event == EVENT_ALLOC))
		options->event = EVENT_HEAP;
}

static struct error *check_words(struct record_options *options, int argc,
				 char **argv)
{
	bool attaches = options->pids.n || options->name_regex ||
			options->tids.n;

	if (argc && attaches)
		return error_hint(error_new("both a program to run (%s) and "
					    "a process to attach to were "
					    "given", argv[0]),
				  "try:   -p 12,34 for several processes");
	if (!argc && !attaches)
		return error_new("no program to run and no process to attach "
				 "to");
	if (options->kill_at_end && !options->sampler.duration_ns)
		return error_new("--kill ends the program after -d, and no -d "
				 "was given");
	if (options->kill_at_end && !argc)
		return error_new("--kill is for programs that psample "
				 "started");
	return heap_check_options(options);
}

/* The first line alone is for scripts. */
static void print_version(void)
{
	const char *curl = fetch_library_version();
	char demangling = '-', editing = '-', serving = '-';

#ifdef HAVE_LIBIBERTY
	demangling = '+';
#endif
#ifdef HAVE_LIBEDIT
	editing = '+';
#endif
#ifdef HAVE_LIBMICROHTTPD
	serving = '+';
#endif
	printf("psample %s\n", PACKAGE_VERSION);
	printf("%cdemangling %cediting %cfetching %cserving\n", demangling,
	       editing, curl ? '+' : '-', serving);
	printf("libdw %s, zlib %s, %s%s%slicence MIT\n",
	       symbol_library_version(), gzip_library_version(),
	       curl ? "libcurl " : "", curl ? curl : "", curl ? ", " : "");
}

static int run(void *ctx, int argc, char **argv, bool has_dashes)
{
	struct record_options *options = ctx;
	struct error *error;

	(void)has_dashes;
	if (options->show_help) {
		command_print_help(&command_record);
		return EXIT_DONE;
	}
	if (options->show_version) {
		print_version();
		return EXIT_DONE;
	}
	set_for_leaks(options);
	error = check_words(options, argc, argv);
	if (error) {
		print_error(error_hint(error, "try:   psample --help"));
		return EXIT_USAGE;
	}
	set_for_stacks(options);
	if (options->has_freq && !options->has_max_pause)
		options->sampler.max_pause = 0;
	return run_record(options, argv);
}

const struct command command_record = {
	.name = "record",
	.help = "record a profile (default)",
	.usage = "psample [record] [OPTIONS] [--] PROGRAM [ARG...]\n"
		 "       psample [record] [OPTIONS] -p PID[,PID...]\n"
		 "       psample top [OPTIONS] -p PID    the hottest functions,"
		 " live\n"
		 "       psample dump [OPTIONS] -p PID   all stacks as they "
		 "are now",
	.more = "Signals: ^C ends an attached run and writes; SIGUSR1 writes "
		"now, SIGUSR2\npauses and resumes. Look at the result with: "
		"psample top FILE, psample FILE,\nor go tool pprof FILE.\n\n"
		"Other commands: psample report (top, list, web, diff, ...: "
		"of any profile),\npsample serve (over HTTP). For each: "
		"psample help COMMAND.\nMore: man psample, man "
		"psample-record",
	.options = record_specs,
	.set = set,
	.run = run,
	.new_ctx = new_ctx,
	.free_ctx = free_ctx,
};
