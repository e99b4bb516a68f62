/* SPDX-License-Identifier: MIT */
/* native.c - malloc and its family, in a program that begins or runs. */
#include "heap/native.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "heap/attach.h"
#include "heap/family.h"
#include "heap/host.h"
#include "sampler/naming.h"
#include "util/clock.h"

#define POLL_NS (5 * NS_PER_MS)
#define BUSY_POLL_NS (NS_PER_MS / 2)

struct past { /* of a host that is no more: what its samples came to */
	pid_t pid;
	char process[COMM_MAX];
	struct vec sums; /* struct host_sum */
	double variance;
};

struct native {
	pid_t pid;
	int mem_fd; /* of the caller: open as long as its poke may stand */
	struct native_options options;
	struct reader reader;
	struct vec hosts;      /* struct host *, the first program's first,
				* which stays; of the others those that live */
	struct vec pasts;      /* struct past, of those that had samples */
	struct heap_stats past_numbers; /* those of host_count() */
	size_t n_images;       /* that there were */
	struct family *family; /* NULL: nobody is followed */
	_Atomic int64_t *beat_ns; /* the guard's, or NULL */
	struct pokes *pokes;	  /* likewise */
	int64_t held_ns; /* how long a running one's thread was stopped */
	double totals[4];
	double variance;
};

static struct host *host_at(const struct native *native, size_t i)
{
	return *(struct host **)vec_at(&native->hosts, i);
}

static struct host *add_host(struct native *native, const struct graft *graft)
{
	struct host **host = vec_push(&native->hosts);

	*host = host_new(graft);
	native->n_images++;
	return *host;
}

static struct error *inspect(struct graft *graft, struct space *space)
{
	struct inject *inject = &graft->inject;
	struct error *error = NULL;

	inject->is_static = entries_are_needed(inject);
	if (!inject->is_running)
		error = inject->is_static ? entries_await(inject)
					  : inject_await_modules(inject);
	if (error)
		return error;
	if (!inject->is_static)
		space_refresh(space);
	error = graft_prepare(graft, space);
	return error || inject->is_running ? error : inject_enter(inject);
}

struct error *native_open(pid_t pid, int mem_fd,
			  const struct native_options *options,
			  struct registry *registry, struct subject *subject,
			  struct native **out)
{
	CLEANUP(native_free) struct native *native =
		xcalloc(1, sizeof(*native));
	struct graft_options how = { options->mean_bytes, options->maps,
				     options->no_inuse };
	struct graft graft;
	struct host *host;
	struct error *error;

	native->pid = pid;
	native->mem_fd = mem_fd;
	native->options = *options;
	native->hosts = VEC_OF(struct host *);
	native->pasts = VEC_OF(struct past);
	reader_init(&native->reader, registry);
	native->reader.wants_leaks = options->wants_leaks;
	graft_init(&graft, pid, fcntl(mem_fd, F_DUPFD_CLOEXEC, 0), &how);
	graft.inject.is_running = !options->is_launched;
	host = add_host(native, &graft);
	host->subject = subject;
	memcpy(host->process, subject->process, sizeof(host->process));
	error = inspect(&host->graft, subject->space);
	if (error)
		return error;
	*out = TAKE(native);
	return NULL;
}

void native_free(struct native *native)
{
	if (!native)
		return;
	family_free(native->family);
	for (size_t i = 0; i < native->hosts.n; i++)
		host_free(host_at(native, i), &native->reader);
	for (size_t i = 0; i < native->pasts.n; i++)
		vec_clear(&((struct past *)vec_at(&native->pasts, i))->sums);
	vec_clear(&native->hosts);
	vec_clear(&native->pasts);
	reader_clear(&native->reader);
	free(native);
}

static struct error *follow_from(struct native *native,
				 const struct heap_follow *follow)
{
	struct family_options options = {
		.graft = { native->options.mean_bytes, native->options.maps,
			   native->options.no_inuse },
		.children = follow->children,
		.is_launched = native->options.is_launched,
		.beat_ns = follow->beat_ns,
		.pokes = follow->pokes,
	};

	return family_start(native->pid, &options, &native->family);
}

