/* SPDX-License-Identifier: MIT */
/*
 * family.c - what a process turns into: other programs, and its children.
 *
 * The life of a process here is that of struct member; what the news is made
 * of belongs to the thread of family_main() until it is told.
 */
#include "heap/family.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "heap/member.h"
#include "target/gather.h"
#include "target/permission.h"
#include "target/tracee.h"
#include "util/clock.h"

#define WAKE_SIGNAL SIGURG
#define WAKE_NS (50 * NS_PER_MS)
#define SPIN_NS (50 * NS_PER_US)
#define REAP_NS (20 * NS_PER_MS)
#define LOADING_STOPS_MAX 200000
#define STUB_STOPS_MAX 200
#define MODULES_MAX 256
#define TURNS 16

struct family {
	struct family_options options;
	pid_t root;
	pthread_t thread;
	bool is_started;
	sem_t seized, go;
	int seize_error;
	long n_filters; /* of seccomp, that all had at the start */
	struct vec members; /* struct member * */
	bool may_spin;
	unsigned int n_turns;
	struct modules modules;
	_Atomic bool must_end, is_over, has_ended;
	int status;
	pthread_mutex_t lock; /* of the rest */
	struct vec news;      /* struct family_news, oldest first */
	struct family_counts counts;
};

static struct member *find(const struct family *family, pid_t pid)
{
	for (size_t i = 0; i < family->members.n; i++) {
		struct member *member =
			*(struct member **)vec_at(&family->members, i);

		if (member->pid == pid)
			return member;
	}
	return NULL;
}

static struct member *add_member(struct family *family, pid_t pid)
{
	struct member *member = xcalloc(1, sizeof(*member));

	member->pid = pid;
	*(struct member **)vec_push(&family->members) = member;
	return member;
}

static void remove_member(struct family *family, pid_t pid)
{
	for (size_t i = 0; i < family->members.n; i++) {
		struct member *member =
			*(struct member **)vec_at(&family->members, i);

		if (member->pid != pid)
			continue;
		member_drop_graft(member);
		free(member);
		vec_remove_swap(&family->members, i);
		return;
	}
}

static void tell(struct family *family, const struct family_news *news)
{
	pthread_mutex_lock(&family->lock);
	*(struct family_news *)vec_push(&family->news) = *news;
	pthread_mutex_unlock(&family->lock);
}

/* It runs on as it is. */
static void leave_out(struct family *family, struct member *member,
		      struct error *error)
{
	struct family_counts *counts = &family->counts;
	char comm[COMM_MAX] = "?";

	proc_read_comm(member->pid, member->pid, comm);
	pthread_mutex_lock(&family->lock);
	if (!counts->n_left_out++)
		snprintf(counts->why, sizeof(counts->why), "%s: %.*s", comm,
			 (int)strcspn(error_text(error), "\n"),
			 error_text(error));
	pthread_mutex_unlock(&family->lock);
	error_free(error);
	member_drop_graft(member);
	member->phase = MEMBER_PLAIN;
}

static void go_on(const struct member *member, pid_t tid, int signal)
{
	if (member && member_is_stepping(member))
		tracee_resume_to_call(tid, signal);
	else
		tracee_resume(tid, signal);
}

/* The filters of all others might kill for what the stub does. */
static bool has_other_filters(const struct family *family, pid_t pid)
{
	return proc_status_number(pid, "Seccomp") > 0 &&
	       (family->n_filters < 0 ||
		proc_status_number(pid, "Seccomp_filters") !=
			family->n_filters);
}

static struct error *send_member(const struct family *family,
				 struct member *member)
{
	if (has_other_filters(family, member->pid))
		return error_new("it has a seccomp filter of its own");
	return member_send(member);
}

/* The thread is in the stub and stands. */
static struct error *graft_member(struct family *family,
				  struct member *member)
{
	struct family_news news = { .pid = member->pid };
	struct error *error;
	uint64_t *n;

