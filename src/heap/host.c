/* SPDX-License-Identifier: MIT */
/* host.c - one memory image with the agent in it, as it is read. */
#include "heap/host.h"

#include <stddef.h>

#include "heap/go_buckets.h"
#include "sampler/options.h"
#include "unwind/walk.h"
#include "util/clock.h"

#define LOOK_NS (20 * NS_PER_MS)  /* for new modules */
#define STUCK_NS (200 * NS_PER_MS) /* a record that is never finished */

static_assert(SAMPLER_AGENT_BYTES == AGENT_CONSTANTS_AT, "it has a name");

struct sums { double values[4]; }; /* of one stack */

void reader_init(struct reader *reader, struct registry *registry)
{
	struct walk_options walk = { .max_depth = WALK_DEPTH_DEFAULT };

	*reader = (struct reader){
		.registry = registry,
		.unwinder = unwinder_new(&walk),
		.frames.list = VEC_OF(struct frame),
		.locations = VEC_OF(location_id),
		.sums = VEC_OF(struct sums),
		.truncated = profile_pseudo_location(registry->profile,
						     "[truncated]"),
	};
}

void reader_clear(struct reader *reader)
{
	unwinder_free(reader->unwinder);
	vec_clear(&reader->frames.list);
	vec_clear(&reader->locations);
	vec_clear(&reader->sums);
}

struct host *host_new(const struct graft *graft)
{
	struct host *host = xcalloc(1, sizeof(*host));

	host->graft = *graft;
	host->pid = graft->inject.pid;
	kept_init(&host->kept);
	host->sums = VEC_OF(struct host_sum);
	mapped_init(&host->mapped);
	return host;
}

/* What is needed to read it. */
static void let_go(struct host *host, struct reader *reader)
{
	if (host->owns_subject && host->subject) {
		unwinder_forget(reader->unwinder, host->subject->space);
		subject_free(host->subject);
	}
	host->subject = NULL;
	free(host->maps);
	host->maps = NULL;
	graft_clear(&host->graft);
	kept_clear(&host->kept);
	mapped_clear(&host->mapped);
}

static void silence(struct host *host)
{
	if (host->poke)
		pokes_give(host->pokes, host->poke);
	host->poke = NULL;
}

void host_free(struct host *host, struct reader *reader)
{
	if (!host)
		return;
	silence(host);
	let_go(host, reader);
	vec_clear(&host->sums);
	free(host);
}

bool host_is_there(const struct host *host)
{
	const struct inject *inject = &host->graft.inject;
	uint64_t word;

	return memfile_read(inject->mem_fd, inject->debug, &word,
			    sizeof(word)) == sizeof(word);
}

static void make_snapshot(const struct agent_record *record,
			  struct snapshot *out)
{
	static const enum cpu_reg order[] = { CPU_R15, CPU_R14, CPU_R13,
					      CPU_R12, CPU_RBX, CPU_FP };

	*out = (struct snapshot){
		.base = record->sp,
		.bytes = record->stack,
		/* Read once: the target may change it meanwhile. */
		.n_bytes = __atomic_load_n(&record->n_stack, __ATOMIC_RELAXED),
	};
	out->is_cut = out->n_bytes >= AGENT_STACK_BYTES;
	if (out->is_cut)
		out->n_bytes = AGENT_STACK_BYTES;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		regs_set(&out->regs, order[i], record->regs[i]);
	regs_set(&out->regs, CPU_SP, record->sp);
	regs_set(&out->regs, CPU_PC, record->pc - 1); /* within the call */
}

/* Who called operator new is of interest, not that it calls malloc. */
static void drop_operator_new(const struct host *host,
			      struct reader *reader)
{
	struct vec *list = &reader->frames.list;
	struct frame *frames = list->data;
	size_t n = 0;