/* While threads of the program may be held by us; 0: they are not. */
static void beat(const struct native *native, int64_t now_ns)
{
	if (native->beat_ns)
		atomic_store(native->beat_ns, now_ns);
}

/* What it had reserved before; later ones are told by the agent. */
static void find_reserved(struct host *host)
{
	size_t len;
	CLEANUP(free) char *maps = proc_read_maps(host->pid, host->pid, &len);

	if (maps)
		mapped_reserve_all(&host->mapped, maps, len);
}

/*
 * One that is launched waits in the stub until it is told to go on, so that
 * nothing of it is missed; one that runs is followed when its thread is back.
 */
struct error *native_start(struct native *native,
			   const struct heap_follow *follow,
			   struct poke *poke)
{
	struct host *host = host_at(native, 0);
	struct inject *inject = &host->graft.inject;
	bool is_wanted = follow->exec || follow->children;
	struct error *error = NULL;

	native->beat_ns = follow->beat_ns;
	native->pokes = follow->pokes;
	beat(native, clock_now_ns());
	if (native->options.maps)
		find_reserved(host);
	if (inject->is_running)
		error = attach_enter(inject, &native->held_ns);
	if (!error)
		error = graft_install(&host->graft, poke);
	poke->fd = native->mem_fd;
	host->start_ns = host->polled_ns = clock_now_ns();
	/* Last: who is seized stands at its next stop until family_go(). */
	if (!error && is_wanted) {
		error = follow_from(native, follow);
		if (error)
			native_stop(native);
		else
			family_go(native->family, &host->graft);
	}
	if (!native->family)
		beat(native, 0);
	inject_finish(inject);
	return error;
}

taddr native_agent_at(const struct native *native)
{
	return host_at(native, 0)->graft.inject.stub.a;
}

static struct host *find_host(const struct native *native, uint64_t session)
{
	for (size_t i = native->hosts.n; i-- > 0;) {
		struct host *host = host_at(native, i);

		if (!host->is_settled &&
		    host->graft.inject.stub.session == session)
			return host;
	}
	return NULL;
}

static void take_news(struct native *native)
{
	struct family_news news;
	struct host *host;

	while (native->family && family_take(native->family, &news)) {
		if (news.replaced) {
			host = find_host(native, news.replaced);
			if (host)
				host->was_replaced = true;
			continue;
		}
		host = add_host(native, &news.graft);
		host->pokes = native->pokes;
		host->poke = news.poke;
		host->start_ns = host->polled_ns = clock_now_ns();
		host->looked_ns = host->start_ns;
		host->maps = news.maps;
		host->maps_bytes = news.maps_bytes;
		if (news.maps)
			mapped_reserve_all(&host->mapped, news.maps,
					   news.maps_bytes);
		memcpy(host->process, news.comm, sizeof(host->process));
	}
}

/* A build has more children than anybody would keep. */
static void retire(struct native *native, size_t i)
{
	struct host *host = host_at(native, i);
	struct past past = { .pid = host->pid };

	memcpy(past.process, host->process, sizeof(past.process));
	host_settle(host, &native->reader);
	if (!i)
		return;
	host_count(host, &native->past_numbers);
	past.variance = host->variance;
	past.sums = host->sums;
	host->sums = VEC_OF(struct host_sum);
	if (past.sums.n)
		*(struct past *)vec_push(&native->pasts) = past;
	else
		vec_clear(&past.sums);
	host_free(host, &native->reader);
	vec_remove_swap(&native->hosts, i);
}

/* That it was replaced may be told a moment after its memory has gone. */
enum heap_state native_poll(struct native *native)
{
	enum heap_state state = HEAP_GONE;

	take_news(native);
	for (size_t i = native->hosts.n; i-- > 0;) {
		struct host *host = host_at(native, i);

		if (host->state == HEAP_GONE)
			retire(native, i);
		else if (host_poll(host, &native->reader) == HEAP_GONE)
			continue;
		else
			state = host->state;
	}
	if (native_is_following(native))
		return HEAP_RUNS;
	return state;
}

int64_t native_poll_wait_ns(const struct native *native)
{
	for (size_t i = 0; i < native->hosts.n; i++)
		if (host_is_busy(host_at(native, i)))
			return BUSY_POLL_NS;
	return POLL_NS;
}

