/* SPDX-License-Identifier: MIT */
/*
 * signals.h - signals as something to poll for.
 *
 * Not for who samples: each stop of a target is a SIGCHLD, which wakes all who
 * wait for a signalfd of the process (cli/monitor.c).
 */
#ifndef UTIL_SIGNALS_H
#define UTIL_SIGNALS_H

#include "util/error.h"

/*
 * A signalfd that does not block, for SIGCHLD, @extra (0: none) and those that
 * ask to end, but not for what is ignored by now (nohup). They are blocked
 * from now on, and SIGPIPE is ignored.
 */
struct error *signals_open(int extra, int *out_fd) MUST_USE;

#endif
