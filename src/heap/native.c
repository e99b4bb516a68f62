/* SPDX-License-Identifier: MIT */
/* native.c - malloc and its family, in a program that begins or runs. */
#include "heap/native.h"

#include <math.h>
#include <stddef.h>

#include "heap/attach.h"
#include "heap/go_buckets.h"
#include "heap/inject.h"
#include "heap/mapped.h"
#include "heap/slots.h"
#include "sampler/options.h"
#include "unwind/walk.h"
#include "util/clock.h"
#include "util/log.h"

#define POLL_NS (5 * NS_PER_MS)
#define BUSY_POLL_NS (NS_PER_MS / 2)
#define LOOK_NS (20 * NS_PER_MS)  /* for new modules */
#define STUCK_NS (200 * NS_PER_MS) /* a record that is never finished */

static_assert(SAMPLER_AGENT_BYTES == AGENT_CONSTANTS_AT, "it has a name");

/* One sample that was taken; its id is its index plus 1. */
struct kept {
	stack_id stack; /* NO_ID: its record was lost */
	uint64_t size;
	int64_t seen_ns; /* a poll later than it was made, at most */
	bool is_live;	 /* add_mapped() has found a piece of it */
};

struct sums { /* of one stack */
	double values[4];
};

struct native {
	struct inject inject;
	struct slots slots;
	struct agent_constants constants;
	struct registry *registry;
	struct subject *subject;
	struct unwinder *unwinder;
	struct frames frames;
	struct vec locations; /* location_id, of one stack */
	struct vec kept;      /* struct kept */
	struct mapped mapped; /* ids as those of kept */
	location_id truncated;
	uint64_t n_lost, n_drained;
	int64_t held_ns; /* how long a running one's thread was stopped */
	bool is_taken;	 /* by another psample */
	uint64_t exact_bytes; /* as read_exact() has it */
	int64_t start_ns, polled_ns, looked_ns, stuck_ns;
	double alloc_bytes, alloc_objects, inuse_bytes, inuse_objects;
	double variance;
};

static void find_stack_end(struct native *native)
{
	const struct space *space = native->subject->space;

	for (uint32_t id = 0; id < space_n_mappings(space); id++) {
		const struct mapping *m = space_mapping(space, id);

		if (m->is_live && !strcmp(m->path, "[stack]"))
			native->constants.stack_end = m->end;
	}
}

static struct error *inspect(struct native *native)
{
	struct inject *inject = &native->inject;
	struct space *space = native->subject->space;
	struct error *error = NULL;

	if (!inject->is_running)
		error = inject_await_modules(inject);
	if (error)
		return error;
	space_refresh(space);
	error = inject->is_running ? attach_inspect(inject, space)
				   : inject_prepare(inject, space);
	if (error)
		return error;
	if (!slots_find_originals(&native->slots, inject->mem_fd,
				  inject->debug))
		return error_new("no module of it defines %s",
				 native->slots.maps ? "mmap" : "malloc");
	find_stack_end(native);
	return inject->is_running ? NULL : inject_enter(inject);
}

struct error *native_open(pid_t pid, int mem_fd,
			  const struct native_options *options,
			  struct registry *registry, struct subject *subject,
			  struct native **out)
{
	CLEANUP(native_free) struct native *native =
		xcalloc(1, sizeof(*native));
	struct walk_options walk = { .max_depth = WALK_DEPTH_DEFAULT };
	struct error *error;

	native->inject.pid = pid;
	native->inject.mem_fd = mem_fd;
	native->registry = registry;
	native->subject = subject;
	native->unwinder = unwinder_new(&walk);
	native->frames.list = VEC_OF(struct frame);
	native->locations = VEC_OF(location_id);
	native->kept = VEC_OF(struct kept);
	mapped_init(&native->mapped);
	native->constants.mean_bytes = options->mean_bytes;
	native->inject.is_running = !options->is_launched;
	native->constants.seed = (uint64_t)clock_now_ns();
	for (size_t i = 0; i < ARRAY_SIZE(native->constants.log2); i++)
		native->constants.log2[i] =
			(uint32_t)lround(log2(1 + (double)i / 256) * 65536);
	slots_init(&native->slots);
	native->slots.maps = options->maps;
	native->truncated =
		profile_pseudo_location(registry->profile, "[truncated]");
	error = inspect(native);
	if (error)
		return error;
	*out = TAKE(native);
	return NULL;
}

void native_free(struct native *native)
{
	if (!native)
		return;
	inject_clear(&native->inject);
	slots_clear(&native->slots);
	unwinder_free(native->unwinder);
	vec_clear(&native->frames.list);
	vec_clear(&native->locations);
	vec_clear(&native->kept);
	mapped_clear(&native->mapped);
	free(native);
}

