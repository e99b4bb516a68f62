/* SPDX-License-Identifier: MIT */
/*
 * replay.c - the main of a fuzzer that only runs the inputs it is given.
 *
 *	fuzz_reader FILE|DIRECTORY...
 *
 * So make check can replay the seeds with any compiler. With FUZZING defined,
 * libFuzzer has a main of its own and this file is empty.
 */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "util/io.h"

#define INPUT_BYTES_MAX ((size_t)16 << 20)

#ifndef FUZZING

static int run_file(const char *path)
{
	size_t len;
	char *data = io_read_file(path, INPUT_BYTES_MAX, &len);

	if (!data) {
		perror(path);
		return 1;
	}
	LLVMFuzzerTestOneInput((const uint8_t *)data, len);
	free(data);
	return 0;
}

static int run_directory(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int n_bad = 0;

	if (!dir) {
		perror(path);
		return 1;
	}
	while ((entry = readdir(dir))) {
		char *name = xasprintf("%s/%s", path, entry->d_name);

		if (*entry->d_name != '.')
			n_bad += run_file(name);
		free(name);
	}
	closedir(dir);
	return n_bad;
}

int main(int argc, char **argv)
{
	int n_bad = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (!stat(argv[i], &st) && S_ISDIR(st.st_mode))
			n_bad += run_directory(argv[i]);
		else
			n_bad += run_file(argv[i]);
	}
	return n_bad != 0;
}

#endif
