/* SPDX-License-Identifier: MIT */
/*
 * go_vars.c - where a Go program keeps its heap profile.
 *
 * On amd64 Go's compiler reaches every variable relative to the next
 * instruction, so the variables that a function uses are the targets of its
 * memory operands. Of those,
 *
 *	MemProfileRate	is what taking a sample and starting up share,
 *	mbuckets	is what adding a bucket and flushing all share.
 *
 * More than one such word, or none, means that this is a Go unknown to us.
 */
#include "heap/go_vars.h"

#include <stdio.h>
#include <string.h>

#include "image/decode.h"
#include "image/elf_relocs.h"
#include "image/elf_sections.h"
#include "util/vec.h"

#define CODE_BYTES_MAX 65536u
#define VERSION_BYTES_MAX 64
#define INFO_BYTES 32
#define INFO_IS_INLINE 2 /* flag: the text itself follows, since Go 1.18 */

enum {
	NEXT_SAMPLE, PROFILE_ALLOC, /* use the rate to choose a sample */
	PARSE_VARS, PARSE_DEBUG, SCHED_INIT, /* set it at the start */
	STK_BUCKET,				/* adds a bucket */
	FLUSH, FLUSH_LOCKED, POST_SWEEP, /* go through all buckets */
	SKIP,				 /* marks in stacks, up to 1.20 */
	N_SOUGHT,
};

static const char *const sought[N_SOUGHT] = {
	[NEXT_SAMPLE] = "runtime.nextSample",
	[PROFILE_ALLOC] = "runtime.profilealloc",
	[PARSE_VARS] = "runtime.parsedebugvars",
	[PARSE_DEBUG] = "runtime.parsegodebug",
	[SCHED_INIT] = "runtime.schedinit",
	[STK_BUCKET] = "runtime.stkbucket",
	[FLUSH] = "runtime.mProf_Flush",
	[FLUSH_LOCKED] = "runtime.mProf_FlushLocked",
	[POST_SWEEP] = "runtime.mProf_PostSweep",
	[SKIP] = "runtime.skipPleaseUseCallersFrames",
};

int go_version_minor(const char *text)
{
	const char *at = strstr(text, "go1.");
	int minor;

	if (!at || sscanf(at + 4, "%4d", &minor) != 1 || minor < 0)
		return -1;
	return minor;
}

/* A string of Go's, pointer and length, at @vaddr. */
static bool read_go_string(const struct module *module, uint64_t vaddr,
			   char *out)
{
	uint64_t words[2];

	if (module_read(module, vaddr, words, sizeof(words)) !=
	    (ssize_t)sizeof(words))
		return false;
	module_relocate(module, vaddr, (uint8_t *)words, sizeof(words));
	if (words[1] == 0 || words[1] >= VERSION_BYTES_MAX)
		return false;
	out[words[1]] = '\0';
	return module_read(module, words[0], out, words[1]) ==
	       (ssize_t)words[1];
}

/*
 * "\xff Go buildinf:", bytes of a pointer, flags; then at 16 a pointer to
 * the version's string, or at 32 its length and its bytes (debug/buildinfo).
 */
static bool parse_build_info(const struct module *module, uint64_t vaddr,
			     char *out)
{
	uint8_t info[INFO_BYTES], n;
	uint64_t string;

	if (module_read(module, vaddr, info, sizeof(info)) !=
		    (ssize_t)sizeof(info) ||
	    memcmp(info, "\xff Go buildinf:", 14) != 0)
		return false;
	if (info[15] & INFO_IS_INLINE) {
		if (module_read(module, vaddr + INFO_BYTES, &n, 1) != 1 ||
		    n >= VERSION_BYTES_MAX)
			return false;
		out[n] = '\0';
		return module_read(module, vaddr + INFO_BYTES + 1, out, n) ==
		       (ssize_t)n;
	}
	module_relocate(module, vaddr, info, sizeof(info));
	memcpy(&string, info + 16, sizeof(string));
	return read_go_string(module, string, out);
}

/* "" where a program does not say: those before Go 1.13 do not. */
static void read_version(const struct module *module,
			 char out[VERSION_BYTES_MAX])
{
	struct sections sections = { { 0 } };
	const struct section *found;

	sections_init(&sections, module);
	found = sections_find(&sections, ".go.buildinfo");
	if (!found || !parse_build_info(module, found->vaddr, out))
		out[0] = '\0';
	sections_clear(&sections);
}

static struct error *check_version(const struct module *module, int *out)
{
	char text[VERSION_BYTES_MAX] = "";

