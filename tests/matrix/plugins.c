/* SPDX-License-Identifier: MIT */
/* plugins.c - two libraries take turns at one address: f is in the first, for
 * 60 % of the time, g in the second. Given: seconds, both libraries. */
#define PLAN_OWN_LEAVES
#define PLAN_OWN_RUN
#include <dlfcn.h>

#include "plan.h"

typedef uint64_t work_fn(uint64_t);
uint64_t run_for(work_fn *work, double seconds);

KEEP uint64_t run_for(work_fn *work, double seconds)
{
	double end = now() + seconds;
	uint64_t sum = 0;

	while (now() < end)
		sum += work(F_STEPS);		/* @run_for:f @run_for:g */
	return sum;
}

KEEP uint64_t run(double seconds)
{
	return (uint64_t)seconds;
}

static uint64_t run_library(const char *path, const char *name, double seconds)
{
	void *library = dlopen(path, RTLD_NOW);
	work_fn *work = library ? (work_fn *)dlsym(library, name) : NULL;
	uint64_t sum;

	if (!work)
		exit(1);
	sum = run_for(work, seconds);
	dlclose(library);
	return sum;
}

int main(int argc, char **argv)
{
	double seconds = plan_seconds(argc, argv);
	struct plan plan;
	uint64_t sum;

	if (argc < 4)
		return 1;
	plan_start(&plan);
	sum = run_library(argv[2], "f", 0.6 * seconds);
	sum += run_library(argv[3], "g", 0.4 * seconds);
	plan_end(&plan);
	return sum == 42;
}