static struct error *install(struct native *native, struct poke *poke)
{
	struct inject *inject = &native->inject;
	struct slots *slots = &native->slots;
	struct error *error = NULL;

	if (inject->is_running)
		error = attach_enter(inject, &native->held_ns);
	if (!error)
		error = inject_install(inject, &native->constants);
	if (!error)
		error = inject_activate(inject, poke);
	if (error)
		return error;
	inject_wrappers(inject, slots->wrappers);
	slots_patch(slots, inject->mem_fd, inject->debug);
	return NULL;
}

struct error *native_start(struct native *native, struct poke *poke)
{
	struct error *error;

	memcpy(native->constants.originals, native->slots.originals,
	       sizeof(native->slots.originals));
	native->constants.shared = native->inject.stub.b;
	error = install(native, poke);
	native->start_ns = native->polled_ns = clock_now_ns();
	inject_finish(&native->inject);
	return error;
}

taddr native_agent_at(const struct native *native)
{
	return native->inject.stub.a;
}

static void make_snapshot(const struct agent_record *record,
			  struct snapshot *out)
{
	static const enum cpu_reg order[] = { CPU_R15, CPU_R14, CPU_R13,
					      CPU_R12, CPU_RBX, CPU_FP };

	*out = (struct snapshot){
		.base = record->sp,
		.bytes = record->stack,
		.n_bytes = record->n_stack < AGENT_STACK_BYTES
				   ? record->n_stack : AGENT_STACK_BYTES,
	};
	out->is_cut = out->n_bytes == AGENT_STACK_BYTES;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		regs_set(&out->regs, order[i], record->regs[i]);
	regs_set(&out->regs, CPU_SP, record->sp);
	regs_set(&out->regs, CPU_PC, record->pc - 1); /* within the call */
}

/* Who called operator new is of interest, not that it calls malloc. */
static void drop_operator_new(struct native *native)
{
	struct vec *list = &native->frames.list;
	struct frame *frames = list->data;
	size_t n = 0;

	while (n + 1 < list->n &&
	       slots_is_operator_new(&native->slots, frames[n].addr))
		n++;
	memmove(frames, frames + n, (list->n - n) * sizeof(*frames));
	list->n -= n;
}

static stack_id walk_record(struct native *native,
			    const struct agent_record *record)
{
	struct snapshot snapshot;

	make_snapshot(record, &snapshot);
	unwinder_walk(native->unwinder, native->subject->space, &snapshot,
		      &native->frames);
	drop_operator_new(native);
	native->locations.n = 0;
	subject_locate(native->registry, native->subject, &native->frames,
		       &native->locations);
	if (native->frames.end != WALK_ROOT)
		*(location_id *)vec_push(&native->locations) =
			native->truncated;
	return profile_stack(native->registry->profile,
			     native->locations.data, native->locations.n);
}

/* The record with index @index is begun: is it whole, or given up? */
static bool is_settled(struct native *native, uint64_t sequence,
		       uint64_t index)
{
	int64_t now = clock_now_ns();

	if (sequence == index + 1) {
		native->stuck_ns = 0;
		return true;
	}
	if (!native->stuck_ns)
		native->stuck_ns = now;
	if (now - native->stuck_ns < STUCK_NS)
		return false;
	native->stuck_ns = 0; /* its thread was ended in the middle */
	return true;
}

/* Of the kinds that are not of this run, a slot may still make some. */
static void keep_record(struct native *native, struct kept *kept,
			const struct agent_record *record)
{
	bool is_mapped = record->kind == AGENT_MAPPED;

	if (native->slots.maps && record->kind == AGENT_UNMAPPED)
		mapped_remove(&native->mapped, record->addr, record->size);
	if (native->slots.maps ? !is_mapped
			       : record->kind != AGENT_ALLOCATED)
		return;
	kept->size = record->size;
	kept->seen_ns = native->polled_ns;
	if (is_mapped)
		mapped_add(&native->mapped, record->addr, record->size,
			   native->kept.n);
	kept->stack = walk_record(native, record);
}

static void drain(struct native *native)
{
	struct agent_shared *b = native->inject.shared;
	uint64_t head = __atomic_load_n(&b->head, __ATOMIC_ACQUIRE);
	uint64_t tail = native->kept.n;

	native->n_drained = head - tail;
	for (; tail < head && head - tail <= AGENT_RECORDS; tail++) {
		const struct agent_record *record =
			&b->records[tail % AGENT_RECORDS];
		uint64_t sequence = __atomic_load_n(&record->sequence,
						    __ATOMIC_ACQUIRE);
		struct kept *kept;

		if (!is_settled(native, sequence, tail))
			return;
		kept = vec_push(&native->kept);
		kept->stack = NO_ID;
		if (sequence == tail + 1)
			keep_record(native, kept, record);
		else
			native->n_lost++;
		__atomic_store_n(&b->tail, tail + 1, __ATOMIC_RELEASE);
		b->drops_in_row = 0;
	}
}

