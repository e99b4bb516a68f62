/* SPDX-License-Identifier: MIT */
/* labels.c - read libpsample's table of labels. */
#include "sampler/labels.h"

#include <assert.h>
#include <string.h>

#include "target/tracee.h"

#define TABLE_HASH 1024
#define TABLE_PROBES 8
#define TABLE_HEAD 64

/* As in src/client/labels.c. */
struct label_entry {
	uint32_t which; /* of the two, for the other may be half written */
	uint16_t n_bytes[2];
	uint8_t text[2][LABELS_TEXT_BYTES];
	uint8_t spare[8];
};

static_assert(sizeof(struct label_entry) == 512, "given by libpsample");

static taddr tid_address(taddr table, size_t index)
{
	return table + TABLE_HEAD + index * sizeof(uint32_t);
}

static taddr entry_address(taddr table, size_t index)
{
	return table + TABLE_HEAD + 8192 + index * sizeof(struct label_entry);
}

uint32_t labels_read(pid_t tid, taddr table, uint8_t *out)
{
	uint32_t tids[TABLE_PROBES];
	struct label_entry entry;
	size_t first = (uint32_t)tid % TABLE_HASH, i = 0, which;

	if (target_read(tid, tid_address(table, first), tids, sizeof(tids)) !=
	    sizeof(tids))
		return 0;
	while (i < TABLE_PROBES && tids[i] != (uint32_t)tid)
		i++;
	if (i == TABLE_PROBES ||
	    target_read(tid, entry_address(table, first + i), &entry,
			sizeof(entry)) != sizeof(entry))
		return 0;
	which = entry.which & 1;
	if (entry.n_bytes[which] > LABELS_TEXT_BYTES)
		return 0;
	memcpy(out, entry.text[which], entry.n_bytes[which]);
	return entry.n_bytes[which];
}

/* The next string of @text; NULL at its end, or if it does not end there. */
static const char *next_string(const uint8_t **text, const uint8_t *end)
{
	const char *string = (const char *)*text;
	const uint8_t *zero = memchr(*text, 0, (size_t)(end - *text));

	if (!zero)
		return NULL;
	*text = zero + 1;
	return string;
}

uint32_t labels_add(struct profile *profile, uint32_t base,
		    const uint8_t *text, size_t n_bytes)
{
	struct profile_label labels[LABELS_MAX + 4];
	const uint8_t *end = text + n_bytes;
	size_t n;
	const struct profile_label *before =
		profile_label_set(profile, base, &n);

	if (!n_bytes || n > 4 ||
	    profile->label_sets.entries.n > LABELS_SETS_MAX)
		return base;
	memcpy(labels, before, n * sizeof(*labels));
	while (n < ARRAY_SIZE(labels)) {
		const char *key = next_string(&text, end), *value = NULL;

		if (key)
			value = next_string(&text, end);
		if (!value)
			break;
		/* profile.proto has no use for an empty key or value. */
		if (!*key || !*value)
			continue;
		labels[n++] = (struct profile_label){
			.key = profile_string(profile, key),
			.str = profile_string(profile, value),
		};
	}
	return profile_labels(profile, labels, n);
}