	news.maps = proc_read_maps(member->pid, member->pid,
				   &news.maps_bytes);
	proc_read_comm(member->pid, member->pid, news.comm);
	news.poke = pokes_take(family->options.pokes);
	error = news.poke ? graft_install(&member->graft, news.poke)
			  : error_new("there are too many at once");
	inject_finish(&member->graft.inject);
	if (error) {
		free(news.maps);
		if (news.poke)
			pokes_give(family->options.pokes, news.poke);
		return error;
	}
	news.graft = member->graft;
	n = news.graft.is_copy ? &family->counts.n_children
			       : &family->counts.n_programs;
	graft_copy(&member->graft, &news.graft, member->pid, -1);
	member->graft.inject.stub.session = news.graft.inject.stub.session;
	member->phase = MEMBER_GRAFTED;
	tell(family, &news);
	pthread_mutex_lock(&family->lock);
	(*n)++;
	pthread_mutex_unlock(&family->lock);
	return NULL;
}

/* Back from exec: what it was is gone. */
static struct error *begin_image(struct family *family, struct member *member)
{
	if (member->phase == MEMBER_GRAFTED)
		tell(family, &(struct family_news){
			.pid = member->pid,
			.replaced = member->graft.inject.stub.session,
		});
	return member_begin(member, &family->options.graft);
}

static struct error *prepare_member(struct family *family,
				    struct member *member)
{
	struct error *error = member_prepare(member, &family->modules);

	/* A build of months has more files than anybody would keep open. */
	if (family->modules.list.n > MODULES_MAX) {
		modules_clear(&family->modules);
		modules_init(&family->modules);
	}
	return error ? error : send_member(family, member);
}

/* The stub writes where it is between two calls. */
static struct error *take_call_in_stub(struct family *family,
				       struct member *member, bool is_return)
{
	enum stub_step step = is_return ? STUB_NOWHERE
					: graft_look(&member->graft);

	if (step == STUB_HAS_B)
		return graft_member(family, member);
	if (step == STUB_FAILED || member->n_stops++ > STUB_STOPS_MAX)
		return error_new("the agent's memory could not be mapped");
	return NULL;
}

/* MEMBER_LOADING or MEMBER_IN_STUB, at a system call. */
static void take_call(struct family *family, struct member *member)
{
	struct error *error = NULL;
	bool is_return = member->is_return;

	member->is_return = !is_return;
	if (member->phase == MEMBER_LOADING) {
		if (member->n_stops++ > LOADING_STOPS_MAX)
			error = error_new("its linker does not come to an end");
		else if (is_return && member_is_loaded(member))
			error = prepare_member(family, member);
	} else {
		error = take_call_in_stub(family, member, is_return);
	}
	if (error)
		leave_out(family, member, error);
}

/* The first stop of a process. */
static void wake_child(struct family *family, struct member *member)
{
	struct error *error;
	bool is_asleep;

	member->phase = MEMBER_PLAIN;
	error = member_look(member, &is_asleep);
	if (!error && is_asleep)
		error = send_member(family, member);
	if (error)
		leave_out(family, member, error);
}

static void expect_child(struct family *family, pid_t pid, pid_t parent_pid)
{
	const struct member *parent = find(family, parent_pid);
	struct member *child;

	if (find(family, pid))
		return;
	child = add_member(family, pid);
	child->phase = MEMBER_BORN;
	child->has_graft = parent && parent->phase == MEMBER_GRAFTED;
	if (child->has_graft)
		graft_copy(&child->graft, &parent->graft, pid, -1);
}

/* Its first stop may come before or after this. */
static void take_birth(struct family *family, pid_t tid)
{
	unsigned long born;

	if (tracee_event_message(tid, &born) == TRACEE_OK &&
	    tracee_is_ours((pid_t)born) &&
	    proc_traced_group((pid_t)born) == (pid_t)born)
		expect_child(family, (pid_t)born, proc_traced_group(tid));
}

static void take_first_stop(struct family *family, pid_t tid)
{
	struct proc_stat stat;

	if (find(family, tid) || proc_traced_group(tid) != tid)
		return;
	if (proc_read_stat(tid, tid, &stat))
		expect_child(family, tid, stat.ppid);
}

