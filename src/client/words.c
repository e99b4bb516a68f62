/* SPDX-License-Identifier: MIT */
/* words.c - what psample is executed with: its path, words, environment. */
#include "client/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Not for psample: what would put the program's profiler into it, or anything
 * else that the program was made to load.
 */
static bool is_left_out(const char *entry)
{
	static const char *const names[] = {
		"LD_PRELOAD=", "LD_AUDIT=", "LD_PROFILE=", "CPUPROFILE",
		"HEAPPROFILE", "HEAP_PROFILE_",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(entry, names[i], strlen(names[i])))
			return true;
	return false;
}

int client_room_new(struct client_room **out, struct psample_error *error)
{
	struct client_room *room;
	size_t n = 0, n_bytes, kept = 0;

	while (environ && environ[n])
		n++;
	n_bytes = sizeof(*room) + (n + 1) * sizeof(char *);
	room = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return client_fail_errno(error, errno, "cannot map memory");
	room->n_bytes = n_bytes;
	for (size_t i = 0; i < n && environ[i]; i++)
		if (!is_left_out(environ[i]))
			room->environment[kept++] = environ[i];
	*out = room;
	return 0;
}

void client_room_free(struct client_room *room)
{
	if (room)
		munmap(room, room->n_bytes);
}

static bool is_program(const char *path)
{
	return !access(path, X_OK);
}

static bool find_in_path(struct client_room *room, const char *dirs)
{
	while (dirs && *dirs) {
		size_t len = strcspn(dirs, ":");
		int n = snprintf(room->path, sizeof(room->path),
				 "%.*s/psample", (int)len, dirs);

		/* Never from where the program happens to stand. */
		if (*dirs == '/' && n < (int)sizeof(room->path) &&
		    is_program(room->path))
			return true;
		dirs += len + (dirs[len] == ':');
	}
	return false;
}

int client_find_program(struct client_room *room, const char *program,
			struct psample_error *error)
{
	static const char built[] = PSAMPLE_BINDIR "/psample";

	if (!program)
		program = secure_getenv("PSAMPLE");
	if (program && *program) {
		if (strlen(program) >= sizeof(room->path))
			return client_fail(error, ENAMETOOLONG,
					   "the path of psample is too long");
		strcpy(room->path, program);
		if (!is_program(room->path))
			return client_fail_errno(error, errno, room->path);
		return 0;
	}
	if (find_in_path(room, secure_getenv("PATH")))
		return 0;
	memcpy(room->path, built, sizeof(built));
	if (is_program(room->path))
		return 0;
	return client_fail(error, ENOENT, "psample was not found: not in "
			   "$PSAMPLE, in $PATH, nor as %s", built);
}

void client_add_word(struct client_room *room, const char *word)
{
	if (room->n_words < CLIENT_WORDS_MAX)
		room->words[room->n_words++] = word;
}

void client_add_number(struct client_room *room, const char *option,
		       unsigned long value)
{
	char *text = room->numbers[room->n_numbers++ % 4];

	snprintf(text, sizeof(room->numbers[0]), "%lu", value);
	client_add_word(room, option);
	client_add_word(room, text);
}

void client_add_address(struct client_room *room, const char *option,
			uintptr_t address)
{
	char *text = room->numbers[room->n_numbers++ % 4];

	snprintf(text, sizeof(room->numbers[0]), "%lx",
		 (unsigned long)address);
	client_add_word(room, option);
	client_add_word(room, text);
}

int client_add_output(struct client_room *room, const char *file,
		      struct psample_error *error)
{
	size_t n = 0;

	if (!*file)
		return client_fail(error, EINVAL, "no name for the profile");
	if (!strcmp(file, "-")) /* psample takes it for its output */
		file = "./-";
	for (; *file && n + 3 < sizeof(room->output); file++) {
		if (*file == '%')
			room->output[n++] = '%';
		room->output[n++] = *file;
	}
	if (*file)
		return client_fail(error, ENAMETOOLONG,
				   "the name of the profile is too long");
	client_add_word(room, "-o");
	client_add_word(room, room->output);
	return 0;
}
