/* SPDX-License-Identifier: MIT */
/* stacks.c - psample_stacks(): where all threads are, at once. */
#include "client/client.h"

#include <unistd.h>

#define STACKS_MS 30000

static int write_stacks(struct client_run *run, int fd,
			struct psample_error *error)
{
	static const char *const words[] = {
		"psample", "record", "-q", "-q", "--no-summary",
		"--no-children", "--control", "fd:3", "-f", "stacks", "-o",
		"-",
	};
	int result = client_room_new(&run->room, error);

	if (result)
		return result;
	run->stop_ms = STACKS_MS;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		client_add_word(run->room, words[i]);
	client_add_number(run->room, "-p", (unsigned long)getpid());
	result = client_find_program(run->room, NULL, error);
	if (result) {
		client_room_free(run->room);
		return result;
	}
	result = client_run_begin(run, fd, CLIENT_START_MS, error);
	if (result)
		return result;
	return client_run_end(run, NULL, error);
}

/* A process has one tracer: what samples it already steps aside meanwhile. */
static int write_beside(struct client_run *run, int fd,
			struct psample_error *error)
{
	struct client_task cpu;
	int result = client_task_begin(&cpu, CLIENT_CPU, CLIENT_RUNNING,
				       error), resumed;

	if (result)
		return result;
	result = client_run_suspend(cpu.run, error);
	if (!result)
		result = write_stacks(run, fd, error);
	resumed = client_run_resume(cpu.run, result ? NULL : error);
	return client_task_end(&cpu, CLIENT_RUNNING,
			       result ? result : resumed, error);
}

int psample_stacks(int fd, struct psample_error *error)
{
	struct client_task task;
	int result = client_task_begin(&task, CLIENT_STACKS, CLIENT_IDLE,
				       error);

	if (result)
		return result;
	if (client_state(CLIENT_CPU) == CLIENT_IDLE)
		result = write_stacks(task.run, fd, error);
	else
		result = write_beside(task.run, fd, error);
	return client_task_end(&task, CLIENT_IDLE, result, error);
}
