/* SPDX-License-Identifier: MIT */
/* cpu.c - psample_start() and psample_stop(): the profile of CPU time. */
#include "client/client.h"

#include <errno.h>
#include <unistd.h>

static int add_words(struct client_room *room,
		     const struct psample_options *options,
		     struct psample_error *error)
{
	static const char *const always[] = {
		"psample", "record", "-q", "-q", "--no-summary",
		"--control", "fd:3", "-f", "pprof",
	};

	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		client_add_word(room, always[i]);
	client_add_number(room, "-p", (unsigned long)getpid());
	if (options->hz)
		client_add_number(room, "-F", options->hz);
	if (options->flags & PSAMPLE_WALL) {
		client_add_word(room, "-e");
		client_add_word(room, "wall");
	}
	if (options->flags & PSAMPLE_BY_THREAD)
		client_add_word(room, "--by-thread");
	if (!(options->flags & PSAMPLE_CHILDREN))
		client_add_word(room, "--no-children");
	client_add_address(room, "--labels-at", client_labels_address());
	if (options->file)
		return client_add_output(room, options->file, error);
	client_add_word(room, "-o");
	client_add_word(room, "-");
	return 0;
}

static int begin(struct client_run *run, const struct psample_options *options,
		 struct psample_error *error)
{
	int result = client_room_new(&run->room, error);

	if (result)
		return result;
	run->stop_ms = options->stop_ms ? options->stop_ms
					: CLIENT_STOP_MS;
	run->has_file = options->file != NULL;
	result = client_find_program(run->room, options->program, error);
	if (!result)
		result = add_words(run->room, options, error);
	if (result) {
		client_room_free(run->room);
		return result;
	}
	return client_run_begin(run, options->file ? -1 : options->fd,
				options->start_ms ? options->start_ms
						  : CLIENT_START_MS, error);
}

static int check_options(const struct psample_options *options,
			 struct psample_error *error)
{
	const unsigned known = PSAMPLE_WALL | PSAMPLE_BY_THREAD |
			       PSAMPLE_CHILDREN;

	if (!options || options->size != sizeof(*options))
		return client_fail(error, EINVAL, "the options are not of "
				   "this libpsample: wrong size");
	if (options->flags & ~known)
		return client_fail(error, EINVAL, "unknown flags %#x",
				   options->flags & ~known);
	if (options->hz > 10000)
		return client_fail(error, EINVAL, "%u samples a second are "
				   "too many: 10000 at most", options->hz);
	return 0;
}

int psample_start_with(const struct psample_options *options,
		       struct psample_error *error)
{
	int result = check_options(options, error);
	struct client_task task;

	if (!result)
		result = client_task_begin(&task, CLIENT_CPU, CLIENT_IDLE,
					   error);
	if (result)
		return result;
	result = begin(task.run, options, error);
	return client_task_end(&task, result ? CLIENT_IDLE : CLIENT_RUNNING,
			       result, error);
}

int psample_start(const char *file, struct psample_error *error)
{
	const struct psample_options options = {
		.size = sizeof(options),
		.file = file ? file : "",
	};

	return psample_start_with(&options, error);
}

int psample_start_fd(int fd, struct psample_error *error)
{
	const struct psample_options options = {
		.size = sizeof(options),
		.fd = fd,
	};

	return psample_start_with(&options, error);
}

int psample_stop(struct psample_error *error)
{
	struct client_task task;
	int result = client_task_begin(&task, CLIENT_CPU, CLIENT_RUNNING,
				       error);

	if (result)
		return result;
	result = client_run_end(task.run, "end\n", error);
	return client_task_end(&task, CLIENT_IDLE, result, error);
}

int psample_flush(struct psample_error *error)
{
	struct client_task task;
	int result = client_task_begin(&task, CLIENT_CPU, CLIENT_RUNNING,
				       error);

	if (result)
		return result;
	if (task.run->has_file)
		result = client_run_ask(task.run, "dump\n", error);
	else
		result = client_fail(error, EINVAL, "a profile that goes into "
				     "a descriptor is written once, at the "
				     "end");
	return client_task_end(&task, CLIENT_RUNNING, result, error);
}

int psample_is_running(void)
{
	return client_state(CLIENT_CPU) == CLIENT_RUNNING;
}

const char *psample_version(void)
{
	return PACKAGE_VERSION;
}
