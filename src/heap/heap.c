/* SPDX-License-Identifier: MIT */
/*
 * heap.c - turn Go's own heap profiler on from outside, read it, turn it off.
 *
 * Every allocation of Go looks at runtime.MemProfileRate, so a plain write
 * turns sampling on at once, also in programs that the linker has found not
 * to need it (runtime.disableMemoryProfiling, since Go 1.17). A wrong address
 * would be somebody else's data: it is checked from several sides first.
 */
#include "heap/heap.h"

#include <math.h>

#include "heap/go_profile.h"
#include "heap/native.h"
#include "sampler/gaps.h"
#include "sampler/naming.h"
#include "target/permission.h"
#include "target/proc.h"
#include "util/clock.h"
#include "util/log.h"

#define RATE_MAX (UINT64_C(1) << 40)
#define POLL_MIN_NS (20 * NS_PER_MS)
#define POLL_COST 50 /* a read may take one part in so many of the time */
#define SIZE_NS (50 * NS_PER_MS)
#define READY_WAIT_NS (5 * NS_PER_S)
#define INIT_WAIT_NS (20 * NS_PER_MS)

struct heap {
	struct heap_options options;
	pid_t pid;
	int mem_fd;
	struct registry registry;
	struct subject *subject;
	struct go_program program;
	struct go_buckets buckets;
	struct go_weights weights;
	struct poke *poke; /* NULL: not started */
	taddr rate, head;  /* addresses of the two variables */
	int64_t start_ns, last_cost_ns;
	struct heap_stats stats;
	struct native *native; /* NULL: Go; of the above only pid, mem_fd,
				* registry, subject, start_ns, stats */
	struct heap_follow follow; /* of native */
	int64_t sized_ns; /* when take_size() has looked last */
};

static size_t read_memory(void *ctx, taddr addr, void *buf, size_t len)
{
	const struct heap *heap = ctx;

	return memfile_read(heap->mem_fd, addr, buf, len);
}

static bool read_word(struct heap *heap, taddr addr, uint64_t *out)
{
	return read_memory(heap, addr, out, sizeof(*out)) == sizeof(*out);
}

/* The module whose code is Go's: the program, or a library with Go in it. */
static bool find_module(struct heap *heap)
{
	const struct space *space = heap->subject->space;

	for (uint32_t id = 0; id < space_n_mappings(space); id++) {
		const struct mapping *mapping = space_mapping(space, id);
		uint64_t vaddr;

		if (!mapping->is_live || !mapping->is_executable ||
		    !mapping->module || !mapping->module->is_elf ||
		    !mapping_vaddr(mapping, mapping->start, &vaddr))
			continue;
		heap->program.table = gopclntab_open(mapping->module);
		if (!heap->program.table)
			continue;
		heap->program.module = mapping->module;
		heap->program.bias = mapping->start - vaddr;
		return true;
	}
	return false;
}

/* The address of the variable at @vaddr; 0 if it cannot be one. */
static taddr place_variable(const struct heap *heap, uint64_t vaddr)
{
	taddr addr = vaddr + heap->program.bias;
	const struct mapping *mapping = space_find(heap->subject->space, addr);

	if (!mapping || !mapping->is_writable || !mapping->is_private ||
	    mapping->is_executable || addr % 8 ||
	    mapping->end - addr < sizeof(uint64_t))
		return 0;
	return addr;
}

static struct error *refuse(const struct heap *heap, struct error *error)
{
	return error_wrap(error, "cannot profile the heap of %d (%s)",
			  (int)heap->pid, heap->subject->process);
}

/* Not Go: it is given an agent. */
static struct error *inspect_native(struct heap *heap)
{
	uint64_t mean_bytes = heap->options.mean_bytes;
	struct native_options options = {
		.mean_bytes = mean_bytes ? mean_bytes : HEAP_MEAN_DEFAULT,
		.is_launched = heap->options.is_launched,
		.maps = heap->options.maps,
		.no_inuse = heap->options.no_inuse,
		.wants_leaks = heap->options.wants_leaks,
	};

	if (options.maps)
		options.mean_bytes = 1;
	heap->stats.maps = options.maps;
	if (heap->options.is_launched && heap->options.is_delayed)
		return error_hint(error_new("it is not a Go program, and "
					    "--delay is not for others that "
					    "are launched"),
				  "try:   -p PID, later");
	heap->stats.is_native = true;
	heap->stats.mean_bytes = options.mean_bytes;
	return native_open(heap->pid, heap->mem_fd, &options,
			   &heap->registry, heap->subject, &heap->native);
}

