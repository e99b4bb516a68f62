/* SPDX-License-Identifier: MIT */
/* legacy.c - from addresses and values of an old format to a profile. */
#include "report/legacy.h"

#include <math.h>

#include "report/read.h"
#include "report/wrap.h"

struct legacy_sample *legacy_add_sample(struct legacy *legacy)
{
	struct legacy_sample *sample = vec_push(&legacy->samples);

	sample->first_address = legacy->addresses.n;
	return sample;
}

void legacy_add_address(struct legacy *legacy, uint64_t address)
{
	struct legacy_sample *sample =
		vec_at(&legacy->samples, legacy->samples.n - 1);

	*(uint64_t *)vec_push(&legacy->addresses) = address;
	sample->n_addresses++;
}

bool legacy_add_addresses(struct legacy *legacy, const char *text,
			  unsigned less)
{
	while ((text = strstr(text, "0x"))) {
		size_t n = strspn(text += 2, "0123456789abcdef");
		uint64_t address;

		if (!n)
			continue;
		if (!text_hex(text, &address))
			return false;
		legacy_add_address(legacy, address - less);
		text += n;
	}
	return true;
}

void legacy_add_type(struct legacy *legacy, const char *type,
		     const char *unit)
{
	struct pp *pp = legacy->pp;

	*(struct pp_type *)vec_push(&pp->types) =
		(struct pp_type){ pp_string(pp, type), pp_string(pp, unit) };
}

void legacy_set_period(struct legacy *legacy, const char *type,
		       const char *unit, int64_t period)
{
	struct pp *pp = legacy->pp;

	pp->period_type =
		(struct pp_type){ pp_string(pp, type), pp_string(pp, unit) };
	pp->period = period;
}

/* scale = 1 / (1 - e^(-size / rate)), for a Poisson process of bytes */
void legacy_scale(int64_t *count, int64_t *bytes, int64_t rate)
{
	double size, scale;

	if (!*count || !*bytes) {
		*count = *bytes = 0;
		return;
	}
	if (rate <= 1)
		return;
	size = (double)*bytes / (double)*count;
	scale = 1 / (1 - exp(-size / (double)rate));
	*count = int64_of_double((double)*count * scale);
	*bytes = int64_of_double((double)*bytes * scale);
}

enum legacy_outcome legacy_fail(struct legacy *legacy, const char *fmt, ...)
{
	CLEANUP(free) char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	error_free(legacy->error);
	legacy->error = error_new("%s", text);
	return LEGACY_BROKEN;
}

enum legacy_outcome legacy_fail_line(struct legacy *legacy,
				     const struct lines *lines)
{
	if (lines->is_too_long)
		return legacy_fail(legacy, "line %lu is longer than 64 KiB",
				   lines->number);
	return legacy_fail(legacy, "malformed sample: line %lu: %.80s",
			   lines->number, lines->text);
}

static uint32_t legacy_location(struct legacy *legacy, uint64_t address)
{
	struct pp *pp = legacy->pp;
	uint32_t index = map_get(&legacy->locations, address);
	struct pp_location *location;

	if (index != NO_ID)
		return index;
	index = (uint32_t)pp->locations.n;
	location = vec_push(&pp->locations);
	location->id = index + 1;
	location->address = address;
	location->mapping = NO_ID;
	map_put(&legacy->locations, address, index);
	return index;
}

static uint32_t legacy_labels(struct legacy *legacy,
			      const struct legacy_sample *sample)
{
	struct pp_label label = { .flags = PP_LABEL_IS_NUMBER };

	if (!sample->has_block)
		return 0;
	label.key = pp_string(legacy->pp, "bytes");
	label.num = sample->block_bytes;
	return pp_labels(legacy->pp, &label, 1);
}

static void legacy_make_sample(struct legacy *legacy,
			       const struct legacy_sample *sample)
{
	struct pp *pp = legacy->pp;
	size_t n = sample->n_addresses;
	const uint64_t *addresses =
		n ? vec_at(&legacy->addresses, sample->first_address) : NULL;
	uint32_t *frames;

	legacy->frames.n = 0;
	for (size_t i = 0; i < n; i++)
		*(uint32_t *)vec_push(&legacy->frames) =
			legacy_location(legacy, addresses[i]);
	frames = legacy->frames.data;
	if (legacy->has_double_leaves && n > 1 &&
	    addresses[0] == addresses[1] + 1)
		memmove(frames + 1, frames + 2, (--n - 1) * sizeof(*frames));
	memcpy(pp_sample(pp, pp_stack(pp, frames, n),
			 legacy_labels(legacy, sample)),
	       sample->values, pp->types.n * sizeof(int64_t));
}

enum legacy_outcome legacy_make_samples(struct legacy *legacy)
{
	const struct legacy_sample *samples = legacy->samples.data;

	if (legacy->samples.n && !legacy->pp->types.n)
		return legacy_fail(legacy, "malformed profile: missing "
					   "sample type information");
	for (size_t i = 0; i < legacy->samples.n; i++)
		legacy_make_sample(legacy, &samples[i]);
	return LEGACY_DONE;
}

enum legacy_outcome legacy_finish(struct legacy *legacy)
{
	enum legacy_outcome outcome = legacy_make_samples(legacy);

	return outcome == LEGACY_DONE ? legacy_find_mappings(legacy) : outcome;
}

/* --- frames that only say how the profile was made ---------------------- */