/*
 * The process is gone, and @sum lacks what was left on its counters: what was
 * read last may be more, but for a request then under way that has failed.
 */
static void take_last_sum(struct native *native, uint64_t sum)
{
	uint64_t left_max = AGENT_COUNTERS * native->constants.mean_bytes;

	if (native->exact_bytes < sum || native->exact_bytes - sum > left_max)
		native->exact_bytes = sum;
}

/* It fell silent under an earlier session, and we were too early. */
static void wake_counter(struct native *native, size_t i)
{
	struct agent_counter zeros = { 0 };

	memfile_write(native->inject.mem_fd,
		      native->inject.stub.a + AGENT_STATE_AT +
			      offsetof(struct agent_state, counters) +
			      i * sizeof(zeros),
		      &zeros, sizeof(zeros));
}

/*
 * What all threads have asked for: what was taken off their counters at each
 * draw, and since then. The latter ends with the process; it is less than a
 * sample's distance for each thread.
 */
static void read_exact(struct native *native)
{
	CLEANUP(free) struct agent_counter *counters =
		xmalloc(AGENT_COUNTERS * sizeof(*counters));
	const struct agent_shared *b = native->inject.shared;
	size_t bytes = AGENT_COUNTERS * sizeof(*counters);
	uint64_t sum = b->counted_bytes - b->failed_bytes;

	if (native->slots.maps) {
		native->exact_bytes = b->mapped_bytes;
		return;
	}
	if (memfile_read(native->inject.mem_fd,
			 native->inject.stub.a + AGENT_STATE_AT +
				 offsetof(struct agent_state, counters),
			 counters, bytes) != bytes) {
		take_last_sum(native, sum);
		return;
	}
	for (size_t i = 0; i < AGENT_COUNTERS; i++) {
		if (counters[i].draw >= AGENT_SILENT)
			wake_counter(native, i);
		else if (counters[i].random &&
			 counters[i].left <= counters[i].draw)
			sum += (uint64_t)(counters[i].draw -
					  counters[i].left);
	}
	native->exact_bytes = sum;
}

/*
 * New modules: where they are must be known before their samples are walked,
 * when the process may have ended.
 */
static void take_modules(struct native *native)
{
	space_refresh(native->subject->space);
	slots_patch(&native->slots, native->inject.mem_fd,
		    native->inject.debug);
}

static void look_around(struct native *native)
{
	const struct inject *inject = &native->inject;

	native->is_taken = !inject_is_owner(inject);
	if (native->is_taken)
		return;
	if (slots_are_stale(&native->slots, inject->mem_fd, inject->debug))
		take_modules(native);
	read_exact(native);
}

enum heap_state native_poll(struct native *native)
{
	const struct inject *inject = &native->inject;
	int64_t now = clock_now_ns();
	uint64_t word;
	bool is_there = memfile_read(inject->mem_fd, inject->debug, &word,
				     sizeof(word)) == sizeof(word);

	native->polled_ns = now;
	inject->shared->beat++;
	drain(native);
	if (is_there && now - native->looked_ns >= LOOK_NS) {
		native->looked_ns = now;
		look_around(native);
	}
	if (!is_there)
		read_exact(native);
	return !is_there ? HEAP_GONE
	       : native->is_taken ? HEAP_TAKEN : HEAP_RUNS;
}

int64_t native_poll_wait_ns(const struct native *native)
{
	return native->n_drained > AGENT_RECORDS / 8 ? BUSY_POLL_NS : POLL_NS;
}

void native_stop(struct native *native)
{
	if (!inject_is_owner(&native->inject))
		return;
	slots_restore(&native->slots, native->inject.mem_fd);
	native->polled_ns = clock_now_ns();
	drain(native);
	read_exact(native);
	inject_leave(&native->inject);
}

/* Samples taken over samples that came through. */
static double lost_factor(const struct native *native)
{
	const struct agent_shared *b = native->inject.shared;
	double came = (double)(native->kept.n - native->n_lost);

	return came > 0 ? 1 + (double)(b->n_dropped + native->n_lost) / came
			: 1;
}

static struct sums *sums_of(struct vec *sums, stack_id stack)
{
	while (sums->n <= stack)
		vec_push(sums);
	return vec_at(sums, stack);
}

