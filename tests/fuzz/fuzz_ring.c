/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ring.c - anything that a target may write into the memory which the
 * agent shares with psample: counters, records of samples, live objects.
 *
 * The input is the head of struct agent_shared, live objects and records,
 * each with some of its stack. Stacks are walked over our own mappings.
 */
#include <math.h>

#include "fuzz.h"
#include "heap/host.c"
#include "util/io.h"

#define RECORD_BYTES 320 /* of the input */
#define LIVE_MAX 4
#define HEAD_BYTES 64
#define RUNS_PER_SUBJECT 512

static struct agent_shared *shared;
static struct registry registry; /* kept for some runs: 5 ms to make */
static struct subject *subject;
static struct reader reader;

/* An address of the input leads into our code, or to nothing. */
static uint64_t code_address(uint64_t word)
{
	return word >> 63 ? word
			  : (uint64_t)(uintptr_t)host_poll + (word & 0xffff);
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

static void add_samples(const struct host *host)
{
	for (size_t i = 0; i < host->sums.n; i++) {
		const struct host_sum *sum = vec_at(&host->sums, i);
		int64_t values[4];

		for (int j = 0; j < 4; j++)
			values[j] = (int64_t)llround(sum->values[j]);
		profile_add_sample(registry.profile, sum->stack,
				   profile_labels(registry.profile, NULL, 0),
				   values);
	}
}

static void run_host(void)
{
	struct heap_stats stats = { 0 };
	struct host host = {
		.subject = subject,
		.graft.inject = { .shared = shared, .mem_fd = -1 },
		.graft.constants.mean_bytes = 524288,
		.sums = VEC_OF(struct host_sum),
	};

	kept_init(&host.kept);
	slots_init(&host.graft.slots);
	for (int i = 0; i < 3; i++) {
		host.state = HEAP_RUNS;
		host.stuck_ns = 1; /* what is not whole is given up */
		host_poll(&host, &reader);
		subject->tid = getpid();
	}
	reader.wants_leaks = false;
	host_sum(&host, &reader);
	reader.wants_leaks = true;
	host_sum(&host, &reader);
	add_samples(&host);
	host_count(&host, &stats);
	slots_clear(&host.graft.slots);
	kept_clear(&host.kept);
	vec_clear(&host.sums);
}

static void open_subject(void)
{
	registry_init(&registry, profile_new());
	for (int i = 0; i < 4; i++)
		profile_add_type(registry.profile, "x", "y");
	subject = subject_new(&registry, getpid(), NULL);
	subject_prepare(&registry, subject, getpid());
	reader_init(&reader, &registry);
}

static void close_subject(void)
{
	reader_clear(&reader);
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
	run_host();
	error_free(profile_check(registry.profile));
	n_runs = (n_runs + 1) % RUNS_PER_SUBJECT;
	if (n_runs == 0)
		close_subject();
	return 0;
}
