/* SPDX-License-Identifier: MIT */
/* cmd_report.c - psample report: what a profile says, as pprof shows it. */
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/prompt.h"
#include "cli/report_output.h"
#include "cli/symbolize.h"
#include "report/source.h"
#include "util/io.h"
#include "util/log.h"

enum {
	OPT_FORMAT, /* --top and the like, by name */
	OPT_FORMAT_NAMED, OPT_SETTING, OPT_CHOICE, OPT_TYPE, OPT_MEAN_DELAY,
	OPT_BASE, OPT_DIFF_BASE, OPT_DIFF, OPT_FAIL_ABOVE, OPT_ADD_COMMENT,
	OPT_BUILD_ID, OPT_ALL_FRAMES, OPT_SYMBOLIZE, OPT_SECONDS, OPT_TIMEOUT,
	OPT_TLS_CERT, OPT_TLS_KEY, OPT_TLS_CA, OPT_TOOLS, OPT_DEBUGINFOD,
	OPT_NO_PAGER, OPT_QUIET, OPT_VERBOSE, OPT_HELP,
};

#define FORMAT(name, arg, help) { name, NULL, 0, 0, arg, help, OPT_FORMAT }
#define SETTING(name, arg, help) { name, NULL, 0, 0, arg, help, OPT_SETTING }
#define CHOICE(name, help) { name, NULL, 0, 0, NULL, help, OPT_CHOICE }
#define TYPE(name, help) { name, NULL, 0, 0, NULL, help, OPT_TYPE }
#define OTHER(id, name, arg, help) { name, NULL, 0, 0, arg, help, OPT_##id }

