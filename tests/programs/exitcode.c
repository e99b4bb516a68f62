/* SPDX-License-Identifier: MIT */
/*
 * exitcode.c - end in a known way: exitcode MS exit N | signal N | crash.
 *
 * Burns MS of CPU in last_hot, then exits with status N, dies of signal N, or
 * reads through a null pointer.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "work.h"

WORK uint64_t last_hot(uint64_t n)
{
	return spin(n, 59);
}

int main(int argc, char **argv)
{
	struct rlimit none = { 0, 0 };

	if (argc < 3) {
		fputs("usage: exitcode MS exit N|signal N|crash\n", stderr);
		return 2;
	}
	setrlimit(RLIMIT_CORE, &none);
	burn_ms(last_hot, (unsigned)atoi(argv[1]));
	if (strcmp(argv[2], "crash") == 0) {
		volatile int *volatile nowhere = NULL;

		return *nowhere;
	}

	int number = argc > 3 ? atoi(argv[3]) : 0;

	if (strcmp(argv[2], "signal") == 0) {
		signal(number, SIG_DFL);
		raise(number);
	}
	return number;
}