bool native_has_ended(const struct native *native, int *out)
{
	return native->family && family_has_ended(native->family, out);
}

bool native_is_following(const struct native *native)
{
	return native->family && !family_is_over(native->family);
}

void native_stop(struct native *native)
{
	if (native->family)
		family_end(native->family);
	native_poll(native); /* what came meanwhile */
	for (size_t i = 0; i < native->hosts.n; i++) {
		beat(native, clock_now_ns());
		host_stop(host_at(native, i), &native->reader);
	}
	beat(native, 0);
}

/* Where there is one process, nobody wants to read of it in each sample. */
static uint32_t labels_of(struct native *native, pid_t pid,
			  const char *process)
{
	struct profile *profile = native->reader.registry->profile;
	struct profile_label labels[2];
	char number[16];

	if (native->n_images < 2)
		return profile_labels(profile, NULL, 0);
	snprintf(number, sizeof(number), "%d", (int)pid);
	labels[0] = (struct profile_label){
		.key = profile_string(profile, LABEL_PID),
		.str = profile_string(profile, number),
	};
	labels[1] = (struct profile_label){
		.key = profile_string(profile, LABEL_PROCESS),
		.str = profile_string(profile, process),
	};
	return profile_labels(profile, labels, 2);
}

/* Per stack, rounded once: a sample alone stands for 1.3 objects, say. */
static void add_samples(struct native *native, uint32_t labels,
			const struct vec *sums)
{
	struct profile *profile = native->reader.registry->profile;

	for (size_t i = 0; i < sums->n; i++) {
		const struct host_sum *sum = vec_at(sums, i);
		int64_t values[4];
		bool is_empty = true;

		for (size_t j = 0; j < 4; j++) {
			values[j] = llround(sum->values[j]);
			native->totals[j] += sum->values[j];
			is_empty &= !values[j];
		}
		if (!is_empty)
			profile_add_sample(profile, sum->stack, labels,
					   values);
	}
}

static void add_host_samples(struct native *native, struct host *host)
{
	host_sum(host, &native->reader);
	native->variance += host->variance;
	add_samples(native, labels_of(native, host->pid, host->process),
		    &host->sums);
}

static void add_past_samples(struct native *native, const struct past *past)
{
	native->variance += past->variance;
	add_samples(native, labels_of(native, past->pid, past->process),
		    &past->sums);
}

void native_fill(struct native *native)
{
	struct profile *profile = native->reader.registry->profile;

	profile_drop_samples(profile);
	native->variance = 0;
	memset(native->totals, 0, sizeof(native->totals));
	for (size_t i = 0; i < native->hosts.n; i++)
		add_host_samples(native, host_at(native, i));
	for (size_t i = 0; i < native->pasts.n; i++)
		add_past_samples(native, vec_at(&native->pasts, i));
}

static void count_family(struct native *native, struct heap_stats *stats)
{
	struct family_counts counts;

	if (!native->family)
		return;
	family_count(native->family, &counts);
	stats->n_children = counts.n_children;
	stats->n_programs = counts.n_programs;
	stats->n_left_out = counts.n_left_out;
	snprintf(stats->left_out, sizeof(stats->left_out), "%s", counts.why);
}

void native_count(struct native *native, struct heap_stats *stats)
{
	const struct heap_stats *past = &native->past_numbers;

	stats->exact_bytes = past->exact_bytes;
	stats->samples = past->samples;
	stats->n_dropped = past->n_dropped;
	stats->n_unlisted = past->n_unlisted;
	stats->n_slots = past->n_slots;
	stats->n_skipped = past->n_skipped;
	for (size_t i = 0; i < native->hosts.n; i++)
		host_count(host_at(native, i), stats);
	stats->held_ns = native->held_ns;
	stats->stood_ns = host_at(native, 0)->graft.entries.held_ns;
	stats->alloc_objects = native->totals[0];
	stats->alloc_bytes = native->totals[1];
	stats->inuse_objects = native->totals[2];
	stats->inuse_bytes = native->totals[3];
	stats->sigma = stats->alloc_bytes > 0
			       ? sqrt(native->variance) / stats->alloc_bytes
			       : 0;
	count_family(native, stats);
}