	while (n + 1 < list->n &&
	       slots_is_operator_new(&host->graft.slots, frames[n].addr))
		n++;
	memmove(frames, frames + n, (list->n - n) * sizeof(*frames));
	list->n -= n;
}

/*
 * Its maps as they were at the start serve where its process has ended
 * meanwhile, or runs another program.
 */
static void meet(struct host *host, struct reader *reader)
{
	struct maps_record *maps;
	bool was_there;

	if (host->subject)
		return;
	maps = xcalloc(1, sizeof(*maps) + host->maps_bytes);
	maps->n_bytes = (uint32_t)host->maps_bytes;
	if (host->maps)
		memcpy(maps->text, host->maps, host->maps_bytes);
	do {
		was_there = host_is_there(host);
		subject_free(host->subject);
		host->subject = subject_new(reader->registry, host->pid, NULL);
		subject_take_maps(host->subject, maps);
		subject_prepare(reader->registry, host->subject,
				was_there ? host->pid : -1);
	} while (was_there && !host_is_there(host));
	host->owns_subject = true;
	free(maps);
}

static stack_id walk_record(struct host *host, struct reader *reader,
			    const struct agent_record *record)
{
	struct snapshot snapshot;

	subject_count_stack(reader->registry, host->subject);
	make_snapshot(record, &snapshot);
	unwinder_walk(reader->unwinder, host->subject->space, &snapshot,
		      &reader->frames);
	drop_operator_new(host, reader);
	reader->locations.n = 0;
	subject_locate(reader->registry, host->subject, &reader->frames,
		       &reader->locations);
	if (reader->frames.end != WALK_ROOT)
		*(location_id *)vec_push(&reader->locations) =
			reader->truncated;
	return profile_stack(reader->registry->profile,
			     reader->locations.data, reader->locations.n);
}

/* The record with index @index is begun: is it whole, or given up? */
static bool is_settled(struct host *host, uint64_t sequence,
		       uint64_t index)
{
	int64_t now = clock_now_ns();

	if (sequence == index + 1) {
		host->stuck_ns = 0;
		return true;
	}
	if (!host->stuck_ns)
		host->stuck_ns = now;
	if (host->state != HEAP_GONE && now - host->stuck_ns < STUCK_NS)
		return false;
	host->stuck_ns = 0; /* its thread was ended in the middle */
	return true;
}

/* What a call has made usable, in bytes. */
static uint64_t take_mapping(struct host *host,
			     const struct agent_record *record)
{
	struct mapped *mapped = &host->mapped;
	uint64_t addr = record->addr, size = record->size;
	uint64_t id = host->kept.n_records;

	switch (record->kind) {
	case AGENT_MAPPED:
		mapped_add(mapped, addr, size, id);
		host->mapped_bytes += size;
		return size;
	case AGENT_OPENED:
		size = mapped_open(mapped, addr, size, id);
		host->opened_bytes += size;
		return size;
	case AGENT_UNMAPPED:
		mapped_remove(mapped, addr, size);
		break;
	case AGENT_RESERVED:
		mapped_reserve(mapped, addr, size);
		break;
	case AGENT_CLOSED:
		mapped_close(mapped, addr, size);
		break;
	}
	return 0;
}

/* Of the kinds that are not of this run, a slot may still make some. */
static void keep_record(struct host *host, struct reader *reader,
			const struct agent_record *record)
{
	struct kept sample = { .size = record->size,
			       .seen_ns = host->sample_ns };

	if (host->graft.slots.maps) {
		sample.size = take_mapping(host, record);
		if (!sample.size)
			return;
	} else if (record->kind != AGENT_ALLOCATED) {
		return;
	}
	sample.stack = walk_record(host, reader, record);
	kept_add(&host->kept, &sample,
		 go_scale(1, sample.size, host->graft.constants.mean_bytes));
}

