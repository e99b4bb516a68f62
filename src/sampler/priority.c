/* SPDX-License-Identifier: MIT */
/*
 * priority.c - the core when a tick is due, and when the ring fills.
 *
 * A sampler that waits for a core until the target blocks sees only blocked
 * threads. Best is SCHED_FIFO; then a short slice, which
 * EEVDF (kernel >= 6.12) answers with an early deadline; else nice.
 */
#include "sampler/priority.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "sampler/sampler.h"

#define SLICE_NS (100 * NS_PER_US)
#define SPIN_LIMIT_US 100000
#define HURRY_NICE -10

/* Not in the headers of glibc before 2.41: sched_setattr(2). */
struct kernel_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/*
 * A FIFO thread that has run 100 ms without sleeping gets SIGXCPU
 * (RLIMIT_RTTIME, setrlimit(2)) and makes itself an ordinary thread again:
 * a spinning sampler must not starve the machine.
 */
static void demote(int signal)
{
	struct sched_param param = { 0 };

	(void)signal;
	sched_setscheduler(0, SCHED_OTHER, &param);
}

static bool raise_to_fifo(void)
{
	struct sched_param param = { .sched_priority = 1 };
	struct rlimit limit = { SPIN_LIMIT_US, RLIM_INFINITY };
	struct sigaction action = { .sa_handler = demote };
	sigset_t set;

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param))
		return false;
	sigaction(SIGXCPU, &action, NULL);
	setrlimit(RLIMIT_RTTIME, &limit);
	sigemptyset(&set);
	sigaddset(&set, SIGXCPU);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return true;
}

static bool kernel_has_slices(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	if (uname(&name) || sscanf(name.release, "%d.%d", &major, &minor) != 2)
		return false;
	return major > 6 || (major == 6 && minor >= 12);
}

static bool shorten_slice(void)
{
	struct kernel_sched_attr attr = {
		.size = sizeof(attr),
		.policy = SCHED_OTHER,
		.runtime = SLICE_NS,
	};

	return !syscall(SYS_sched_setattr, 0, &attr, 0) &&
	       kernel_has_slices();
}

void priority_raise(struct sampler *s)
{
	s->is_fifo = raise_to_fifo();
	if (s->is_fifo)
		s->stats.priority = "SCHED_FIFO";
	else if (shorten_slice())
		s->stats.priority = "100 us slice";
	else if (!setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid),
			      HURRY_NICE))
		s->stats.priority = "nice -10";
	else
		s->stats.priority = "none";
}

/*
 * Among dozens of threads that want two cores the unwinder is given a twelfth
 * of one when it needs a fifth: of the samples of a browser's start two thirds
 * were dropped. Raised for all of the run it would take from the target what
 * it does not need to. Who may not be raised goes on as it was.
 */
void hurry_update(struct hurry *hurry, size_t pending, size_t capacity)
{
	id_t tid;

	if (hurry->is_on ? pending > capacity / 16 : pending < capacity / 4)
		return;
	tid = (id_t)syscall(SYS_gettid);
	hurry->is_on = !hurry->is_on;
	if (hurry->is_on) {
		hurry->nice_before = getpriority(PRIO_PROCESS, tid);
		setpriority(PRIO_PROCESS, tid, HURRY_NICE);
	} else {
		setpriority(PRIO_PROCESS, tid, hurry->nice_before);
	}
}
