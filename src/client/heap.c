/* SPDX-License-Identifier: MIT */
/* heap.c - psample_heap_start() and the profiles written from it. */
#include "client/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

static int begin(struct client_run *run, size_t mean_bytes,
		 struct psample_error *error)
{
	/* Its last profile, at the end, is nobody's: output is /dev/null. */
	static const char *const words[] = {
		"psample", "record", "-q", "-q", "--no-summary", "-e", "heap",
		"--control", "fd:3", "-f", "pprof", "-o", "-",
	};
	int result = client_room_new(&run->room, error);

	if (result)
		return result;
	run->stop_ms = CLIENT_STOP_MS;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		client_add_word(run->room, words[i]);
	client_add_number(run->room, "-p", (unsigned long)getpid());
	if (mean_bytes)
		client_add_number(run->room, "-i", mean_bytes);
	result = client_find_program(run->room, NULL, error);
	if (result) {
		client_room_free(run->room);
		return result;
	}
	return client_run_begin(run, -1, CLIENT_START_MS, error);
}

int psample_heap_start(size_t mean_bytes, struct psample_error *error)
{
	struct client_task task;
	int result = client_task_begin(&task, CLIENT_HEAP, CLIENT_IDLE,
				       error);

	if (result)
		return result;
	result = begin(task.run, mean_bytes, error);
	return client_task_end(&task, result ? CLIENT_IDLE : CLIENT_RUNNING,
			       result, error);
}

/* "dump FILE"; psample stays where the program was when it was started. */
static int ask_for(struct client_run *run, const char *file,
		   struct psample_error *error)
{
	char *word = run->room->output;
	size_t n = sizeof("dump ") - 1, size = sizeof(run->room->output);

	if (!file || !*file || strchr(file, '\n'))
		return client_fail(error, EINVAL, "no name for the profile");
	memcpy(word, "dump ", n);
	if (*file != '/') {
		if (!getcwd(word + n, PATH_BYTES))
			return client_fail_errno(error, errno,
						 "no current directory");
		n += strlen(word + n);
		word[n++] = '/';
	}
	if (n + strlen(file) + 2 > size || strlen(file) >= PATH_BYTES)
		return client_fail(error, ENAMETOOLONG,
				   "the name of the profile is too long");
	snprintf(word + n, size - n, "%s\n", file);
	return client_run_ask(run, word, error);
}

int psample_heap_write(const char *file, struct psample_error *error)
{
	struct client_task task;
	int result = client_task_begin(&task, CLIENT_HEAP, CLIENT_RUNNING,
				       error);

	if (result)
		return result;
	result = ask_for(task.run, file, error);
	return client_task_end(&task, CLIENT_RUNNING, result, error);
}

int psample_heap_stop(struct psample_error *error)
{
	struct client_task task;
	int result = client_task_begin(&task, CLIENT_HEAP, CLIENT_RUNNING,
				       error);

	if (result)
		return result;
	result = client_run_end(task.run, "end\n", error);
	return client_task_end(&task, CLIENT_IDLE, result, error);
}

int psample_heap_is_running(void)
{
	return client_state(CLIENT_HEAP) == CLIENT_RUNNING;
}
