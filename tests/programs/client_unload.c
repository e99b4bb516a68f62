/* SPDX-License-Identifier: MIT */
/*
 * client_unload.c - unloads libpsample while it has a profile under way:
 * client_unload FILE. Not linked with it, else it could not be unloaded.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

#define LIBRARY "libpsample.so.0"

typedef int start_function(const char *file, void *error);

int main(int argc, char **argv)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	start_function *start;

	if (!library || argc < 2)
		return 2;
	start = (start_function *)(uintptr_t)dlsym(library, "psample_start");
	if (!start || start(argv[1], NULL))
		return 1;
	burn_ms(f, 200);
	dlclose(library);
	if (dlopen(LIBRARY, RTLD_NOW | RTLD_NOLOAD)) {
		printf("still there\n");
		return 1;
	}
	if (access(argv[1], R_OK)) {
		printf("no profile\n");
		return 1;
	}
	return waitpid(-1, NULL, WNOHANG | __WALL) != -1;
}
