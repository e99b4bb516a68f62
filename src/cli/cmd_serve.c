/* SPDX-License-Identifier: MIT */
/* cmd_serve.c - psample serve: profiles over HTTP. */
#include <limits.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/record.h"
#include "cli/run.h"
#include "cli/select.h"
#include "serve/serve.h"
#include "target/launch.h"
#include "util/log.h"

enum {
	OPT_PID, OPT_NAME, OPT_ALLOW_PIDS, OPT_LISTEN, OPT_TOKEN, OPT_HOST,
	OPT_INSECURE, OPT_MAX_CLIENTS, OPT_MAX_SECONDS, OPT_MAX_RATE,
	OPT_HEAP, OPT_QUIET, OPT_VERBOSE, OPT_HELP,
};

static const struct option_spec serve_specs[] = {
	{ .help = "What may be profiled:" },
	{ "pid", NULL, 'p', 0, "PID[,PID...]", "these processes", OPT_PID },
	{ "name", NULL, 'n', 0, "REGEX", "processes of this name, when asked",
	  OPT_NAME },
	{ "allow-pids", NULL, 0, 0, NULL,
	  "any process, as /pid/PID/debug/pprof/", OPT_ALLOW_PIDS },
	{ "heap", NULL, 0, 0, NULL,
	  "allocations, too: this changes memory of targets", OPT_HEAP },
	{ .help = "For whom:" },
	{ "listen", NULL, 'l', 0, "WHERE",
	  "HOST:PORT, unix:PATH[,mode=MODE] or fd:3", OPT_LISTEN },
	{ "auth-token-file", NULL, 0, 0, "FILE",
	  "clients must know what is in FILE", OPT_TOKEN },
	{ "allow-host", NULL, 0, 0, "NAME", "clients may call us NAME",
	  OPT_HOST },
	{ "insecure-listen", NULL, 0, 0, NULL,
	  "let anybody in from other machines", OPT_INSECURE },
	{ .help = "Limits:" },
	{ "max-clients", NULL, 0, 0, "N", "that wait at a time (32)",
	  OPT_MAX_CLIENTS },
	{ "max-seconds", NULL, 0, 0, "N", "of a profile (600)",
	  OPT_MAX_SECONDS },
	{ "max-rate", NULL, 0, 0, "HZ", "of a profile (1000)", OPT_MAX_RATE },
	{ .help = "What to say:" },
	{ "quiet", NULL, 'q', 0, NULL, "warnings only; twice: errors only",
	  OPT_QUIET },
	{ "verbose", NULL, 'v', 0, NULL, "more", OPT_VERBOSE },
	{ "help", NULL, 'h', 0, NULL, "this text", OPT_HELP },
	{ 0 },
};

struct serve_ctx {
	struct serve_options options;
	struct targets targets;
	struct vec pids; /* pid_t */
	int verbosity;
	bool show_help;
};

static void *new_ctx(void)
{
	struct serve_ctx *ctx = xcalloc(1, sizeof(*ctx));

	ctx->options = SERVE_OPTIONS_DEFAULT;
	ctx->pids = VEC_OF(pid_t);
	targets_init(&ctx->targets);
	ctx->targets.find = select_by_name;
	return ctx;
}

static void free_ctx(void *arg)
{
	struct serve_ctx *ctx = arg;

	vec_clear(&ctx->options.listens);
	vec_clear(&ctx->options.hosts);
	vec_clear(&ctx->pids);
	targets_clear(&ctx->targets);
	free(ctx);
}

static struct error *parse_count(const char *option, const char *arg,
				 long max, long *out)
{
	char *end;

	*out = strtol(arg, &end, 10);
	if (end != arg && !*end && *out >= 1 && *out <= max)
		return NULL;
	return error_hint(error_new("bad value %s for %s", arg, option),
			  "expected: a number from 1 to %ld", max);
}

static struct error *set_limit(struct serve_options *options, int id,
			       const char *arg)
{
	struct error *error;
	long value = 0;

	switch (id) {
	case OPT_MAX_CLIENTS:
		error = parse_count("--max-clients", arg, 10000, &value);
		options->max_clients = (unsigned)value;
		return error;
	case OPT_MAX_SECONDS:
		error = parse_count("--max-seconds", arg, 86400, &value);
		options->max_seconds = value;
		return error;
	default:
		error = parse_count("--max-rate", arg, 10000, &value);
		options->max_hz = (double)value;
		return error;
	}
}

static struct error *set(void *arg_ctx, int id, const char *arg)
{
	struct serve_ctx *ctx = arg_ctx;
	struct serve_options *options = &ctx->options;

