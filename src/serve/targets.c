/* SPDX-License-Identifier: MIT */
/* targets.c - which processes a request may be about. */
#include "serve/targets.h"

#include "target/permission.h"
#include "target/proc.h"

struct target {
	pid_t pid;
	uint64_t start_ticks;
	char comm[COMM_MAX];
};

void targets_init(struct targets *targets)
{
	*targets = (struct targets){ .listed = VEC_OF(struct target) };
}

void targets_clear(struct targets *targets)
{
	vec_clear(&targets->listed);
}

struct error *targets_add(struct targets *targets, pid_t pid)
{
	struct error *error = attach_check(pid);
	struct proc_stat stat = { 0 };
	struct target *target;

	if (error)
		return error;
	if (!proc_read_stat(pid, pid, &stat))
		return error_new("process %d has just ended", (int)pid);
	target = vec_push(&targets->listed);
	target->pid = pid;
	target->start_ticks = stat.start_ticks;
	proc_read_comm(pid, pid, target->comm);
	return NULL;
}

/* Its number may be another process by now. */
static bool is_alive(const struct target *target)
{
	struct proc_stat stat;

	return proc_read_stat(target->pid, target->pid, &stat) &&
	       stat.start_ticks == target->start_ticks && stat.state != 'Z' &&
	       stat.state != 'X';
}

static void add_pid(struct ask *ask, pid_t pid)
{
	if (ask->n_pids < ASK_PIDS_MAX)
		ask->pids[ask->n_pids++] = pid;
}

static char *describe_ended(const struct targets *targets)
{
	const struct target *target = vec_at(&targets->listed, 0);

	if (targets->is_program)
		return xasprintf("the program (%d, %s) has ended",
				 (int)target->pid, target->comm);
	return xasprintf("process %d (%s) has ended; to follow restarts, "
			 "serve by name: psample serve -n %s",
			 (int)target->pid, target->comm, target->comm);
}

static unsigned choose_listed(const struct targets *targets, struct ask *out,
			      char **out_why)
{
	struct vec pids = VEC_OF(pid_t);
	struct error *error = NULL;

	for (size_t i = 0; i < targets->listed.n; i++) {
		const struct target *target = vec_at(&targets->listed, i);

		if (is_alive(target))
			add_pid(out, target->pid);
	}
	if (targets->name_regex)
		error = targets->find(targets->name_regex, &pids);
	for (size_t i = 0; i < pids.n; i++)
		add_pid(out, *(pid_t *)vec_at(&pids, i));
	vec_clear(&pids);
	if (out->n_pids)
		*out_why = NULL;
	else if (error)
		*out_why = xasprintf("no process is called %s at the moment",
				     targets->name_regex);
	else if (targets->listed.n)
		*out_why = describe_ended(targets);
	else
		*out_why = xstrdup("no target was named on the command line; "
				   "see /pid/PID/debug/pprof/");
	error_free(error);
	return out->n_pids ? 0 : targets->listed.n || targets->name_regex
					 ? 503 : 404;
}

static bool has_pid(const struct ask *ask, pid_t pid)
{
	for (uint32_t i = 0; i < ask->n_pids; i++)
		if (ask->pids[i] == pid)
			return true;
	return false;
}

unsigned targets_choose(const struct targets *targets, pid_t pid,
			struct ask *out, char **out_why)
{
	CLEANUP(error_free) struct error *error = NULL;
	unsigned status;

	*out_why = NULL;
	out->n_pids = 0;
	out->pid = 0;
	status = choose_listed(targets, out, out_why);
	if (!pid)
		return status;
	free(TAKE(*out_why));
	if (has_pid(out, pid)) {
		out->pid = out->n_pids > 1 ? pid : 0;
		return 0;
	}
	if (!targets->allows_pids) {
		*out_why = xasprintf("process %d was not named on the command "
				     "line; --allow-pids allows any",
				     (int)pid);
		return 403;
	}
	error = attach_check(pid);
	if (error) {
		*out_why = xstrdup(error_text(error));
		return 404;
	}
	out->n_pids = 0;
	add_pid(out, pid);
	return 0;
}

void targets_list(const struct targets *targets, struct vec *out)
{
	struct ask ask = { 0 };
	CLEANUP(free) char *why = NULL;

	choose_listed(targets, &ask, &why);
	for (uint32_t i = 0; i < ask.n_pids; i++)
		*(pid_t *)vec_push(out) = ask.pids[i];
}
