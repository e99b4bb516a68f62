/* SPDX-License-Identifier: MIT */
/*
 * fuzz_memory.c - any memory of a target, from address 0 on: the dynamic
 * linker's list, symbols and slots, Go's buckets, libpsample's labels.
 */
#include <sys/mman.h>

#include "fuzz.h"
#include "heap/go_buckets.h"
#include "heap/slots.h"
#include "sampler/labels.h"
#include "target/memfile.h"
#include "util/io.h"

#define DEBUG_AT 8 /* struct r_debug, unless the program headers say so */
#define WRAPPER UINT64_C(0x500000000000)

static size_t read_bucket(void *ctx, taddr addr, void *buf, size_t len)
{
	return memfile_read(*(int *)ctx, addr, buf, len);
}

static void run_slots(int fd)
{
	taddr debug = link_find_debug(fd, 64, 4);
	struct slots slots;

	link_is_dynamic(fd, 64, 4);
	if (!debug)
		debug = DEBUG_AT;
	link_is_consistent(fd, debug);
	slots_init(&slots);
	for (uint64_t i = 0; i < N_AGENT_FUNCTIONS; i++)
		slots.wrappers[i] = WRAPPER + 16 * i;
	if (slots_find_originals(&slots, fd, debug)) {
		slots_patch(&slots, fd, debug);
		slots_are_stale(&slots, fd, debug);
		slots_patch(&slots, fd, debug);
		slots_is_operator_new(&slots, debug);
		slots_restore(&slots, fd);
		if (slots.list.n)
			abort();
	}
	slots_clear(&slots);
}

static void run_buckets(int fd)
{
	struct go_buckets buckets;

	go_buckets_init(&buckets, read_bucket, &fd);
	for (int i = 0; i < 2; i++) {
		go_buckets_read(&buckets, 0);
		go_buckets_mark(&buckets);
	}
	for (size_t i = 0; i < buckets.list.n; i++) {
		const struct go_bucket *bucket = vec_at(&buckets.list, i);

		if (bucket->first_pc + bucket->n_pcs > buckets.pcs.n ||
		    bucket->now.frees > bucket->now.allocs)
			abort();
	}
	go_buckets_clear(&buckets);
}

static void run_labels(const uint8_t *data, size_t size)
{
	struct profile *profile = profile_new();
	uint32_t none = profile_labels(profile, NULL, 0);

	for (size_t at = 0; at < size; at += LABELS_TEXT_BYTES) {
		size_t n = size - at;

		labels_add(profile, none, data + at,
			   n < LABELS_TEXT_BYTES ? n : LABELS_TEXT_BYTES);
	}
	profile_free(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("memory", MFD_CLOEXEC);

	if (fd < 0 || !io_write_full(fd, data, size))
		abort();
	run_labels(data, size);
	run_buckets(fd);
	run_slots(fd);
	close(fd);
	return 0;
}