	switch (id) {
	case OPT_PID:
		return select_parse_ids(arg, &ctx->pids);
	case OPT_NAME:
		ctx->targets.name_regex = arg;
		break;
	case OPT_ALLOW_PIDS:
		ctx->targets.allows_pids = true;
		break;
	case OPT_HEAP:
		options->allows_heap = true;
		break;
	case OPT_LISTEN:
		*(const char **)vec_push(&options->listens) = arg;
		break;
	case OPT_HOST:
		*(const char **)vec_push(&options->hosts) = arg;
		break;
	case OPT_TOKEN:
		options->token_file = arg;
		break;
	case OPT_INSECURE:
		options->is_insecure = true;
		break;
	case OPT_QUIET:
		ctx->verbosity--;
		break;
	case OPT_VERBOSE:
		ctx->verbosity++;
		break;
	case OPT_HELP:
		ctx->show_help = true;
		break;
	default:
		return set_limit(options, id, arg);
	}
	return NULL;
}

static struct error *check_words(const struct serve_ctx *ctx, int argc)
{
	const struct targets *targets = &ctx->targets;
	int n_ways = (argc > 0) + (ctx->pids.n > 0) +
		     (targets->name_regex != NULL);

	if (n_ways > 1)
		return error_new("give one of: a program to run, -p, -n");
	if (!n_ways && !targets->allows_pids)
		return error_new("nothing that may be profiled was named: "
				 "-p, -n, --allow-pids or a program");
	return NULL;
}

static struct error *add_targets(struct serve_ctx *ctx)
{
	struct vec pids = VEC_OF(pid_t);
	struct error *error = NULL;

	for (size_t i = 0; i < ctx->pids.n && !error; i++)
		error = targets_add(&ctx->targets,
				    *(pid_t *)vec_at(&ctx->pids, i));
	if (!error && ctx->targets.name_regex) {
		error = select_by_name(ctx->targets.name_regex, &pids);
		if (error) /* it may come later */
			log_warning("%s", error_text(error));
		error_free(error);
		error = NULL;
	}
	vec_clear(&pids);
	return error;
}

/* *@out_status: of the program, as of waitpid(2). */
static int serve_targets(struct serve_ctx *ctx, struct serve *serve,
			 struct launch *launch, const char *program,
			 int *out_status)
{
	struct error *error;
	int err = 0;

	run_set_own_limits();
	if (launch->pid) {
		launch_exec(launch);
		err = launch_exec_errno(launch);
	}
	if (err)
		return run_report_exec_failure(program, err);
	error = launch->pid ? targets_add(&ctx->targets, launch->pid) : NULL;
	ctx->targets.is_program = launch->pid != 0;
	if (!error)
		error = serve_run(serve, launch->pid, out_status);
	if (!error)
		return EXIT_DONE;
	print_error(error);
	return launch->pid ? EXIT_OWN_FAILURE : EXIT_FAILED;
}

static int serve_all(struct serve_ctx *ctx, char **argv)
{
	CLEANUP(serve_close) struct serve *serve = NULL;
	struct launch launch = LAUNCH_NONE;
	struct error *error = add_targets(ctx);
	int result = argv[0] ? EXIT_OWN_FAILURE : EXIT_FAILED, status = 0;

	if (!error)
		error = serve_open(&ctx->options, &ctx->targets, &serve);
	launch.is_for_children = true;
	if (!error && argv[0])
		error = launch_fork(argv, &launch);
	if (error)
		print_error(error);
	else
		result = serve_targets(ctx, serve, &launch, argv[0],
				       &status);
	launch_close(&launch);
	serve_close(TAKE(serve)); /* before we may die of a signal */
	if (launch.pid && result == EXIT_DONE)
		return run_end_as(status);
	return result;
}

static int run(void *arg, int argc, char **argv, bool has_dashes)
{
	struct serve_ctx *ctx = arg;
	struct error *error;

	(void)has_dashes;
	if (ctx->show_help) {
		command_print_help(&command_serve);
		return EXIT_DONE;
	}
	if (!serve_is_possible()) {
		print_error(error_new("this psample was built without "
				      "libmicrohttpd, which serve needs"));
		return EXIT_FAILED;
	}
	error = check_words(ctx, argc);
	if (error) {
		print_error(error_hint(error, "try:   psample serve --help"));
		return EXIT_USAGE;
	}
	log_set_level((enum log_level)(LOG_NOTICE + ctx->verbosity < 0
			? 0 : LOG_NOTICE + ctx->verbosity));
	return serve_all(ctx, argv);
}

const struct command command_serve = {
	.name = "serve",
	.help = "answer /debug/pprof/ over HTTP",
	.usage = "psample serve [OPTIONS] -p PID[,PID...] | -n REGEX | "
		 "--allow-pids\n"
		 "       psample serve [OPTIONS] [--] PROGRAM [ARG...]",
	.more = "Then: go tool pprof http://localhost:6060\n"
		"More: man psample-serve",
	.options = serve_specs,
	.set = set,
	.run = run,
	.new_ctx = new_ctx,
	.free_ctx = free_ctx,
};