static void take_stop(struct family *family, const struct wait_event *event)
{
	struct member *member = find(family, event->tid);
	struct error *error;
	int signal = 0;

	switch (event->event) {
	case PTRACE_EVENT_STOP:
		if (event->signal != SIGTRAP) {
			tracee_listen(event->tid);
			return;
		}
		take_first_stop(family, event->tid);
		member = find(family, event->tid);
		if (member && member->phase == MEMBER_BORN)
			wake_child(family, member);
		break;
	case PTRACE_EVENT_CLONE:
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
		take_birth(family, event->tid);
		break;
	case PTRACE_EVENT_EXEC:
		if (!member)
			member = add_member(family, event->tid);
		error = begin_image(family, member);
		if (error)
			leave_out(family, member, error);
		break;
	default:
		if (event->event || event->signal != TRACEE_CALL_SIGNAL)
			signal = event->event ? 0 : event->signal;
		else if (member && member_is_stepping(member))
			take_call(family, member);
		break;
	}
	go_on(member, event->tid, signal);
}

static void take_event(struct family *family, const struct wait_event *event)
{
	struct member *member;

	if (!event->is_exit) {
		take_stop(family, event);
		return;
	}
	member = find(family, event->tid);
	if (member && member_is_stepping(member))
		leave_out(family, member, error_new("it ended too early"));
	remove_member(family, event->tid);
	tracee_reap(event->tid);
	if (event->tid == family->root) {
		family->status = event->status;
		atomic_store(&family->has_ended, true);
	}
}

static void wake(int signal)
{
	(void)signal; /* that it ends a wait is all */
}

/* So that no wait is without a bound, and the guard hears of us. */
static bool start_clock(timer_t *timer)
{
	const struct sigaction action = { .sa_handler = wake };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = WAKE_SIGNAL };
	struct itimerspec each = { timespec_of_ns(WAKE_NS),
				   timespec_of_ns(WAKE_NS) };
	sigset_t set;

	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	sigfillset(&set);
	sigdelset(&set, WAKE_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	return !sigaction(WAKE_SIGNAL, &action, NULL) &&
	       !timer_create(CLOCK_MONOTONIC, &event, timer) &&
	       !timer_settime(*timer, 0, &each, NULL);
}

/* One that runs has threads that all may fork, and may make more of them. */
static int seize_all(const struct family *family)
{
	struct vec tids = VEC_OF(pid_t);
	bool children = family->options.children;
	int err = tracee_seize_for_events(family->root, children);
	/* The first thread may be gone, and another one calls exec. */
	bool is_new = (!err || err == ESRCH) && !family->options.is_launched;

	while (is_new) {
		is_new = false;
		tids.n = 0;
		proc_list_threads(family->root, &tids);
		for (size_t i = 0; i < tids.n; i++) {
			pid_t tid = *(pid_t *)vec_at(&tids, i);

			if ((err || tid != family->root) &&
			    !tracee_seize_for_events(tid, children))
				is_new = true;
		}
		err = is_new ? 0 : err;
	}
	vec_clear(&tids);
	return err;
}

static void beat(const struct family *family)
{
	if (family->options.beat_ns)
		atomic_store(family->options.beat_ns, clock_now_ns());
}

/* One at a time, and in turn with all other events. */
static pid_t choose_stepping(struct family *family)
{
	if (family->n_turns++ % TURNS == 0)
		return 0;
	for (size_t i = 0; i < family->members.n; i++) {
		const struct member *member = *(struct member **)vec_at(
			&family->members, i);

		if (member_is_stepping(member))
			return member->pid;
	}
	return 0;
}

/*
 * The next event, if it comes within moments: a core that has gone to sleep
 * meanwhile would take longer to wake than a program to its next call.
 */
static bool spin(struct family *family, struct wait_event *event)
{
	pid_t pid = choose_stepping(family);
	int64_t until_ns = pid ? clock_now_ns() + SPIN_NS : 0;

	while (pid && family->may_spin) {
		if (tracee_wait_stop(pid, event))
			return true;
		if (clock_now_ns() >= until_ns)
			break;
	}
	return tracee_wait(0, event);
}

/* The end of a tracer's thread lets all of its tracees go. */
static void *family_main(void *arg)
{
	struct family *family = arg;
	struct wait_event event;
	timer_t timer;
	bool has_clock = start_clock(&timer);

	family->seize_error = has_clock ? seize_all(family) : EAGAIN;
	sem_post(&family->seized);
	while (!family->seize_error && sem_wait(&family->go) &&
	       errno == EINTR)
		beat(family); /* what is seized stands at its next stop */
	while (!family->seize_error && !atomic_load(&family->must_end)) {
		beat(family);
		if (!tracee_await())
			break;
		while (!atomic_load(&family->must_end) &&
		       spin(family, &event)) {
			beat(family);
			take_event(family, &event);
		}
	}
	if (has_clock)
		timer_delete(timer);
	if (family->options.beat_ns)
		atomic_store(family->options.beat_ns, 0);
	atomic_store(&family->is_over, true);
	return NULL;
}

