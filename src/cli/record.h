/* SPDX-License-Identifier: MIT */
/*
 * record.h - what psample record was asked for, and its parts.
 *
 * cmd_record.c parses and decides, monitor.c watches over the run, output.c
 * names and writes files, summary.c says at the end what was found. A run for
 * allocations has heap_run.c and heap_summary.c in place of run.c, monitor.c
 * and summary.c. beside.c runs both kinds at once.
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
	FORMAT_STACKS, /* each thread once: stacks_text.h */
	FORMAT_FLAMEGRAPH, /* these two as report/ makes them */
	FORMAT_SPEEDSCOPE,
};

enum record_event {
	EVENT_CPU,
	EVENT_WALL,
	EVENT_ALLOC, /* what was allocated during the run */
	EVENT_HEAP,  /* the same, and first of all what is in use */
	EVENT_MMAP,  /* what was mapped, by mmap(2) */
};

struct record_options {
	enum record_event event;
	enum record_event beside; /* of time, with one of allocations */
	bool has_beside;
	uint64_t mean_bytes; /* between samples of allocations; 0: default */
	bool wants_leaks;    /* of EVENT_HEAP: not what is young */
	bool no_inuse;	     /* of EVENT_ALLOC: free() is not watched */
	int64_t every_ns;    /* write what there is; 0: at the end alone */
	struct sampler_options sampler;
	struct symbol_options symbol;
	/* were given */
	bool has_event, has_freq, has_max_pause, has_children;
	struct vec pids, tids;	/* pid_t */
	const char *name_regex; /* attach by name, or NULL */
	const char *output;	/* NULL: a name of our own; "-": stdout */
	enum output_format format;
	const char *control; /* path of a FIFO, "fd:N", or NULL */
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
	const struct launch *launch; /* of the program, or NULL */
	pid_t pid;	    /* the program, or the first attached process */
	bool is_launched;
	char *program;	    /* name for files and messages */
	char *command_line; /* for the profile's comments */
	const char *output; /* for now in place of options->output, or NULL */
	char *written;	    /* name of the file written last */
	unsigned n_written;
	int raise_signal;   /* to die of in the end, or 0 */
	int stop_requests;
};

/* run.c: what all kinds of runs share */
void run_set_own_limits(void);
struct error *run_choose_targets(struct record_options *options) MUST_USE;
/* Names of the program for files and messages. */
void run_describe(struct run *run, char **argv);
/* End as the program did: its exit status, or death by the same signal. */
int run_end_as(int status);
int run_report_exec_failure(const char *program, int err);

/* heap_run.c */
/* NULL if these options can go together with -e alloc and -e heap. */
struct error *heap_check_options(const struct record_options *options)
	MUST_USE;
/* "512KiB", "1M", "4096": bytes. */
struct error *heap_parse_size(const char *arg, uint64_t *out) MUST_USE;
/* As run_record(), for -e alloc and -e heap. */
int heap_run(struct record_options *options, char **argv);

/* heap_summary.c */
struct heap_stats;
void heap_summary_add_comments(const struct run *run,
			       const struct heap_stats *stats,
			       struct profile *profile);
void heap_summary_print(const struct run *run, const struct heap_stats *stats,
			const struct profile *profile, const struct vec *gaps);

/* output.c */
const char *output_event_name(const struct record_options *options);
/*
 * The name asked for, as it is for one of two profiles; owned by the caller,
 * NULL if none was asked for.
 */
char *output_name_of(const struct record_options *options,
		     enum record_event event);
enum output_format output_format_of(const struct record_options *options);
/* Can the output be written? Before anything is attached to. */
struct error *output_check(const struct record_options *options) MUST_USE;
/* Write the profile as it is now; run->written tells where to. */
struct error *output_write(struct run *run) MUST_USE;
/* The same for a profile that is in the caller's hands. */
struct error *output_write_profile(struct run *run,
				   const struct profile *profile) MUST_USE;
/* The sample type that a table or a folded stack shows. */
size_t output_shown_type(const struct profile *profile);

/* monitor.c */
struct monitor;
/* Block the signals that the run takes; call before any thread is made. */
struct error *monitor_open(struct run *run, struct monitor **out) MUST_USE;
/* Until the sampler has let go of its targets. */
void monitor_watch(struct monitor *monitor);
/* A line to the owner of the control socket: control.h. */
void monitor_tell(struct monitor *monitor, const char *word,
		  const char *argument);
/* From now on a signal ends psample at once. */
void monitor_release_signals(struct monitor *monitor);
void monitor_hold_signals(struct monitor *monitor);
void monitor_close(struct monitor *monitor);
/* Asked to end: a new wish? timeout(1) tells us, and then our group. */
bool monitor_is_asked_anew(void);

/* summary.c */
/* Lines on losses, self-check and cost, as comments of the profile. */
void summary_add_comments(const struct run *run, struct profile *profile);
/* The closing words on stderr. @profile is locked. */
void summary_print(const struct run *run, const struct profile *profile);
/* What was written, and what to do with it. */
void summary_print_next(const struct run *run);
/*
 * Modules without names, the worst ones of @gaps; with -v what is known of all
 * that are on more than a hundredth of the samples.
 */
void summary_print_gaps(const struct run *run, const struct vec *gaps);

#endif
