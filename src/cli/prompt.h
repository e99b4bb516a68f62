/* SPDX-License-Identifier: MIT */
/* prompt.h - reports asked for one after the other, by commands. */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include "report/report.h"

/* Read commands until the end of input: the exit status. */
int prompt_run(struct pp *pp, struct settings *settings);

#endif
