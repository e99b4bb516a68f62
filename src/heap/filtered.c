/* SPDX-License-Identifier: MIT */
/*
 * filtered.c - would the seccomp filters of a running program let the agent in?
 *
 * Programs in containers mostly have one set of filters for all threads: it is
 * judged once, and compared then. A thread is borrowed only with filters that
 * were judged, for it stands still meanwhile.
 */
#include "heap/filtered.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <unistd.h>

#include "heap/agent.h"
#include "heap/found.h"
#include "target/filter.h"
#include "target/permission.h"
#include "target/proc.h"
#include "target/visit.h"
#include "util/clock.h"
#include "util/log.h"

#define SURVEY_NS NS_PER_S
#define NO_FILE (~UINT64_C(0)) /* -1 */

struct named_call {
	const char *name;
	struct filter_call call;
};

struct judgement {
	struct filters filters;
	const struct named_call *refused; /* of the stub's; or NULL */
	bool may_restart;
};

/* What stub.c calls; addresses and descriptors are not known yet. */
static const struct named_call stub_calls[] = {
	{ "mmap", { SYS_mmap,
		    { 0, AGENT_BYTES, PROT_READ | PROT_EXEC,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		      NO_FILE, 0 }, 0x3e } },
	{ "mprotect", { SYS_mprotect,
			{ 0, AGENT_STATE_BYTES, PROT_READ | PROT_WRITE },
			0x06 } },
	{ "madvise", { SYS_madvise,
		       { 0, AGENT_STATE_BYTES, MADV_WIPEONFORK }, 0x06 } },
	{ "memfd_create", { SYS_memfd_create, { 0, MFD_CLOEXEC }, 0x02 } },
	{ "ftruncate", { SYS_ftruncate, { 0, FOUND_B_BYTES }, 0x02 } },
	{ "mmap", { SYS_mmap,
		    { 0, FOUND_B_BYTES, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_FIXED_NOREPLACE, 0, 0 }, 0x2e } },
	{ "mmap", { SYS_mmap,
		    { 0, FOUND_B_BYTES, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_FIXED, 0, 0 }, 0x2e } },
	{ "madvise", { SYS_madvise,
		       { 0, FOUND_B_BYTES, MADV_DONTFORK }, 0x06 } },
	{ "select", { SYS_select, { 0, 0, 0, 0 }, 0x0f } },
	{ "getppid", { SYS_getppid, { 0 }, 0 } },
	{ "close", { SYS_close, { 0 }, 0 } },
};

static const struct named_call restart_calls[] = {
	{ "restart_syscall", { SYS_restart_syscall, { 0 }, 0 } },
};

/* And agent.c, to copy a stack. */
static const struct named_call agent_calls[] = {
	{ "getpid", { SYS_getpid, { 0 }, 0 } },
	{ "process_vm_readv", { SYS_process_vm_readv,
				{ 0, 0, 1, 0, 0, 0 }, 0x24 } },
};

void filtered_init(struct filtered *filtered)
{
	filtered->judged = VEC_OF(struct judgement);
	filtered->must_be_mute = false;
}

void filtered_clear(struct filtered *filtered)
{
	for (size_t i = 0; i < filtered->judged.n; i++) {
		struct judgement *j = vec_at(&filtered->judged, i);

		filters_clear(&j->filters);
	}
	vec_clear(&filtered->judged);
}

enum filtered_mode filtered_mode(pid_t tid)
{
	long mode = proc_status_number(tid, "Seccomp");

	return mode <= 0 ? FILTERED_NOT
	       : mode == FILTERED_STRICT ? FILTERED_STRICT
					 : FILTERED_BY_PROGRAM;
}

/* The first of @calls that is not permitted, or NULL. */
static const struct named_call *find_refused(const struct filters *filters,
					     const struct named_call *calls,
					     size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!filter_is_permission(filters_answer(filters,
							 &calls[i].call)))
			return &calls[i];
	return NULL;
}

static const struct judgement *find_judged(const struct filtered *filtered,
					   const struct filters *filters)
{
	for (size_t i = 0; i < filtered->judged.n; i++) {
		const struct judgement *j = vec_at(&filtered->judged, i);

		if (filters_equal(&j->filters, filters))
			return j;
	}
	return NULL;
}

/* @filters are taken over. */
static void judge(struct filtered *filtered, struct filters *filters)
{
	struct judgement *j;

	if (find_judged(filtered, filters))
		return;
	j = vec_push(&filtered->judged);
	j->filters = *filters;
	filters_init(filters);
	j->refused = find_refused(&j->filters, stub_calls,
				  ARRAY_SIZE(stub_calls));
	j->may_restart = !find_refused(&j->filters, restart_calls,
				       ARRAY_SIZE(restart_calls));
	if (find_refused(&j->filters, agent_calls, ARRAY_SIZE(agent_calls)))
		filtered->must_be_mute = true;
}

struct reading {
	pid_t tid;
	struct filters filters;
	int err;
};