static const struct option_spec report_specs[] = {
	{ .help = "What to show, one of (none: ask for commands):" },
	FORMAT("top", NULL, "functions by weight"),
	FORMAT("text", NULL, "the same"),
	FORMAT("tree", NULL, "each function with callers and callees"),
	FORMAT("peek", "REGEX", "the same, of functions that match"),
	FORMAT("list", "REGEX", "source lines of functions that match"),
	FORMAT("disasm", "REGEX", "instructions of functions that match"),
	FORMAT("weblist", "REGEX", "the same with sources, in a browser"),
	FORMAT("dot", NULL, "the call graph for Graphviz"),
	FORMAT("svg", NULL, "the call graph as SVG"),
	FORMAT("web", NULL, "the same in a browser"),
	FORMAT("png", NULL, "the call graph as PNG; needs dot"),
	FORMAT("gif", NULL, "the same as GIF"),
	FORMAT("pdf", NULL, "the same as PDF"),
	FORMAT("ps", NULL, "the same as PostScript"),
	FORMAT("eog", NULL, "the call graph in eog"),
	FORMAT("evince", NULL, "the same in evince"),
	FORMAT("gv", NULL, "the same in gv"),
	FORMAT("traces", NULL, "every sample with its stack"),
	FORMAT("tags", NULL, "the values of all labels"),
	FORMAT("comments", NULL, "what the profile's writer noted"),
	FORMAT("raw", NULL, "all tables of the profile"),
	FORMAT("callgrind", NULL, "the call graph for KCachegrind"),
	FORMAT("kcachegrind", NULL, "the same in KCachegrind"),
	FORMAT("flamegraph", NULL, "a flame graph, as SVG or HTML"),
	FORMAT("folded", NULL, "stacks as text, root;caller;leaf 12"),
	FORMAT("speedscope", NULL, "for www.speedscope.app"),
	FORMAT("json", NULL, "functions and calls as JSON"),
	FORMAT("info", NULL, "what is in the profile, and what it lacks"),
	FORMAT("proto", NULL, "the profile, filtered, as .pb.gz"),
	FORMAT("topproto", NULL, "what top shows, as .pb.gz"),
	{ "format", NULL, 'f', 0, "NAME",
	  "one of these, REGEX being the first word; or auto",
	  OPT_FORMAT_NAMED },
	{ "output", NULL, 'o', 0, "FILE", "in place of standard output",
	  OPT_SETTING },
	{ .help = "Which samples:" },
	SETTING("focus", "REGEX", "only with a frame that matches"),
	SETTING("ignore", "REGEX", "only without one that matches"),
	SETTING("tagfocus", "FILTER", "only with a label KEY=REGEX or range"),
	SETTING("tagignore", "FILTER", "only without such a label"),
	{ .help = "Which frames of them:" },
	SETTING("hide", "REGEX", "none that match"),
	SETTING("show", "REGEX", "only those that match"),
	SETTING("show-from", "REGEX", "from the outermost match inwards"),
	SETTING("prune-from", "REGEX", "from the innermost match outwards"),
	SETTING("noinlines", NULL, "inlined functions are their callers"),
	OTHER(ALL_FRAMES, "all-frames", NULL,
	      "also those that the profile says to drop"),
	SETTING("tagroot", "KEYS", "labels as frames at the root"),
	SETTING("tagleaf", "KEYS", "labels as frames at the leaf"),
	{ .help = "Which labels:" },
	SETTING("tagshow", "REGEX", "only keys that match"),
	SETTING("taghide", "REGEX", "no keys that match"),
	{ .help = "Which values, and how:" },
	SETTING("sample-index", "TYPE", "a sample type by name or number"),
	SETTING("mean", NULL, "averages: divided by the first type"),
	SETTING("unit", "UNIT", "minimum (default), auto, ms, MB ..."),
	SETTING("divide-by", "N", "divide all values"),
	SETTING("relative-percentages", NULL, "of what the filters leave"),
	SETTING("drop-negative", NULL, "nothing with values below 0"),
	{ .help = "How fine, one of:" },
	CHOICE("functions", "by function (the default)"),
	CHOICE("filefunctions", "by function and file"),
	CHOICE("files", "by file"),
	CHOICE("lines", "by source line"),
	CHOICE("addresses", "by address"),
	SETTING("showcolumns", NULL, "with the columns of lines"),
	{ .help = "How much, in which order:" },
	CHOICE("flat", "by own weight (the default)"),
	CHOICE("cum", "by weight with callees"),
	SETTING("sort", "ORDER", "flat or cum"),
	SETTING("granularity", "NAME", "functions, files, lines ..."),
	SETTING("nodecount", "N", "at most N functions"),
	SETTING("nodefraction", "F", "none below F of the total (0.005)"),
	SETTING("edgefraction", "F", "no calls below F (0.001)"),
	SETTING("trim", NULL, "--trim=false: all of them"),
	SETTING("call-tree", NULL, "in graphs, a box for each way to it"),
	SETTING("compact-labels", NULL, "a short header"),
	SETTING("pprof-sums", NULL, "count recursion in list as pprof does"),
	SETTING("intel-syntax", NULL, "instructions as Intel writes them"),
	SETTING("source-path", "PATH", "where sources are"),
	SETTING("trim-path", "PATH", "prefixes to cut from source paths"),
	{ .help = "Which profiles:" },
	OTHER(BASE, "base", "FILE", "subtract this one"),
	OTHER(DIFF_BASE, "diff-base", "FILE",
	      "the same; percentages are of it"),
	OTHER(DIFF, "diff", NULL, "the first profile is the --diff-base"),
	SETTING("normalize", NULL, "scale to the sum of the base"),
	OTHER(FAIL_ABOVE, "fail-above", "PCT",
	      "exit with 3 if something grew by more of the base"),
	OTHER(BUILD_ID, "buildid", "ID", "of the program, if it is missing"),
	OTHER(ADD_COMMENT, "add-comment", "TEXT", "one comment more"),
	OTHER(SYMBOLIZE, "symbolize", "HOW",
	      "names from: none, local, fastlocal, remote"),
	OTHER(DEBUGINFOD, "debuginfod", NULL, "and from debuginfod's servers"),
	OTHER(TOOLS, "tools", "LIST", "where nm, objdump are (PPROF_TOOLS)"),
	OTHER(SECONDS, "seconds", "N", "how long a server is to profile"),
	OTHER(TIMEOUT, "timeout", "N", "how many seconds to wait for it"),
	OTHER(TLS_CERT, "tls-cert", "FILE", "our certificate for a server"),
	OTHER(TLS_KEY, "tls-key", "FILE", "the key of it"),
	OTHER(TLS_CA, "tls-ca", "FILE", "who may vouch for a server"),
	{ .help = "Shorthands of --sample-index:" },
	TYPE("inuse-space", "memory in use"),
	TYPE("inuse-objects", "objects in use"),
	TYPE("alloc-space", "memory allocated"),
	TYPE("alloc-objects", "objects allocated"),
	TYPE("contentions", "how often it was waited"),
	TYPE("total-delay", "how long it was waited"),
	OTHER(MEAN_DELAY, "mean-delay", NULL, "how long on average"),
	{ .help = "On a terminal:" },
	{ "color", "colour", 0, 0, "WHEN", "auto, always or never",
	  OPT_SETTING },
	SETTING("pager", NULL, "page what is longer (the default)"),
	OTHER(NO_PAGER, "no-pager", NULL, "do not"),
	{ .help = "What to say:" },
	{ "quiet", NULL, 'q', 0, NULL, "warnings only; twice: errors only",
	  OPT_QUIET },
	{ "verbose", NULL, 'v', 0, NULL, "more", OPT_VERBOSE },
	{ "help", NULL, 'h', 0, NULL, "this text", OPT_HELP },
	{ 0 },
};

