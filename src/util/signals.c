/* SPDX-License-Identifier: MIT */
/* signals.c - signals as something to poll for. */
#include "util/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>

#include "util/mem.h"

static bool is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) ||
	       action.sa_handler == SIG_IGN;
}

struct error *signals_open(int extra, int *out_fd)
{
	const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, extra };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (wanted[i] && !is_ignored(wanted[i]))
			sigaddset(&set, wanted[i]);
	/* Ignored, as some parents leave it, it would tell us nothing. */
	signal(SIGCHLD, SIG_DFL);
	sigaddset(&set, SIGCHLD);
	signal(SIGPIPE, SIG_IGN); /* EPIPE tells it better */
	sigprocmask(SIG_BLOCK, &set, NULL);
	*out_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *out_fd < 0 ? error_errno(errno, "cannot wait for signals")
			   : NULL;
}