/* Each stop would wake all who wait for SIGCHLD. */
static void silence_stops(void)
{
	const struct sigaction action = { .sa_handler = SIG_DFL,
					  .sa_flags = SA_NOCLDSTOP };

	sigaction(SIGCHLD, &action, NULL);
}

/* Who is within exec meanwhile waits for all of its threads to be reaped. */
static int await_seized(struct family *family)
{
	struct timespec until = timespec_of_ns(clock_wall_ns() + REAP_NS);

	while (sem_timedwait(&family->seized, &until)) {
		if (!family->options.is_launched)
			gather_reap_dead(family->root);
		until = timespec_of_ns(clock_wall_ns() + REAP_NS);
	}
	return family->seize_error;
}

struct error *family_start(pid_t pid, const struct family_options *options,
			   struct family **out)
{
	struct family *family = xcalloc(1, sizeof(*family));
	int err;

	family->options = *options;
	family->root = pid;
	family->members = VEC_OF(struct member *);
	family->news = VEC_OF(struct family_news);
	/* One that is attached to may have as many, and others. */
	family->n_filters = options->is_launched
		? proc_status_number(getpid(), "Seccomp_filters") : -1;
	family->may_spin = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	modules_init(&family->modules);
	pthread_mutex_init(&family->lock, NULL);
	sem_init(&family->seized, 0, 0);
	sem_init(&family->go, 0, 0);
	silence_stops();
	err = pthread_create(&family->thread, NULL, family_main, family);
	family->is_started = !err;
	if (!err)
		err = await_seized(family);
	if (err) {
		family_free(family);
		return attach_error(pid, err);
	}
	*out = family;
	return NULL;
}

void family_go(struct family *family, const struct graft *root)
{
	struct member *member = add_member(family, family->root);

	graft_copy(&member->graft, root, family->root, -1);
	member->graft.inject.stub.session = root->inject.stub.session;
	member->has_graft = true;
	member->phase = MEMBER_GRAFTED;
	sem_post(&family->go);
}

bool family_take(struct family *family, struct family_news *out)
{
	bool has_any;

	pthread_mutex_lock(&family->lock);
	has_any = family->news.n;
	if (has_any) {
		struct family_news *first = family->news.data;

		*out = *first;
		family->news.n--;
		memmove(first, first + 1, family->news.n * sizeof(*first));
	}
	pthread_mutex_unlock(&family->lock);
	return has_any;
}

bool family_is_over(const struct family *family)
{
	return atomic_load(&family->is_over);
}

bool family_has_ended(const struct family *family, int *out)
{
	if (!atomic_load(&family->has_ended))
		return false;
	*out = family->status;
	return true;
}

void family_count(struct family *family, struct family_counts *out)
{
	pthread_mutex_lock(&family->lock);
	*out = family->counts;
	pthread_mutex_unlock(&family->lock);
}

void family_end(struct family *family)
{
	if (!family->is_started)
		return;
	atomic_store(&family->must_end, true);
	sem_post(&family->go);
	pthread_kill(family->thread, WAKE_SIGNAL);
	pthread_join(family->thread, NULL);
	family->is_started = false;
}

void family_free(struct family *family)
{
	struct family_news news;

	if (!family)
		return;
	family_end(family);
	while (family_take(family, &news)) {
		if (news.replaced)
			continue;
		pokes_give(family->options.pokes, news.poke);
		graft_clear(&news.graft);
		free(news.maps);
	}
	while (family->members.n)
		remove_member(family, (*(struct member **)vec_at(
					       &family->members, 0))->pid);
	vec_clear(&family->members);
	vec_clear(&family->news);
	modules_clear(&family->modules);
	pthread_mutex_destroy(&family->lock);
	sem_destroy(&family->seized);
	sem_destroy(&family->go);
	free(family);
}
