/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ring.c - anything that a target may write into the memory which the
 * agent shares with psample: counters, records of samples, live objects.
 *
 * The input is the head of struct agent_shared, live objects and records,
 * each with some of its stack. Stacks are walked over our own mappings.
 */
#include "fuzz.h"
#include "heap/native.c"
#include "util/io.h"

#define RECORD_BYTES 320 /* of the input */
#define LIVE_MAX 4
#define HEAD_BYTES 64
#define RUNS_PER_SUBJECT 512

static struct agent_shared *shared;
static struct registry registry; /* kept for some runs: 5 ms to make */
static struct subject *subject;
static struct unwinder *unwinder;

/* An address of the input leads into our code, or to nothing. */
static uint64_t code_address(uint64_t word)
{
	return word >> 63 ? word
			  : (uint64_t)(uintptr_t)native_poll + (word & 0xffff);
}

static size_t take_head(const uint8_t *data, size_t size)
{
	size_t n = size < HEAD_BYTES ? size : HEAD_BYTES;

	memset(shared, 0, HEAD_BYTES);
	memcpy(shared, data, n);
	shared->tail = 0;
	for (size_t i = 0; i < LIVE_MAX; i++) {
		struct agent_live *live = &shared->live[i][i];

		memset(live, 0, sizeof(*live));
		if (size - n >= sizeof(*live)) {
			memcpy(live, data + n, sizeof(*live));
			n += sizeof(*live);
		}
	}
	return n;
}

static void take_records(const uint8_t *data, size_t size)
{
	size_t n = 0;

	for (size_t at = 0; at < size && n < 32; at += RECORD_BYTES, n++) {
		struct agent_record *record = &shared->records[n];
		size_t len = size - at;

		memset(record, 0, RECORD_BYTES);
		memcpy(record, data + at,
		       len < RECORD_BYTES ? len : RECORD_BYTES);
		record->pc = code_address(record->pc);
	}
	memset(&shared->records[n % AGENT_RECORDS], 0, RECORD_BYTES);
}

static void run_native(void)
{
	struct heap_stats stats = { 0 };
	struct native native = {
		.registry = &registry,
		.subject = subject,
		.inject = { .shared = shared, .mem_fd = -1 },
		.unwinder = unwinder,
		.frames.list = VEC_OF(struct frame),
		.locations = VEC_OF(location_id),
		.kept = VEC_OF(struct kept),
		.constants.mean_bytes = 524288,
		.truncated = profile_pseudo_location(registry.profile,
						     "[truncated]"),
	};

	slots_init(&native.slots);
	for (int i = 0; i < 3; i++) {
		native.stuck_ns = 1; /* what is not whole is given up */
		native_poll(&native);
	}
	native_fill(&native, false);
	native_fill(&native, true);
	native_count(&native, &stats);
	slots_clear(&native.slots);
	vec_clear(&native.frames.list);
	vec_clear(&native.locations);
	vec_clear(&native.kept);
}

static void open_subject(void)
{
	struct walk_options walk = { .max_depth = WALK_DEPTH_DEFAULT };

	registry_init(&registry, profile_new());
	for (int i = 0; i < 4; i++)
		profile_add_type(registry.profile, "x", "y");
	subject = subject_new(&registry, getpid(), NULL);
	subject_prepare(&registry, subject, getpid());
	unwinder = unwinder_new(&walk);
}

static void close_subject(void)
{
	unwinder_free(unwinder);
	subject_free(subject);
	registry_clear(&registry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned int n_runs;
	size_t n;

	if (!shared)
		shared = xcalloc(1, sizeof(*shared));
	if (n_runs == 0)
		open_subject();
	n = take_head(data, size);
	take_records(data + n, size - n);
	run_native();
	error_free(profile_check(registry.profile));
	n_runs = (n_runs + 1) % RUNS_PER_SUBJECT;
	if (n_runs == 0)
		close_subject();
	return 0;
}