static void add_allocated(struct native *native, struct vec *sums)
{
	double mean = (double)native->constants.mean_bytes;
	double factor = lost_factor(native);

	for (size_t i = 0; i < native->kept.n; i++) {
		const struct kept *kept = vec_at(&native->kept, i);
		double weight, size = (double)kept->size;
		struct sums *sum;

		if (kept->stack == NO_ID)
			continue;
		weight = go_scale(1, kept->size, (uint64_t)mean);
		native->variance += size * size * weight * (weight - 1);
		sum = sums_of(sums, kept->stack);
		sum->values[0] += weight * factor;
		sum->values[1] += weight * factor * size;
	}
}

/* Objects that were sampled and not freed stand in the agent's table. */
static void add_live(struct native *native, struct vec *sums,
		     int64_t until_ns)
{
	const struct agent_shared *b = native->inject.shared;
	double factor = lost_factor(native);

	for (size_t i = 0; i < AGENT_BUCKETS * AGENT_WAYS; i++) {
		struct agent_live live =
			b->live[i / AGENT_WAYS][i % AGENT_WAYS];
		const struct kept *kept;
		struct sums *sum;
		double weight;

		if (live.ptr <= 1 || !live.id || live.id > native->kept.n)
			continue;
		kept = vec_at(&native->kept, live.id - 1);
		if (kept->stack == NO_ID || kept->seen_ns > until_ns)
			continue;
		weight = factor * go_scale(1, kept->size,
					   native->constants.mean_bytes);
		sum = sums_of(sums, kept->stack);
		sum->values[2] += weight;
		sum->values[3] += weight * (double)kept->size;
	}
}

/* Of what was mapped, all that was not unmapped. */
static void add_mapped(struct native *native, struct vec *sums)
{
	for (size_t i = 0; i < native->kept.n; i++)
		((struct kept *)vec_at(&native->kept, i))->is_live = false;
	for (size_t i = 0; i < native->mapped.pieces.n; i++) {
		const struct mapped_piece *piece =
			vec_at(&native->mapped.pieces, i);
		struct kept *kept = vec_at(&native->kept, piece->id - 1);
		struct sums *sum = sums_of(sums, kept->stack);

		sum->values[2] += !kept->is_live;
		sum->values[3] += (double)(piece->end - piece->start);
		kept->is_live = true;
	}
}

/* Per stack, rounded once: a sample alone stands for 1.3 objects, say. */
void native_fill(struct native *native, bool leaks_only)
{
	int64_t run_ns = native->polled_ns - native->start_ns;
	struct profile *profile = native->registry->profile;
	struct vec sums = VEC_OF(struct sums);
	double total[4] = { 0, 0, 0, 0 };

	profile->samples.n = 0;
	map_reset(&profile->sample_index);
	native->variance = 0;
	add_allocated(native, &sums);
	if (native->slots.maps)
		add_mapped(native, &sums);
	else
		add_live(native, &sums,
			 leaks_only ? native->start_ns + run_ns / 10 * 9
				    : INT64_MAX);
	for (size_t i = 0; i < sums.n; i++) {
		const struct sums *sum = vec_at(&sums, i);
		int64_t values[4];
		bool is_empty = true;

		for (size_t j = 0; j < 4; j++) {
			values[j] = llround(sum->values[j]);
			total[j] += sum->values[j];
			is_empty &= !values[j];
		}
		if (!is_empty)
			profile_add_sample(profile, (stack_id)i,
					   profile_labels(profile, NULL, 0),
					   values);
	}
	native->alloc_objects = total[0];
	native->alloc_bytes = total[1];
	native->inuse_objects = total[2];
	native->inuse_bytes = total[3];
	vec_clear(&sums);
}

void native_count(struct native *native, struct heap_stats *stats)
{
	const struct agent_shared *b = native->inject.shared;

	stats->exact_bytes = (double)native->exact_bytes;
	stats->samples = native->kept.n + b->n_dropped;
	stats->n_dropped = b->n_dropped + native->n_lost;
	stats->n_unlisted = b->n_unlisted;
	if (native->slots.list.n) /* else they are put back */
		stats->n_slots = native->slots.list.n;
	stats->n_skipped = native->slots.n_skipped;
	stats->held_ns = native->held_ns;
	stats->alloc_bytes = native->alloc_bytes;
	stats->alloc_objects = native->alloc_objects;
	stats->inuse_bytes = native->inuse_bytes;
	stats->inuse_objects = native->inuse_objects;
	stats->sigma = native->alloc_bytes > 0
			       ? sqrt(native->variance) / native->alloc_bytes
			       : 0;
}