struct report_ctx {
	struct settings settings;
	const struct report_format *format; /* NULL: not said */
	const char *arg;
	bool takes_word; /* the argument is the first word */
	const char *symbolize; /* what --symbolize says */
	bool uses_debuginfod;
	struct source_server *server; /* NULL: no server is asked */
	struct sources sources;
	struct vec bases; /* char * */
	struct intern strings;
	bool is_auto; /* the format is what the output's name says */
	bool is_diff; /* the first file is the base */
	double fail_above; /* percent; below 0: not asked for */
	bool has_granularity;
	bool show_help;
	int verbosity;
};

static void *new_ctx(void)
{
	struct report_ctx *ctx = xcalloc(1, sizeof(*ctx));

	settings_init(&ctx->settings);
	ctx->symbolize = "";
	intern_init(&ctx->strings);
	ctx->bases = VEC_OF(char *);
	ctx->fail_above = -1;
	return ctx;
}

static void free_ctx(void *p)
{
	struct report_ctx *ctx = p;

	settings_clear(&ctx->settings);
	intern_clear(&ctx->strings);
	vec_clear(&ctx->bases);
	symbolize_sources_free(ctx->server);
	free(ctx);
}

static bool is_false(const char *arg)
{
	return arg && (!strcmp(arg, "false") || !strcmp(arg, "0"));
}

static struct error *set_format(struct report_ctx *ctx, const char *name,
				const char *arg)
{
	const struct report_format *format = report_format_find(name);

	if (!format)
		return error_hint(error_new("no report is called %s", name),
				  "try:   psample report --help");
	if (format->arg ? arg && !*arg : is_false(arg))
		return NULL; /* an empty argument is none, as in pprof */
	if (ctx->format && ctx->format != format)
		return error_new("must set at most one output format");
	ctx->format = format;
	if (format->arg)
		ctx->arg = arg;
	return NULL;
}