/* The change of a visit: none. */
static bool read_there(void *ctx, struct user_regs_struct *regs, taddr rseq)
{
	struct reading *reading = ctx;

	(void)regs;
	(void)rseq;
	reading->err = filters_read(reading->tid, &reading->filters);
	return false;
}

/* 0, or why its filters cannot be told. */
static int survey_thread(struct filtered *filtered, pid_t tid)
{
	struct reading reading = { .tid = tid, .err = EBUSY };
	struct visit visit = { .tid = tid, .change = read_there,
			       .ctx = &reading };

	filters_init(&reading.filters);
	switch (visit_thread(&visit)) {
	case VISIT_DENIED:
		reading.err = visit.err;
		break;
	case VISIT_GONE:
		reading.err = 0;
		break;
	case VISIT_DONE:
	case VISIT_UNFIT:
	case VISIT_SILENT:
		if (!reading.err)
			judge(filtered, &reading.filters);
		break;
	}
	filters_clear(&reading.filters);
	return reading.err;
}

static struct error *unread_error(int err)
{
	struct error *error;

	if (err == EBUSY)
		return error_hint(error_new("none of its threads can be "
					    "stopped to read its seccomp "
					    "filters"),
				  "cause: they are stopped already, or wait "
				  "in the kernel");
	error = error_errno(err, "it has a seccomp filter, which cannot be "
			    "read");
	if (err == EIO)
		return error_hint(error, "cause: the kernel was built without "
				  "CONFIG_CHECKPOINT_RESTORE");
	if (err == EACCES && filtered_mode(getpid()) != FILTERED_NOT)
		return error_hint(error, "cause: psample has one itself\n  "
				  "try:   outside of the container; or "
				  "psample -e alloc -- PROGRAM, which enters "
				  "before the filter");
	return error_hint(error, "try:   as root outside of containers "
			  "(CAP_SYS_ADMIN); or psample -e alloc -- PROGRAM, "
			  "which enters before the filter");
}

static struct error *refused_error(const struct filtered *filtered)
{
	struct error *error = NULL;

	for (size_t i = 0; i < filtered->judged.n && !error; i++) {
		const struct judgement *j = vec_at(&filtered->judged, i);

		if (j->refused)
			error = error_new("its seccomp filter does not permit "
					  "%s(2)", j->refused->name);
	}
	if (!error)
		error = error_new("its seccomp filter permits hardly "
				  "anything: strict mode");
	return error_hint(error, "try:   psample -e alloc -- PROGRAM, which "
			  "enters before the filter");
}

/* Or does it depend on the thread? */
static bool is_of_all(int err)
{
	return err == EACCES || err == EIO || err == EPERM;
}

static bool has_permission(const struct filtered *filtered)
{
	for (size_t i = 0; i < filtered->judged.n; i++) {
		const struct judgement *j = vec_at(&filtered->judged, i);

		if (!j->refused)
			return true;
	}
	return false;
}

struct error *filtered_survey(struct filtered *filtered, pid_t pid)
{
	int64_t bound_ns = clock_now_ns() + SURVEY_NS;
	struct vec tids = VEC_OF(pid_t);
	bool is_any_free = false, was_mute = filtered->must_be_mute;
	int err = 0;

	proc_list_threads(pid, &tids);
	for (size_t i = 0; i < tids.n; i++) {
		pid_t tid = *(pid_t *)vec_at(&tids, i);
		enum filtered_mode mode = filtered_mode(tid);
		int failure = 0;

		is_any_free |= mode == FILTERED_NOT;
		if (mode == FILTERED_BY_PROGRAM)
			failure = is_of_all(err) ? err
				  : clock_now_ns() > bound_ns ? EBUSY
				  : survey_thread(filtered, tid);
		if (failure || mode == FILTERED_STRICT)
			filtered->must_be_mute = true;
		if (failure)
			err = failure;
	}
	vec_clear(&tids);
	if (is_any_free || has_permission(filtered)) {
		if (filtered->must_be_mute && !was_mute)
			log_notice("a seccomp filter keeps the agent from "
				   "system calls: stacks of threads are cut "
				   "off at the end of a page");
		return NULL;
	}
	if (err == EPERM)
		return attach_error(pid, err);
	return err && !filtered->judged.n ? unread_error(err)
					  : refused_error(filtered);
}

bool filtered_permits_stub(const struct filtered *filtered, pid_t tid,
			   enum filtered_mode mode, bool *out_may_restart)
{
	const struct judgement *judgement;
	struct filters filters;
	bool is_permitted = false;
	int err;

	*out_may_restart = mode == FILTERED_NOT;
	filters_init(&filters);
	err = filters_read(tid, &filters);
	judgement = err ? NULL : find_judged(filtered, &filters);
	if (judgement) {
		*out_may_restart = judgement->may_restart;
		is_permitted = !judgement->refused;
	} else if (err == EINVAL || err == EACCES || err == EIO) {
		is_permitted = mode == FILTERED_NOT;
	}
	filters_clear(&filters);
	return is_permitted;
}