/* All that can be known before anything is changed. */
static struct error *inspect(struct heap *heap)
{
	struct error *error;
	uint64_t rate;

	if (!find_module(heap))
		return inspect_native(heap);
	if (heap->options.maps)
		return error_hint(error_new("it is a Go program, whose "
					    "runtime asks the kernel itself"),
				  "try:   -e heap");
	if (heap->options.wants_leaks)
		return error_hint(error_new("it is a Go program, which does "
					    "not say when an object was "
					    "made"),
				  "try:   -e heap; two profiles and go tool "
				  "pprof -base show what grows");
	error = go_vars_find(heap->program.module, heap->program.table,
			     &heap->program.vars);
	if (error)
		return error;
	heap->rate = place_variable(heap, heap->program.vars.rate);
	heap->head = place_variable(heap, heap->program.vars.buckets);
	if (!heap->rate || !heap->head)
		return error_new("the variables of its profile are not in "
				 "writable memory");
	if (!read_word(heap, heap->rate, &rate))
		return error_new("its memory cannot be read");
	if (rate > RATE_MAX)
		return error_new("its MemProfileRate is %lld, which is no "
				 "rate", (long long)rate);
	heap->stats.minor = heap->program.vars.minor;
	heap->buckets.has_no_bytes = heap->stats.minor >= 27;
	if (go_buckets_read(&heap->buckets, heap->head) != GO_BUCKETS_OK)
		return error_hint(error_new("its heap profile is not laid out "
					    "as Go 1.12 to 1.%d do",
					    GO_MINOR_MAX),
				  "try:   -e cpu, or a newer psample");
	return NULL;
}

struct error *heap_open(pid_t pid, const struct heap_options *options,
			struct heap **out)
{
	CLEANUP(heap_free) struct heap *heap = NULL;
	struct error *error = NULL;

	if (!options->is_launched) /* else it is ours, and held by us */
		error = attach_check(pid);
	if (error)
		return error;
	heap = xcalloc(1, sizeof(*heap));
	heap->options = *options;
	heap->stats.no_inuse = options->no_inuse;
	heap->pid = pid;
	heap->mem_fd = -1;
	registry_init(&heap->registry, profile_new());
	heap->subject = subject_new(&heap->registry, pid, NULL);
	go_buckets_init(&heap->buckets, read_memory, heap);
	error = memfile_open(pid, &heap->mem_fd);
	if (error)
		return error;
	subject_prepare(&heap->registry, heap->subject, pid);
	subject_count_stack(&heap->registry, heap->subject);
	error = inspect(heap);
	if (error)
		return refuse(heap, error);
	*out = TAKE(heap);
	return NULL;
}

void heap_free(struct heap *heap)
{
	if (!heap)
		return;
	if (heap->poke) {
		poke_undo(heap->poke);
		memfile_unlock(heap->mem_fd);
	}
	native_free(heap->native);
	go_buckets_clear(&heap->buckets);
	gopclntab_close(heap->program.table);
	subject_free(heap->subject);
	registry_clear(&heap->registry);
	if (heap->mem_fd >= 0)
		close(heap->mem_fd);
	free(heap);
}

/*
 * A program that begins sets the rate itself (runtime.schedinit): to 0 if
 * nothing in it needs the profile. Behind that comes its second thread. But
 * from Go 1.17 to 1.19 it is 0 until the runtime's variables have their
 * values, soon after that thread has begun.
 */
static void await_runtime(struct heap *heap)
{
	int64_t bound_ns = clock_now_ns() + READY_WAIT_NS, second_ns = 0, now;
	bool is_late = heap->stats.minor >= 17 && heap->stats.minor <= 19;
	struct timespec moment = timespec_of_ns(NS_PER_MS / 10);
	uint64_t rate;

	while ((now = clock_now_ns()) < bound_ns &&
	       read_word(heap, heap->rate, &rate)) {
		if (!second_ns &&
		    proc_status_number(heap->pid, "Threads") != 1)
			second_ns = now;
		if (is_late ? second_ns && (rate || now - second_ns >
							   INIT_WAIT_NS)
			    : !rate || second_ns)
			return;
		nanosleep(&moment, NULL);
	}
}

/*
 * Two who change the rate would each take the other's value for the
 * program's own, and leave it there: whoever comes second only reads.
 */
static struct error *set_rate(struct heap *heap)
{
	struct heap_stats *stats = &heap->stats;
	bool is_alone = memfile_lock(heap->mem_fd);
	uint64_t before;