static struct error *set_type(struct report_ctx *ctx, const char *option,
			      const char *arg)
{
	static const char *const delays[] = { "total-delay", "mean-delay" };
	CLEANUP(free) char *type = xstrdup(option);

	if (is_false(arg))
		return NULL;
	if (*ctx->settings.sample_index) {
		log_notice("Multiple value selections, ignoring -%s", option);
		return NULL;
	}
	for (char *p = type; *p; p++)
		*p = *p == '-' ? '_' : *p;
	for (size_t i = 0; i < ARRAY_SIZE(delays); i++)
		if (!strcmp(option, delays[i]))
			strcpy(type, "delay");
	return setting_set(&ctx->settings, setting_find("sample_index"),
			   type);
}

static struct error *set_choice(struct report_ctx *ctx, const char *word,
				const char *arg)
{
	const struct setting *setting = setting_find_choice(word);
	bool is_granularity = !strcmp(setting->name, "granularity");

	if (is_false(arg))
		return NULL;
	if (is_granularity && ctx->has_granularity &&
	    strcmp(ctx->settings.granularity, word))
		return error_new("conflicting options set: %s and %s",
				 ctx->settings.granularity, word);
	ctx->has_granularity |= is_granularity;
	return setting_set(&ctx->settings, setting, word);
}

static struct error *add_base(struct report_ctx *ctx, const char *file,
			      bool is_diff)
{
	if (!*file)
		return NULL;
	if (ctx->bases.n && ctx->sources.is_diff != is_diff)
		return error_new("-base and -diff_base flags cannot both be "
				 "specified");
	ctx->sources.is_diff = is_diff;
	*(const char **)vec_push(&ctx->bases) = file;
	return NULL;
}

static struct error *set_number(int64_t *out, const char *name,
				const char *arg)
{
	char *end;

	*out = strtol(arg, &end, 10);
	return end > arg && !*end && *out <= INT_MAX ?
		       NULL :
		       error_new("bad value %s for --%s: expected a number",
				 arg, name);
}

static struct error *set_fail_above(struct report_ctx *ctx, const char *arg)
{
	char *end;

	ctx->fail_above = strtod(arg, &end);
	if (end == arg || (*end && strcmp(end, "%") != 0) ||
	    !(ctx->fail_above >= 0))
		return error_new("bad value %s for --fail-above: expected "
				 "percent", arg);
	return NULL;
}

/* Options that are about more than one setting. */
static struct error *set_other(struct report_ctx *ctx,
			       const struct option_spec *spec,
			       const char *arg)
{
	switch (spec->id) {
	case OPT_BASE:
	case OPT_DIFF_BASE:
		return add_base(ctx, arg, spec->id == OPT_DIFF_BASE);
	case OPT_BUILD_ID:
		ctx->sources.build_id = *arg ? arg : NULL;
		break;
	case OPT_ADD_COMMENT:
		ctx->sources.comment = *arg ? arg : NULL;
		break;
	case OPT_DIFF:
		ctx->is_diff = !is_false(arg);
		break;
	case OPT_FAIL_ABOVE:
		return set_fail_above(ctx, arg);
	case OPT_ALL_FRAMES:
		ctx->sources.keeps_all_frames = !is_false(arg);
		break;
	case OPT_SYMBOLIZE:
		ctx->symbolize = arg;
		break;
	case OPT_SECONDS:
		return set_number(&ctx->sources.seconds, spec->name, arg);
	case OPT_TIMEOUT:
		return set_number(&ctx->sources.timeout_s, spec->name, arg);
	case OPT_TOOLS:
		setenv("PPROF_TOOLS", arg, 1);
		break;
	case OPT_DEBUGINFOD:
		ctx->uses_debuginfod = !is_false(arg);
		break;
	case OPT_TLS_CERT:
		ctx->sources.tls.certificate = arg;
		break;
	case OPT_TLS_KEY:
		ctx->sources.tls.key = arg;
		break;
	case OPT_TLS_CA:
		ctx->sources.tls.authority = arg;
		break;
	case OPT_NO_PAGER:
		ctx->settings.pager = is_false(arg);
		break;
	case OPT_QUIET:
		ctx->verbosity--;
		break;
	case OPT_VERBOSE:
		ctx->verbosity++;
		break;
	default:
		ctx->show_help = true;
		break;
	}
	return NULL;
}

