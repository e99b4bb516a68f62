/* SPDX-License-Identifier: MIT */
/*
 * dlopen_loop.c - two libraries take turns, often at one and the same place:
 * dlopen_loop A.so B.so SECONDS.
 *
 * Each turn loads one of them, burns 2.5 s in its plugin_hot and unloads it:
 * dlopen_plugin.c built with -DPLUGIN_A spends the turn in a_hot, the other in
 * b_hot, 50 : 50. A profiler that keeps names or rows by address alone mixes
 * them up. A turn is longer than the second in which new mappings at an old
 * address are noticed. Prints "ready", "a_ns N", "b_ns N" and "same place N of
 * M".
 */
#include <dlfcn.h>
#include <stdio.h>

#include "work.h"

enum { TURN_MS = 2500 };

typedef uint64_t (*plugin_fn)(uint64_t n);

static uint64_t take_turn(const char *path, uintptr_t *place)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	uint64_t start = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	plugin_fn hot;

	if (library == NULL) {
		fprintf(stderr, "dlopen_loop: %s\n", dlerror());
		exit(1);
	}
	*(void **)&hot = dlsym(library, "plugin_hot");
	*place = (uintptr_t)hot;
	burn_ms(hot, TURN_MS);
	dlclose(library);
	return clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - start;
}

int main(int argc, char **argv)
{
	uint64_t ns[2] = { 0, 0 };
	uintptr_t place, last = 0;
	int n_turns = 0, n_same = 0;

	if (argc != 4) {
		fputs("usage: dlopen_loop A.so B.so SECONDS\n", stderr);
		return 2;
	}
	puts("ready");
	fflush(stdout);
	while (ns[0] + ns[1] < (uint64_t)(atof(argv[3]) * 1e9)) {
		ns[n_turns % 2] += take_turn(argv[1 + n_turns % 2], &place);
		n_same += place == last;
		last = place;
		n_turns++;
	}
	printf("a_ns %lu\nb_ns %lu\n", ns[0], ns[1]);
	printf("same place %d of %d\n", n_same, n_turns);
	return 0;
}