	if (!read_word(heap, heap->rate, &before))
		return refuse(heap, error_new("it has ended"));
	stats->mean_before = before;
	stats->mean_bytes = heap->options.mean_bytes;
	if (!stats->mean_bytes)
		stats->mean_bytes = before ? before : HEAP_MEAN_DEFAULT;
	heap->weights.rate_before = before;
	heap->weights.rate = stats->mean_bytes;
	if (stats->mean_bytes == before) {
		if (is_alone)
			memfile_unlock(heap->mem_fd);
		return NULL;
	}
	if (!is_alone)
		return error_hint(refuse(heap, error_new(
			"another psample sets its MemProfileRate now")),
			"try:   again when that one has ended");
	switch (poke_write(heap->poke, heap->mem_fd, heap->rate, before,
			   stats->mean_bytes)) {
	case POKE_DONE:
		return NULL;
	case POKE_OTHER:
		return refuse(heap, error_new("somebody else changes its "
					      "MemProfileRate right now"));
	case POKE_GONE:
		break;
	}
	return refuse(heap, error_new("it has ended, or its memory cannot be "
				      "written"));
}

struct error *heap_start(struct heap *heap, struct poke *poke)
{
	enum go_buckets_result result;
	struct error *error;

	heap->registry.profile->time_ns = clock_wall_ns();
	heap->start_ns = clock_now_ns();
	if (heap->native) {
		heap->poke = poke;
		error = native_start(heap->native, &heap->follow, poke);
		return error ? refuse(heap, error) : NULL;
	}
	if (heap->options.is_launched)
		await_runtime(heap);
	heap->poke = poke;
	/* What a launched program has allocated so far is of the run. */
	if (!heap->options.is_launched) {
		result = go_buckets_read(&heap->buckets, heap->head);
		if (result != GO_BUCKETS_OK)
			return refuse(heap, error_new("its heap profile "
						      "cannot be read"));
		go_buckets_mark(&heap->buckets);
	}
	return set_rate(heap);
}

static void count_values(struct heap *heap)
{
	struct heap_stats *stats = &heap->stats;
	double variance = 0;

	stats->samples = 0;
	stats->alloc_bytes = stats->alloc_objects = 0;
	stats->inuse_bytes = stats->inuse_objects = 0;
	for (size_t i = 0; i < heap->buckets.list.n; i++) {
		const struct go_bucket *bucket =
			vec_at(&heap->buckets.list, i);
		struct go_values v = go_bucket_values(bucket, &heap->weights);
		double size = (double)bucket->size;
		double weight = go_scale(1, bucket->size, heap->weights.rate);

		stats->samples += v.samples;
		stats->alloc_objects += v.alloc_objects;
		stats->alloc_bytes += v.alloc_objects * size;
		stats->inuse_objects += v.inuse_objects;
		stats->inuse_bytes += v.inuse_objects * size;
		/* Horvitz and Thompson: (1 - p) / p^2 of each, p = 1 / w. */
		variance += (double)v.samples * size * size * weight *
			    (weight - 1);
	}
	stats->sigma = stats->alloc_bytes > 0
			       ? sqrt(variance) / stats->alloc_bytes : 0;
}

/* RssAnon is in kB. */
static void take_size(struct heap *heap)
{
	int64_t kb = proc_status_number(heap->pid, "RssAnon");

	if (kb > 0)
		heap->stats.rss_bytes = (uint64_t)kb << 10;
}

static enum heap_state poll_native(struct heap *heap)
{
	struct heap_stats *stats = &heap->stats;
	int64_t begin_ns = clock_now_ns();
	enum heap_state state = native_poll(heap->native);

	stats->read_ns += clock_now_ns() - begin_ns;
	stats->n_reads++;
	stats->has_ended = state == HEAP_GONE;
	stats->elapsed_ns = begin_ns - heap->start_ns;
	if (state == HEAP_RUNS && begin_ns - heap->sized_ns > SIZE_NS) {
		heap->sized_ns = begin_ns;
		take_size(heap);
	}
	native_count(heap->native, stats);
	return state;
}

enum heap_state heap_poll(struct heap *heap)
{
	struct heap_stats *stats = &heap->stats;
	int64_t begin_ns = clock_now_ns();
	enum go_buckets_result result;
	uint64_t rate = 0;