/* What was freed needs no sample any more. */
static void forget_free(struct host *host)
{
	const struct agent_shared *b = host->graft.inject.shared;
	const struct mapped_piece *pieces = host->mapped.pieces.data;
	bool maps = host->graft.slots.maps;
	size_t n = maps ? host->mapped.pieces.n
			: host->graft.slots.no_inuse
				? 0 : AGENT_BUCKETS * AGENT_WAYS;
	CLEANUP(free) uint64_t *ids = xcalloc(n + 1, sizeof(*ids));

	for (size_t i = 0; i < n; i++)
		ids[i] = maps ? pieces[i].id
			      : b->live[i / AGENT_WAYS][i % AGENT_WAYS].id;
	kept_forget(&host->kept, ids, n);
}

/*
 * When the next one of @n_left was made: those that came since the last poll,
 * which may be long ago on a busy machine, count as evenly spread.
 */
static void date_sample(struct host *host, uint64_t n_left)
{
	int64_t left_ns = host->polled_ns - host->sample_ns;

	host->sample_ns += left_ns / (int64_t)n_left;
}

static void drain(struct host *host, struct reader *reader)
{
	struct agent_shared *b = host->graft.inject.shared;
	uint64_t head = __atomic_load_n(&b->head, __ATOMIC_ACQUIRE);
	uint64_t tail = host->kept.n_records;

	if (kept_is_full(&host->kept))
		forget_free(host);
	host->n_drained = head - tail;
	if (head != tail)
		meet(host, reader);
	if (host->sample_ns < host->start_ns)
		host->sample_ns = host->start_ns;
	for (; tail < head && head - tail <= AGENT_RECORDS; tail++) {
		const struct agent_record *record =
			&b->records[tail % AGENT_RECORDS];
		uint64_t sequence = __atomic_load_n(&record->sequence,
						    __ATOMIC_ACQUIRE);

		if (!is_settled(host, sequence, tail))
			return;
		date_sample(host, head - tail);
		host->kept.n_records++;
		if (sequence == tail + 1)
			keep_record(host, reader, record);
		else
			host->n_lost++;
		__atomic_store_n(&b->tail, tail + 1, __ATOMIC_RELEASE);
		b->drops_in_row = 0;
	}
	host->sample_ns = host->polled_ns;
}

/*
 * The process is gone, and @sum lacks what was left on its counters: what was
 * read last may be more, but for a request then under way that has failed.
 */
static void take_last_sum(struct host *host, uint64_t sum)
{
	uint64_t left_max = AGENT_COUNTERS * host->graft.constants.mean_bytes;

	if (host->exact_bytes < sum || host->exact_bytes - sum > left_max)
		host->exact_bytes = sum;
}

/* It fell silent under an earlier session, and we were too early. */
static void wake_counter(struct host *host, size_t i)
{
	struct agent_counter zeros = { 0 };

	memfile_write(host->graft.inject.mem_fd,
		      host->graft.inject.stub.a + AGENT_STATE_AT +
			      offsetof(struct agent_state, counters) +
			      i * sizeof(zeros),
		      &zeros, sizeof(zeros));
}

/*
 * What all threads have asked for: what was taken off their counters at each
 * draw, and since then. The latter ends with the process; it is less than a
 * sample's distance for each thread.
 */
static void read_exact(struct host *host)
{
	CLEANUP(free) struct agent_counter *counters =
		xmalloc(AGENT_COUNTERS * sizeof(*counters));
	const struct agent_shared *b = host->graft.inject.shared;
	size_t bytes = AGENT_COUNTERS * sizeof(*counters);
	uint64_t sum = b->counted_bytes - b->failed_bytes;

	if (host->graft.slots.maps) {
		host->exact_bytes = b->mapped_bytes + host->opened_bytes;
		return;
	}
	if (memfile_read(host->graft.inject.mem_fd,
			 host->graft.inject.stub.a + AGENT_STATE_AT +
				 offsetof(struct agent_state, counters),
			 counters, bytes) != bytes) {
		take_last_sum(host, sum);
		return;
	}
	for (size_t i = 0; i < AGENT_COUNTERS; i++) {
		if (counters[i].draw >= AGENT_SILENT)
			wake_counter(host, i);
		else if (counters[i].random &&
			 counters[i].left <= counters[i].draw)
			sum += (uint64_t)(counters[i].draw -
					  counters[i].left);
	}
	host->exact_bytes = sum;
}