	read_version(module, text);
	*out = text[0] ? go_version_minor(text) : 0;
	for (char *p = text; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	if (*out > GO_MINOR_MAX)
		return error_hint(error_new("it was built by %s, whose heap "
					    "profile this psample does not "
					    "know", text),
				  "try:   a newer psample; it knows Go 1.12 "
				  "to 1.%d", GO_MINOR_MAX);
	if (*out < 0 || (*out && *out < GO_MINOR_MIN))
		return error_new("its version of Go, \"%s\", is not known to "
				 "psample", text);
	return NULL;
}

static bool is_data(const struct module *module, uint64_t vaddr)
{
	for (size_t i = 0; i < module->n_segments; i++) {
		const struct segment *segment = &module->segments[i];

		if (!segment->is_executable && vaddr >= segment->vaddr &&
		    vaddr - segment->vaddr + 8 <= segment->memory_bytes)
			return true;
	}
	return false;
}

/* Append the aligned words of data that @function's operands name. */
static void add_operands(const struct module *module,
			 const struct go_function *function, struct vec *out)
{
	uint64_t len = function->end - function->start;
	CLEANUP(free) uint8_t *code = NULL;
	ssize_t n;
	size_t at = 0;

	if (function->end <= function->start)
		return;
	if (len > CODE_BYTES_MAX)
		len = CODE_BYTES_MAX;
	code = xmalloc(len);
	n = module_read(module, function->start, code, len);
	while (n > 0 && at < (size_t)n) {
		struct insn insn;
		uint64_t vaddr;

		if (!insn_decode(code + at, (size_t)n - at, &insn)) {
			at++; /* padding, or data between the code */
			continue;
		}
		at += insn.length;
		vaddr = function->start + at + (uint64_t)(int64_t)insn.disp;
		/* SDM, volume 2, 2.2.1.6: mod 0, rm 5 is relative to rip. */
		if (insn.has_modrm && insn.mod == 0 && (insn.rm & 7) == 5 &&
		    vaddr % 8 == 0 && is_data(module, vaddr))
			*(uint64_t *)vec_push(out) = vaddr;
	}
}

static bool holds(const struct vec *vaddrs, uint64_t vaddr)
{
	for (size_t i = 0; i < vaddrs->n; i++)
		if (*(uint64_t *)vec_at(vaddrs, i) == vaddr)
			return true;
	return false;
}

/* The only word in both lists, or 0. */
static uint64_t find_common(const struct vec *a, const struct vec *b)
{
	uint64_t common = 0;

	for (size_t i = 0; i < a->n; i++) {
		uint64_t vaddr = *(uint64_t *)vec_at(a, i);

		if (!holds(b, vaddr) || vaddr == common)
			continue;
		if (common)
			return 0;
		common = vaddr;
	}
	return common;
}

/* What functions [@a, @a_end) and functions [@b, @b_end) have in common. */
static uint64_t find_shared(const struct module *module,
			    const struct go_function *functions,
			    const int range[4])
{
	struct vec a = VEC_OF(uint64_t), b = VEC_OF(uint64_t);
	uint64_t found;

	for (int i = range[0]; i < range[1]; i++)
		add_operands(module, &functions[i], &a);
	for (int i = range[2]; i < range[3]; i++)
		add_operands(module, &functions[i], &b);
	found = find_common(&a, &b);
	vec_clear(&a);
	vec_clear(&b);
	return found;
}

struct error *go_vars_find(const struct module *module,
			   const struct gopclntab *table,
			   struct go_vars *out)
{
	static const int rate[] = { NEXT_SAMPLE, PARSE_VARS, PARSE_VARS,
				    STK_BUCKET };
	static const int buckets[] = { STK_BUCKET, FLUSH, FLUSH, SKIP };
	struct go_function functions[N_SOUGHT];
	struct error *error = check_version(module, &out->minor);

	if (error)
		return error;
	gopclntab_find_names(table, sought, N_SOUGHT, functions);
	if (!functions[STK_BUCKET].end)
		return error_new("its runtime has no heap profiler");
	out->rate = find_shared(module, functions, rate);
	out->buckets = find_shared(module, functions, buckets);
	out->skip_start = functions[SKIP].start;
	out->skip_end = functions[SKIP].end;
	if (!out->rate || !out->buckets || out->rate == out->buckets)
		return error_new("%s was not found in its code",
				 out->rate ? "runtime.mbuckets"
					   : "runtime.MemProfileRate");
	return NULL;
}