	if (heap->native)
		return poll_native(heap);
	result = go_buckets_read(&heap->buckets, heap->head);
	heap->last_cost_ns = clock_now_ns() - begin_ns;
	stats->read_ns += heap->last_cost_ns;
	stats->n_reads++;
	stats->n_buckets = heap->buckets.list.n;
	stats->has_ended = result == GO_BUCKETS_GONE;
	if (result == GO_BUCKETS_OK && read_word(heap, heap->rate, &rate)) {
		stats->elapsed_ns = begin_ns - heap->start_ns;
		stats->rate_was_changed |= rate != heap->weights.rate;
	}
	count_values(heap);
	switch (result) {
	case GO_BUCKETS_OK:
		return HEAP_RUNS;
	case GO_BUCKETS_GONE:
		return HEAP_GONE;
	case GO_BUCKETS_BAD:
		break;
	}
	/* A process that ends loses its memory bit by bit. */
	return read_word(heap, heap->head, &rate) ? HEAP_BROKEN : HEAP_GONE;
}

int64_t heap_poll_wait_ns(const struct heap *heap)
{
	int64_t wait_ns = heap->last_cost_ns * POLL_COST;

	if (heap->native)
		return native_poll_wait_ns(heap->native);
	return wait_ns > POLL_MIN_NS ? wait_ns : POLL_MIN_NS;
}

struct error *heap_stop(struct heap *heap)
{
	enum heap_state state = heap_poll(heap);
	enum poke_result result;

	if (heap->native && state == HEAP_RUNS)
		take_size(heap);
	if (heap->native)
		native_stop(heap->native);
	result = poke_undo(heap->poke);
	memfile_unlock(heap->mem_fd);
	heap->poke = NULL;
	if (heap->native) {
		native_count(heap->native, &heap->stats);
		return NULL;
	}
	if (result == POKE_OTHER)
		log_warning("somebody else has set MemProfileRate of %d; it "
			    "is left as it is", (int)heap->pid);
	if (state == HEAP_BROKEN)
		return refuse(heap, error_new("its heap profile makes no "
					      "sense any more"));
	return NULL;
}

void heap_follow(struct heap *heap, const struct heap_follow *follow)
{
	heap->follow = *follow;
}

bool heap_has_ended(const struct heap *heap, int *out)
{
	return heap->native && native_has_ended(heap->native, out);
}

bool heap_is_following(const struct heap *heap)
{
	return heap->native && native_is_following(heap->native);
}

taddr heap_agent_at(const struct heap *heap)
{
	return heap->native ? native_agent_at(heap->native) : 0;
}

const struct heap_stats *heap_stats(const struct heap *heap)
{
	return &heap->stats;
}

/* The value that a table has: what was allocated, or is in use. */
static size_t shown_type(const struct heap *heap)
{
	return heap->options.shows_alloc ? 1 : 3;
}

/* Of memory that is mapped they have other names: nobody adds up the two. */
static void add_types(const struct heap *heap, struct profile *profile)
{
	static const char *const types[2][4] = {
		{ "alloc_objects", "alloc_space", "inuse_objects",
		  "inuse_space" },
		{ "mmap_objects", "mmap_space", "mapped_objects",
		  "mapped_space" },
	};
	const char *const *names = types[heap->options.maps];
	int n = heap->options.no_inuse ? 2 : 4;

	for (int i = 0; i < n; i++)
		profile_add_type(profile, names[i],
				 i % 2 ? "bytes" : "count");
	profile->period_type = (struct value_type){
		profile_string(profile, "space"),
		profile_string(profile, "bytes"),
	};
	profile->default_type = profile_string(profile,
					       names[shown_type(heap)]);
}

struct profile *heap_profile(struct heap *heap, struct symbolizer *symbolizer)
{
	struct profile *profile = heap->registry.profile;

	if (!profile->n_types)
		add_types(heap, profile);
	profile->period = (int64_t)heap->stats.mean_bytes;
	profile->duration_ns = heap->stats.elapsed_ns;
	if (heap->native) {
		native_fill(heap->native);
		native_count(heap->native, &heap->stats);
		naming_symbolize(&heap->registry, symbolizer);
		return profile;
	}
	go_profile_fill(&heap->registry, heap->subject, &heap->program,
			&heap->buckets, &heap->weights);
	go_profile_symbolize(&heap->registry, &heap->program, symbolizer);
	return profile;
}

void heap_find_gaps(const struct heap *heap, struct symbolizer *symbolizer,
		    struct vec *out)
{
	*out = VEC_OF(struct gap);
	if (heap->native)
		gaps_find(&heap->registry, symbolizer, shown_type(heap), out);
}