/*
 * New modules: where they are must be known before their samples are walked,
 * when the process may have ended.
 */
static void take_modules(struct host *host)
{
	space_refresh(host->subject->space);
	slots_patch(&host->graft.slots, host->graft.inject.mem_fd,
		    host->graft.inject.debug);
}

static void look_around(struct host *host, struct reader *reader)
{
	const struct inject *inject = &host->graft.inject;

	if (!inject_is_owner(inject)) {
		/* What has gone meanwhile is read whole by the next poll. */
		if (host_is_there(host))
			host->state = HEAP_TAKEN;
		return;
	}
	meet(host, reader);
	if (!inject->is_static &&
	    slots_are_stale(&host->graft.slots, inject->mem_fd, inject->debug))
		take_modules(host);
	read_exact(host);
}

enum heap_state host_poll(struct host *host, struct reader *reader)
{
	const struct inject *inject = &host->graft.inject;
	int64_t now = clock_now_ns();
	bool is_there;

	if (host->state != HEAP_RUNS)
		return host->state;
	is_there = host_is_there(host);
	if (!is_there)
		host->state = HEAP_GONE;
	if (!is_there && host->subject) /* other memory is there by now */
		host->subject->tid = -1;
	host->polled_ns = now;
	inject->shared->beat++;
	drain(host, reader);
	if (is_there && now - host->looked_ns >= LOOK_NS) {
		host->looked_ns = now;
		look_around(host, reader);
	}
	if (!is_there)
		read_exact(host);
	return host->state;
}

bool host_is_busy(const struct host *host)
{
	return host->n_drained > AGENT_RECORDS / 8;
}

void host_stop(struct host *host, struct reader *reader)
{
	struct inject *inject = &host->graft.inject;

	if (host->is_settled)
		return;
	if (!inject_is_owner(inject)) {
		host_poll(host, reader); /* it may just have ended */
		return;
	}
	host->n_slots = graft_count(&host->graft);
	graft_restore(&host->graft);
	host->polled_ns = clock_now_ns();
	drain(host, reader);
	read_exact(host);
	inject_leave(inject);
	silence(host);
}

/*
 * Samples taken over samples that came through. What is mapped is counted in
 * bytes, since a call may be a JIT's mprotect(2), which maps nothing.
 */
static double lost_factor(const struct host *host)
{
	const struct agent_shared *b = host->graft.inject.shared;
	double came = (double)(host->kept.n_records - host->n_lost);

	if (host->graft.slots.maps)
		return host->mapped_bytes && b->mapped_bytes
			       ? (double)b->mapped_bytes /
					 (double)host->mapped_bytes
			       : 1;
	return came > 0 ? 1 + (double)(b->n_dropped + host->n_lost) / came
			: 1;
}

static struct sums *sums_of(struct vec *sums, stack_id stack)
{
	while (sums->n <= stack)
		vec_push(sums);
	return vec_at(sums, stack);
}

static void add_allocated(struct host *host, struct vec *sums)
{
	double factor = lost_factor(host);

	for (size_t i = 0; i < host->kept.sums.n; i++) {
		const struct kept_sum *kept = vec_at(&host->kept.sums, i);
		struct sums *sum = sums_of(sums, kept->stack);

		sum->values[0] += kept->objects * factor;
		sum->values[1] += kept->bytes * factor;
	}
	host->variance = host->kept.variance;
}