#define ALLOCATORS                                                            \
	"calloc|cfree|malloc|free|memalign|do_memalign|"                      \
	"(__)?posix_memalign|pvalloc|valloc|realloc|tcmalloc::.*|"            \
	"tc_calloc|tc_cfree|tc_malloc|tc_free|tc_memalign|"                   \
	"tc_posix_memalign|tc_pvalloc|tc_valloc|tc_realloc|tc_new|"           \
	"tc_delete|tc_newarray|tc_deletearray|tc_new_nothrow|"                \
	"tc_newarray_nothrow|malloc_zone_malloc|malloc_zone_calloc|"          \
	"malloc_zone_valloc|malloc_zone_realloc|malloc_zone_memalign|"        \
	"malloc_zone_free|runtime\\..*|BaseArena::.*|"                        \
	"(::)?do_malloc_no_errno|(::)?do_malloc_pages|(::)?do_malloc|"        \
	"DoSampledAllocation|MallocedMemBlock::MallocedMemBlock|"             \
	"_M_allocate|__builtin_(vec_)?delete|__builtin_(vec_)?new|"           \
	"__gnu_cxx::new_allocator::allocate|__libc_malloc|"                   \
	"__malloc_alloc_template::allocate|allocate|cpp_alloc|"               \
	"operator new(\\[\\])?|simple_alloc::allocate"
#define NOT_ALLOCATORS "runtime\\.panic|runtime\\.reflectcall|" \
	"runtime\\.call[0-9]*"
#define LOCKS                                                                 \
	"RecordLockProfileData|(base::)?RecordLockProfileData.*|"             \
	"(base::)?SubmitMutexProfileData.*|"                                  \
	"(base::)?SubmitSpinLockProfileData.*|(base::Mutex::)?AwaitCommon.*|" \
	"(base::Mutex::)?Unlock.*|(base::Mutex::)?UnlockSlow.*|"              \
	"(base::Mutex::)?ReaderUnlock.*|(base::MutexLock::)?~MutexLock.*|"    \
	"(Mutex::)?AwaitCommon.*|(Mutex::)?Unlock.*|(Mutex::)?UnlockSlow.*|"  \
	"(Mutex::)?ReaderUnlock.*|(MutexLock::)?~MutexLock.*|"                \
	"(SpinLock::)?Unlock.*|(SpinLock::)?SlowUnlock.*|"                    \
	"(SpinLockHolder::)?~SpinLockHolder.*"
#define PROFILERS                                                             \
	"ProfileData::Add|ProfileData::prof_handler|"                         \
	"CpuProfiler::prof_handler|__pthread_sighandler|__restore"

/* As pprof does for all but profile.proto, which says so itself. */
static void legacy_set_drop_frames(struct pp *pp)
{
	const struct pp_type *type = pp->types.data;
	const char *first = pp->types.n ? pp_text(pp, type->type) : "";
	size_t n = pp->types.n;
	bool is_heap = (n == 2 || n == 4) && strstr(first, "objects");
	bool is_lock = n == 2 && !strcmp(first, "contentions");

	pp->drop_frames = pp_string(pp, is_heap ? ALLOCATORS :
					is_lock ? LOCKS : PROFILERS);
	pp->keep_frames = pp_string(pp, is_heap ? NOT_ALLOCATORS : "");
}

static void legacy_reset(struct legacy *legacy)
{
	struct pp *pp = legacy->pp;

	pp->types.n = pp->mappings.n = pp->functions.n = pp->lines.n = 0;
	pp->locations.n = pp->samples.n = pp->n_rows = 0;
	pp->period = pp->duration_ns = 0;
	pp->period_type = (struct pp_type){ 0 };
	legacy->addresses.n = legacy->samples.n = 0;
	legacy->has_double_leaves = false;
	map_reset(&legacy->locations);
}

static void legacy_clear(struct legacy *legacy)
{
	vec_clear(&legacy->addresses);
	vec_clear(&legacy->samples);
	vec_clear(&legacy->frames);
	map_clear(&legacy->locations);
}

bool legacy_starts_at(const char *data, size_t len)
{
	static const char *const starts[] = {
		"heap profile:", "--- threadz ", "--- Thread ",
		"--- contention", "--- mutex:", "--- heapz ",
	};
	struct lines lines = { .at = data, .end = data + len };
	bool is_found = legacy_is_cpu(data, len);

	while (!is_found && lines_next(&lines) && line_is_blank(&lines))
		;
	for (size_t i = 0; i < ARRAY_SIZE(starts) && !is_found; i++)
		is_found = line_starts_with(&lines, starts[i]);
	is_found = is_found || (lines.text && strstr(lines.text,
						     " profile: total "));
	lines_clear(&lines);
	return is_found;
}

struct error *pp_read_legacy(struct pp *pp, const char *data, size_t len)
{
	static enum legacy_outcome (*const readers[])(struct legacy *) = {
		legacy_read_cpu,     legacy_read_heap,
		legacy_read_count,   legacy_read_threads,
		legacy_read_contention, legacy_read_java,
	};
	struct legacy legacy = {
		.pp = pp,
		.data = data,
		.len = len,
		.addresses = VEC_OF(uint64_t),
		.samples = VEC_OF(struct legacy_sample),
		.frames = VEC_OF(uint32_t),
	};
	enum legacy_outcome outcome = LEGACY_OTHER;

	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		legacy_reset(&legacy);
		outcome = readers[i](&legacy);
		if (outcome != LEGACY_OTHER)
			break;
	}
	legacy_clear(&legacy);
	if (outcome == LEGACY_OTHER)
		return error_hint(error_new("unrecognized profile format"),
				  "known are profile.proto, gzipped or not, "
				  "folded stacks, and the\n  older formats of "
				  "gperftools and Go");
	if (outcome == LEGACY_DONE)
		legacy_set_drop_frames(pp);
	return legacy.error;
}
