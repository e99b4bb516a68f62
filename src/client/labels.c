/* SPDX-License-Identifier: MIT */
/*
 * labels.c - psample_label(): what a thread says of itself.
 *
 * Threads write into a table of ours, and psample, which is told where it is,
 * reads the entry of a thread when it stands (src/sampler/labels.c). So a
 * label costs nothing while nobody looks, and there is no lock: an entry is
 * claimed by its thread's id, and written by that thread alone, into the one
 * of two halves that does not count.
 */
#include "client/client.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TABLE_HASH 1024
#define TABLE_PROBES 8 /* entries that a tid may be in */
#define TEXT_BYTES 248
#define CLAIMED UINT32_MAX /* no tid */

struct label_entry {
	_Atomic uint32_t which;
	uint16_t n_bytes[2];
	char text[2][TEXT_BYTES]; /* "key\0value\0key\0value\0" */
	char spare[8];
};

static_assert(sizeof(struct label_entry) == 512, "psample counts on it");

static struct {
	_Alignas(64) char head[64]; /* for later */
	_Atomic uint32_t tids[2048]; /* 0: free */
	struct label_entry entries[TABLE_HASH + TABLE_PROBES];
} table; /* zero pages, but for those in use */

static pthread_key_t exit_key; /* value: index of the entry, plus one */
static bool has_key;

uintptr_t client_labels_address(void)
{
	return (uintptr_t)&table;
}

void client_labels_forget(void)
{
	for (size_t i = 0; i < TABLE_HASH + TABLE_PROBES; i++)
		if (atomic_load(&table.tids[i]))
			atomic_store(&table.tids[i], 0);
}

static void release_entry(void *value)
{
	atomic_store(&table.tids[(uintptr_t)value - 1], 0);
}

static void __attribute__((constructor(101))) make_key(void)
{
	has_key = !pthread_key_create(&exit_key, release_entry);
}

static void __attribute__((destructor(101))) delete_key(void)
{
	if (has_key)
		pthread_key_delete(exit_key);
}

/* A tid may be used again, by a thread that has said nothing yet. */
static bool is_dead(uint32_t tid)
{
	return syscall(SYS_tgkill, getpid(), tid, 0) && errno == ESRCH;
}

/* Nobody's until it is empty: else what a dead thread said would be ours. */
static bool claim_entry(size_t i, uint32_t was, uint32_t tid)
{
	if (!atomic_compare_exchange_strong(&table.tids[i], &was, CLAIMED))
		return false;
	table.entries[i].n_bytes[0] = table.entries[i].n_bytes[1] = 0;
	atomic_store(&table.tids[i], tid);
	if (has_key)
		pthread_setspecific(exit_key, (void *)(uintptr_t)(i + 1));
	return true;
}

/* The calling thread's, made if it has none; NULL if there is no room. */
static struct label_entry *own_entry(void)
{
	uint32_t tid = (uint32_t)syscall(SYS_gettid), was;
	size_t first = tid % TABLE_HASH, end = first + TABLE_PROBES;

	for (size_t i = first; i < end; i++)
		if (atomic_load(&table.tids[i]) == tid)
			return &table.entries[i];
	for (size_t i = first; i < end; i++)
		if (!atomic_load(&table.tids[i]) && claim_entry(i, 0, tid))
			return &table.entries[i];
	for (size_t i = first; i < end; i++) {
		was = atomic_load(&table.tids[i]);
		if (was != CLAIMED && is_dead(was) &&
		    claim_entry(i, was, tid))
			return &table.entries[i];
	}
	return NULL;
}

/* All pairs of @from but that of @key; how many bytes. */
static size_t copy_others(char *to, const char *from, size_t n_bytes,
			  const char *key)
{
	size_t n = 0;

	for (const char *p = from; p < from + n_bytes;) {
		size_t len = strlen(p) + 1;

		len += strlen(p + len) + 1;
		if (strcmp(p, key)) {
			memcpy(to + n, p, len);
			n += len;
		}
		p += len;
	}
	return n;
}

static int change(struct label_entry *entry, const char *key,
		  const char *value, struct psample_error *error)
{
	uint32_t now = atomic_load(&entry->which) & 1, next = !now;
	size_t key_len = strlen(key) + 1;
	size_t value_len = value ? strlen(value) + 1 : 0;
	char *text = entry->text[next];
	size_t n = copy_others(text, entry->text[now], entry->n_bytes[now],
			       key);

	if (value && (key_len > TEXT_BYTES || value_len > TEXT_BYTES ||
		      n + key_len + value_len > TEXT_BYTES))
		return client_fail(error, E2BIG, "the labels of a thread have "
				   "%d bytes together", TEXT_BYTES);
	if (value) {
		memcpy(text + n, key, key_len);
		memcpy(text + n + key_len, value, value_len);
		n += key_len + value_len;
	}
	entry->n_bytes[next] = (uint16_t)n;
	atomic_store_explicit(&entry->which, next, memory_order_release);
	return 0;
}

int psample_label(const char *key, const char *value,
		  struct psample_error *error)
{
	int saved_errno = errno, result;
	struct label_entry *entry;

	if (!key || !*key || (value && !*value) || !strncmp(key, "pprof::", 7))
		return client_fail(error, EINVAL, "a label has a key and a "
				   "value, and pprof:: is pprof's");
	entry = own_entry();
	result = entry ? change(entry, key, value, error)
		       : client_fail(error, ENOSPC, "there is no room for "
				     "labels of one more thread");
	if (!result)
		client_succeed(error);
	errno = saved_errno;
	return result;
}