static struct error *set_spec(void *p, const struct option_spec *spec,
			      const char *arg)
{
	struct report_ctx *ctx = p;
	struct error *error;

	switch (spec->id) {
	case OPT_FORMAT:
		return set_format(ctx, spec->name, arg);
	case OPT_FORMAT_NAMED:
		if (!strcmp(arg, "auto")) {
			ctx->is_auto = true;
			return NULL;
		}
		ctx->takes_word = true;
		return set_format(ctx, arg, NULL);
	case OPT_SETTING:
		return setting_set(&ctx->settings, setting_find(spec->name),
				   arg);
	case OPT_CHOICE:
		return set_choice(ctx, spec->name, arg);
	case OPT_MEAN_DELAY:
		error = set_type(ctx, spec->name, arg);
		ctx->settings.mean |= !is_false(arg);
		return error;
	case OPT_TYPE:
		return set_type(ctx, spec->name, arg);
	default:
		return set_other(ctx, spec, arg);
	}
}

static bool is_program(const char *path)
{
	unsigned char magic[SELFMAG];
	CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && io_pread_full(fd, magic, SELFMAG, 0) == SELFMAG &&
	       !memcmp(magic, ELFMAG, SELFMAG);
}

/* What the ending of the output's name stands for. */
static struct error *find_auto_format(struct report_ctx *ctx)
{
	static const char *const endings[][2] = {
		{ ".folded", "folded" },  { ".collapsed", "folded" },
		{ ".svg", "flamegraph" }, { ".html", "flamegraph" },
		{ ".json", "speedscope" }, { ".dot", "dot" },
		{ ".txt", "top" },	  { ".raw", "raw" },
		{ ".callgrind", "callgrind" }, { ".pb.gz", "proto" },
	};
	const char *name = ctx->settings.output;

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t n = strlen(name), m = strlen(endings[i][0]);

		if (n > m && !strcmp(name + n - m, endings[i][0]))
			return set_format(ctx, endings[i][1], NULL);
	}
	return error_hint(error_new("the ending of the output's name says no "
				    "format"),
			  "try:   -o FILE.pb.gz, .folded, .svg, .html, .json, "
			  ".dot, .callgrind, .txt or .raw");
}

/* The words of a comparison: BASE NEW... */
static struct error *take_base(struct report_ctx *ctx, int *argc, char ***argv)
{
	if (*argc < 2)
		return error_new("a base and another profile are needed");
	if (!ctx->format)
		ctx->format = report_format_find("top");
	--*argc;
	return add_base(ctx, *(*argv)++, true);
}

/* "psample list FILE" has a REGEX, as it seems, but no profile. */
static struct error *no_profile(const struct report_ctx *ctx)
{
	if (!ctx->takes_word || !ctx->arg || access(ctx->arg, F_OK))
		return error_hint(error_new("no profile source specified"),
				  "try:   psample top FILE, or psample top -p "
				  "PID  for a live table");
	return error_hint(error_new("%s needs a %s before the profile",
				    ctx->format->name, ctx->format->arg),
			  "try:   psample %s main %s", ctx->format->name,
			  ctx->arg);
}

