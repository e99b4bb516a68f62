/* SPDX-License-Identifier: MIT */
/*
 * record.h - what psample record was asked for, and its parts.
 *
 * cmd_record.c parses and decides, monitor.c watches over the run, output.c
 * names and writes files, summary.c says at the end what was found.
 */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include "sampler/collect.h"
#include "util/strbuf.h"

enum output_format {
	FORMAT_AUTO, /* by the ending of the file's name */
	FORMAT_PPROF,
	FORMAT_FOLDED,
	FORMAT_TEXT,
};

struct record_options {
	struct sampler_options sampler;
	struct symbol_options symbol;
	bool has_freq, has_max_pause;
	struct vec pids, tids;	/* pid_t */
	const char *name_regex; /* attach by name, or NULL */
	const char *output;	/* NULL: a name of our own; "-": stdout */
	enum output_format format;
	const char *control; /* path of a FIFO, or NULL */
	bool use_debuginfod; /* ask servers for debug files */
	bool kill_at_end;    /* SIGTERM to the program after -d */
	bool no_summary;
	bool show_help, show_version;
	int verbosity; /* -q -1, -v +1 */
};

/* One run, seen from the main thread. */
struct run {
	const struct record_options *options;
	struct collect *collect;
	struct guard guard;
	struct symbolizer *symbolizer;
	pid_t pid;	    /* the program, or the first attached process */
	bool is_launched;
	char *program;	    /* name for files and messages */
	char *command_line; /* for the profile's comments */
	char *written;	    /* name of the file written last */
	unsigned n_written;
	int raise_signal;   /* to die of in the end, or 0 */
	int stop_requests;
};

/* output.c */
enum output_format output_format_of(const struct record_options *options);
/* Can the output be written? Before anything is attached to. */
struct error *output_check(const struct record_options *options) MUST_USE;
/* Write the profile as it is now; run->written tells where to. */
struct error *output_write(struct run *run) MUST_USE;

/* monitor.c */
struct monitor;
/* Block the signals that the run takes; call before any thread is made. */
struct error *monitor_open(struct run *run, struct monitor **out) MUST_USE;
/* Until the sampler has let go of its targets. */
void monitor_watch(struct monitor *monitor);
/* From now on a signal ends psample at once. */
void monitor_release_signals(struct monitor *monitor);
void monitor_hold_signals(struct monitor *monitor);
void monitor_close(struct monitor *monitor);

/* summary.c */
/* Lines on losses, self-check and cost, as comments of the profile. */
void summary_add_comments(const struct run *run, struct profile *profile);
/* The closing words on stderr. @profile is locked. */
void summary_print(const struct run *run, const struct profile *profile);

#endif