/* Objects that were sampled and not freed stand in the agent's table. */
static void add_live(const struct host *host, struct vec *sums,
		     int64_t until_ns)
{
	/* Without samples a look would be the first one at each page. */
	size_t n = host->kept.n_records ? AGENT_BUCKETS * AGENT_WAYS : 0;
	const struct agent_shared *b = host->graft.inject.shared;
	double factor = lost_factor(host);

	for (size_t i = 0; i < n; i++) {
		struct agent_live live =
			b->live[i / AGENT_WAYS][i % AGENT_WAYS];
		const struct kept *kept;
		struct sums *sum;
		double weight;

		if (live.ptr <= 1)
			continue;
		kept = kept_find(&host->kept, live.id);
		if (!kept || kept->seen_ns > until_ns)
			continue;
		weight = factor * go_scale(1, kept->size,
					   host->graft.constants.mean_bytes);
		sum = sums_of(sums, kept->stack);
		sum->values[2] += weight;
		sum->values[3] += weight * (double)kept->size;
	}
}

/* Of what was mapped, all that was not unmapped. */
static void add_mapped(struct host *host, struct vec *sums)
{
	for (size_t i = 0; i < host->kept.list.n; i++)
		((struct kept *)vec_at(&host->kept.list, i))->is_live = false;
	for (size_t i = 0; i < host->mapped.pieces.n; i++) {
		const struct mapped_piece *piece =
			vec_at(&host->mapped.pieces, i);
		struct kept *kept = kept_find(&host->kept, piece->id);
		struct sums *sum;

		if (!kept)
			continue;
		sum = sums_of(sums, kept->stack);
		sum->values[2] += !kept->is_live;
		sum->values[3] += (double)(piece->end - piece->start);
		kept->is_live = true;
	}
}

/* In use of what was replaced is nothing, of what has ended all it had. */
static void add_in_use(struct host *host, struct reader *reader)
{
	int64_t run_ns = host->polled_ns - host->start_ns;

	if (host->was_replaced || host->graft.slots.no_inuse)
		return;
	if (host->graft.slots.maps)
		add_mapped(host, &reader->sums);
	else
		add_live(host, &reader->sums,
			 reader->wants_leaks
				 ? host->start_ns + run_ns / 10 * 9
				 : INT64_MAX);
}

void host_sum(struct host *host, struct reader *reader)
{
	if (host->is_settled)
		return;
	host->sums.n = 0;
	add_allocated(host, &reader->sums);
	add_in_use(host, reader);
	for (size_t i = 0; i < reader->sums.n; i++) {
		struct sums *sums = vec_at(&reader->sums, i);
		struct host_sum *sum;

		if (!sums->values[0] && !sums->values[2])
			continue;
		sum = vec_push(&host->sums);
		sum->stack = (stack_id)i;
		memcpy(sum->values, sums->values, sizeof(sum->values));
		*sums = (struct sums){ 0 };
	}
}

static void take_numbers(struct host *host)
{
	const struct agent_shared *b = host->graft.inject.shared;

	host->n_samples = host->kept.n_records + b->n_dropped;
	host->n_lost_all = b->n_dropped + host->n_lost;
	host->n_unlisted = b->n_unlisted;
	if (graft_count(&host->graft)) /* else they are put back */
		host->n_slots = graft_count(&host->graft);
	host->n_skipped = host->graft.slots.n_skipped;
}

void host_settle(struct host *host, struct reader *reader)
{
	if (host->is_settled)
		return;
	host_sum(host, reader);
	take_numbers(host);
	host->is_settled = true;
	silence(host);
	let_go(host, reader);
}

void host_count(struct host *host, struct heap_stats *stats)
{
	if (!host->is_settled)
		take_numbers(host);
	stats->exact_bytes += (double)host->exact_bytes;
	stats->samples += host->n_samples;
	stats->n_dropped += host->n_lost_all;
	stats->n_unlisted += host->n_unlisted;
	stats->n_slots += host->n_slots;
	stats->n_skipped += host->n_skipped;
}
