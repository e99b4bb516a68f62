/* SPDX-License-Identifier: MIT */
/*
 * session.c - which thread may start, steer and end a run.
 *
 * There is no lock: one word for each kind of run says what it is about and
 * whose it is, and who changes it to busy has the rest. A lock could be held
 * for ever in a forked child; the word names its process, so that a child
 * sees at once that the run is not its own.
 */
#include "client/client.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

static struct {
	_Atomic uint64_t word; /* pid << 8 | enum client_state */
	struct client_run run;
} sessions[CLIENT_N_KINDS];

static enum client_state state_of(uint64_t word)
{
	if ((pid_t)(word >> 8) != getpid())
		return CLIENT_IDLE;
	return (enum client_state)(word & 0xff);
}

static uint64_t word_of(enum client_state state)
{
	return (uint64_t)getpid() << 8 | state;
}

/* In the child of a fork: runs are the parent's. */
static void forget_in_child(void)
{
	for (int kind = 0; kind < CLIENT_N_KINDS; kind++) {
		uint64_t word = atomic_load(&sessions[kind].word);

		if ((word & 0xff) == CLIENT_RUNNING)
			client_run_forget(&sessions[kind].run);
		atomic_store(&sessions[kind].word, 0);
	}
	client_labels_forget();
}

static void __attribute__((constructor(101))) register_fork_handler(void)
{
	pthread_atfork(NULL, NULL, forget_in_child);
}

enum client_state client_state(enum client_kind kind)
{
	return state_of(atomic_load(&sessions[kind].word));
}

static int refuse(enum client_state from, enum client_state found,
		  struct psample_error *error)
{
	if (from == CLIENT_RUNNING && found == CLIENT_IDLE)
		return client_fail(error, ESRCH, "no profile is being taken");
	if (found == CLIENT_RUNNING)
		return client_fail(error, EBUSY, "a profile is being taken "
				   "already");
	return client_fail(error, EBUSY, "another thread is starting or "
			   "ending a profile");
}

int client_task_begin(struct client_task *task, enum client_kind kind,
		      enum client_state from, struct psample_error *error)
{
	uint64_t word = atomic_load(&sessions[kind].word);

	do {
		if (state_of(word) != from)
			return refuse(from, state_of(word), error);
	} while (!atomic_compare_exchange_weak(&sessions[kind].word, &word,
					       word_of(CLIENT_BUSY)));
	*task = (struct client_task){
		.kind = kind,
		.run = &sessions[kind].run,
		.saved_errno = errno,
	};
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &task->cancel_state);
	return 0;
}

/* Yama knows one at a time: what was permitted to @ended was another's. */
static void permit_rest(enum client_kind ended)
{
	for (int kind = 0; kind < CLIENT_N_KINDS; kind++)
		if (kind != (int)ended && client_state(kind) == CLIENT_RUNNING)
			client_run_permit(&sessions[kind].run);
}

int client_task_end(struct client_task *task, enum client_state to, int result,
		    struct psample_error *error)
{
	atomic_store(&sessions[task->kind].word, word_of(to));
	if (to == CLIENT_IDLE)
		permit_rest(task->kind);
	if (!result)
		client_succeed(error);
	pthread_setcancelstate(task->cancel_state, NULL);
	errno = task->saved_errno;
	return result;
}

/* At exit, and before dlclose: what is left is ended. The last to run. */
static void __attribute__((destructor(101))) end_at_unload(void)
{
	if (client_state(CLIENT_CPU) == CLIENT_RUNNING)
		psample_stop(NULL);
	if (client_state(CLIENT_HEAP) == CLIENT_RUNNING)
		psample_heap_stop(NULL);
}
