/* SPDX-License-Identifier: MIT */
/* run.h - one recording, from the first fork to the exit status. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/record.h"

/*
 * Record as @options say; @argv is the program, empty when attaching. The
 * exit status of psample; a launched program's death by a signal is repeated.
 */
int run_record(struct record_options *options, char **argv);

#endif