/* The words: [REGEX] [PROGRAM] PROFILE... */
static struct error *take_words(struct report_ctx *ctx, int argc, char **argv)
{
	if (ctx->takes_word && ctx->format->arg && !ctx->arg) {
		if (!argc)
			return error_new("%s needs a %s", ctx->format->name,
					 ctx->format->arg);
		ctx->arg = *argv++;
		argc--;
	}
	if (ctx->is_auto && !ctx->format) {
		struct error *error = find_auto_format(ctx);

		if (error)
			return error;
	}
	if (ctx->is_diff) {
		struct error *error = take_base(ctx, &argc, &argv);

		if (error)
			return error;
	}
	if (argc > 1 && is_program(argv[0])) {
		ctx->sources.program = *argv++;
		argc--;
	}
	if (!argc)
		return no_profile(ctx);
	ctx->sources.files = argv;
	ctx->sources.n_files = (size_t)argc;
	ctx->sources.bases = ctx->bases.data;
	ctx->sources.n_bases = ctx->bases.n;
	ctx->sources.is_normalized = ctx->settings.normalize;
	if (ctx->settings.normalize && !ctx->bases.n)
		return error_new("must have base profile to normalize by");
	return NULL;
}

/* For those who let a script decide: has anything become too expensive? */
static struct error *judge(const struct report_ctx *ctx, const struct pp *pp,
			   int *out_status)
{
	CLEANUP(free) char *name = NULL;
	double percent;
	struct error *error;

	if (ctx->fail_above < 0)
		return NULL;
	error = report_find_growth(pp, &ctx->settings, &percent, &name);
	if (!error && percent > ctx->fail_above) {
		log_error("%s grew by %.2f%%, more than %g%%", name, percent,
			  ctx->fail_above);
		*out_status = EXIT_GREW;
	}
	return error;
}

static int run(void *p, int argc, char **argv, bool has_dashes)
{
	struct report_ctx *ctx = p;
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	CLEANUP(pp_free) struct pp *pp = NULL;
	struct symbolize symbolize;
	struct error *error;
	int status = EXIT_DONE;

	(void)has_dashes;
	if (ctx->show_help) {
		command_print_help(&command_report);
		return EXIT_DONE;
	}
	log_set_level((enum log_level)(LOG_NOTICE + ctx->verbosity));
	error = take_words(ctx, argc, argv);
	if (error) {
		print_error(error_hint(error,
				       "try:   psample report --help"));
		return EXIT_USAGE;
	}
	symbolize_init(&symbolize, ctx->symbolize);
	symbolize.tls = &ctx->sources.tls;
	symbolize.uses_debuginfod = ctx->uses_debuginfod;
	ctx->sources.locate = symbolize_locate;
	ctx->sources.symbolize = symbolize_run;
	ctx->sources.ctx = &symbolize;
	if (ctx->uses_debuginfod)
		ctx->server = symbolize_sources_new(&error);
	ctx->settings.source_server = ctx->server;
	if (!error)
		error = sources_fetch(&ctx->sources, &ctx->strings, &pp);
	if (!error && !ctx->format)
		return prompt_run(pp, &ctx->settings);
	if (!error)
		error = report_make(pp, ctx->format, ctx->arg,
				    &ctx->settings, &text);
	if (!error)
		error = report_output(ctx->format,
				      &(struct report_place){
					      .settings = &ctx->settings },
				      &text);
	if (!error)
		error = judge(ctx, pp, &status);
	if (error) {
		print_error(error);
		return EXIT_FAILED;
	}
	return status;
}

const struct command command_report = {
	.name = "report",
	.help = "show a profile as text, as pprof does",
	.usage = "psample report [OPTIONS] [PROGRAM] PROFILE...\n"
		 "       psample top|tree|peek REGEX|... [OPTIONS] PROFILE...\n"
		 "       psample merge|convert [OPTIONS] -o FILE PROFILE...\n"
		 "       psample diff [OPTIONS] BASE PROFILE...\n"
		 "(psample top PID is live: psample help record)",
	.more = "Options are those of go tool pprof, with one dash or two, _ "
		"or -, anywhere.\nProfiles: pprof's .pb.gz, from any program; "
		"folded stacks; gperftools' and other older "
		"formats.\nMore: man psample-report",
	.options = report_specs,
	.set_spec = set_spec,
	.run = run,
	.new_ctx = new_ctx,
	.free_ctx = free_ctx,
};
