/* SPDX-License-Identifier: MIT */
/*
 * entries.c - the first bytes of a static program's malloc, and their change.
 *
 * A write is of five bytes or four, within a page, so a psample that is
 * killed leaves each of them done or not; and each alone is right: a wrapper
 * leads to its gate, and gates are written before anything leads there.
 */
#include "heap/entries.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "heap/attach.h"
#include "heap/begin.h"
#include "heap/entry_patch.h"
#include "heap/linkmap.h"
#include "target/gather.h"
#include "target/permission.h"
#include "target/proc.h"
#include "target/tracee.h"

#define PAGE_BYTES UINT64_C(4096)
#define REACH_BYTES (UINT64_C(1900) << 20) /* of a jump: 2 GiB */
#define STEP_BYTES (UINT64_C(1) << 20)
#define BELOW_BYTES (UINT64_C(256) << 20) /* room to grow for what is there */
#define LOW_BYTES (UINT64_C(1) << 32)
#define LOWEST UINT64_C(0x10000) /* vm.mmap_min_addr */
#define STACK_BYTES_MAX (UINT64_C(1) << 20) /* that is looked through */
#define RED_ZONE 128
#define TRIES 20
#define WAIT_MIN_NS (20 * NS_PER_MS)
#define WAIT_MAX_NS (160 * NS_PER_MS)
#define PAUSE_NS (7 * NS_PER_MS)
#define CODE_BYTES 48 /* read of a function to move its beginning */

static_assert(sizeof(struct agent_constants) <=
		      AGENT_GATES_AT - AGENT_CONSTANTS_AT, "gates come next");
static_assert(N_AGENT_FUNCTIONS * GATE_BYTES <=
		      AGENT_STATE_AT - AGENT_GATES_AT, "one for each");

struct patcher { /* of one stop */
	struct entries *entries;
	const struct inject *inject;
	bool is_restoring, is_foreign;
	uint64_t *words; /* room for STACK_BYTES_MAX, or NULL */
};

void entries_init(struct entries *entries)
{
	*entries = (struct entries){
		.list = VEC_OF(struct entry),
		.patches = VEC_OF(struct entry_patch),
	};
}

void entries_clear(struct entries *entries)
{
	elf_symbols_clear(&entries->symbols);
	reach_clear(&entries->reach);
	vec_clear(&entries->list);
	vec_clear(&entries->patches);
}

bool entries_are_needed(const struct inject *inject)
{
	return !link_is_dynamic(inject->mem_fd,
				proc_auxv(inject->pid, AT_PHDR),
				proc_auxv(inject->pid, AT_PHNUM));
}

/* There is no linker to wait for: it has not run one instruction then. */
struct error *entries_await(const struct inject *inject)
{
	struct wait_event event;
	int signal = 0;

	do {
		tracee_resume_to_call(inject->pid, signal);
		while (!tracee_wait(inject->pid, &event))
			begin_await_event();
		if (event.is_exit)
			return error_new("it ended before it began");
		signal = event.event ? 0 : event.signal;
	} while (event.signal != TRACEE_CALL_SIGNAL);
	return NULL;
}

/*
 * Below the program, where its heap does not grow; and when that is where
 * mmap(2) puts everything, some way below.
 */
static taddr find_place(const struct entries *entries,
			const struct space *space)
{
	taddr lowest = UINT64_MAX, at;

	for (uint32_t id = 0; id < space_n_mappings(space); id++) {
		const struct mapping *m = space_mapping(space, id);

		if (m->is_live && m->module == entries->module &&
		    m->start < lowest)
			lowest = m->start;
	}
	at = lowest - (lowest < LOW_BYTES ? AGENT_BYTES : BELOW_BYTES);
	at &= ~(LOWEST - 1);
	while (at >= LOWEST && at < lowest && lowest - at < REACH_BYTES) {
		if (space_is_free(space, at, AGENT_BYTES))
			return at;
		at -= STEP_BYTES;
	}
	at = (lowest + REACH_BYTES / 2) & ~(LOWEST - 1);
	return space_is_free(space, at, AGENT_BYTES) ? at : 0;
}

static taddr gate_at(const struct inject *inject, uint32_t entry)
{
	return inject->stub.a + AGENT_GATES_AT + entry * GATE_BYTES;
}

struct gate_context {
	const struct entries *entries;
	const struct inject *inject;
};

/* Jumps to a function that is counted are to lead to its gate. */
static uint64_t find_target(void *ctx, uint64_t target)
{
	const struct gate_context *context = ctx;
	const struct entries *entries = context->entries;
	uint32_t entry = reach_root(&entries->reach,
				    target - entries->bias);

	return entry == NO_ID ? target : gate_at(context->inject, entry);
}

static const char *make_gate(const struct entries *entries,
			     const struct inject *inject, uint32_t i)
{
	struct entry *entry = vec_at(&entries->list, i);
	struct gate_context context = { entries, inject };
	struct gate_function function = {
		.addr = entry->vaddr + entries->bias,
	};
	const struct elf_symbol *symbol;
	uint8_t code[CODE_BYTES];
	ssize_t n = module_read(entries->module, entry->vaddr, code,
				sizeof(code));
	size_t n_same = 0, next;
	uint64_t end = entry->vaddr;

	if (n <= 0)
		return "is not in its file";
	symbol = elf_symbols_find(&entries->symbols, entry->vaddr, &n_same);
	for (size_t j = 0; j < n_same; j++)
		if (elf_symbols_end(&entries->symbols, &symbol[j]) > end)
			end = elf_symbols_end(&entries->symbols, &symbol[j]);
	function.code = code;
	function.n = function.n_padded = (size_t)n;
	if (end - entry->vaddr < function.n)
		function.n = end - entry->vaddr;
	next = vec_count_up_to(&entries->symbols.list, entry->vaddr);
	if (next < entries->symbols.list.n) {
		symbol = vec_at(&entries->symbols.list, next);
		if (symbol->vaddr - entry->vaddr < function.n_padded)
			function.n_padded = symbol->vaddr - entry->vaddr;
	}
	if (function.addr % PAGE_BYTES > PAGE_BYTES - GATE_JUMP_BYTES)
		return "begins at the end of a page";
	return gate_make(&entry->gate, &function, gate_at(inject, i),
			 find_target, &context);
}

/* What is there is known from the file: a patch may be in place already. */
static bool add_patch(struct entries *entries, uint64_t vaddr, uint32_t n,
		      const uint8_t *after, uint32_t entry)
{
	struct entry_patch *patch = vec_push(&entries->patches);

	patch->addr = vaddr + entries->bias;
	patch->entry = entry;
	patch->n = n;
	memcpy(patch->after, after, n);
	return module_read(entries->module, vaddr, patch->before, n) ==
		       (ssize_t)n &&
	       patch->addr % PAGE_BYTES <= PAGE_BYTES - n;
}

static const char *add_way(struct entries *entries,
			   const struct inject *inject,
			   const struct reach_way *way)
{
	uint32_t entry = reach_root(&entries->reach, way->target);
	uint8_t distance[4];

	if (!gate_distance(way->vaddr + 4 + entries->bias,
			   gate_at(inject, entry), distance))
		return "is too far away";
	if (add_patch(entries, way->vaddr, sizeof(distance), distance, NO_ID))
		return NULL;
	return "is called across the end of a page";
}

static const char *add_entry_patch(struct entries *entries, uint32_t i,
				   taddr wrapper)
{
	const struct entry *entry = vec_at(&entries->list, i);
	uint8_t jump[GATE_JUMP_BYTES] = { 0xe9 };
	taddr addr = entry->vaddr + entries->bias;

	if (!entries->lowest || addr < entries->lowest)
		entries->lowest = addr;
	if (addr + sizeof(jump) > entries->highest)
		entries->highest = addr + sizeof(jump);
	if (!gate_distance(addr + sizeof(jump), wrapper, jump + 1))
		return "is too far away";
	return add_patch(entries, entry->vaddr, sizeof(jump), jump, i)
		       ? NULL : "is not in its file";
}

/* Others have a gate as well: threads may be in a wrapper of long ago. */
static bool is_wanted(const struct slots *slots, const struct entry *entry)
{
	return !slots->no_inuse || !slots_is_release((int)entry->function);
}

/* First ways, then entries: what is counted is counted once. */
static struct error *make_patches(struct entries *entries,
				  const struct inject *inject,
				  const struct slots *slots)
{
	const struct entry *entry = NULL;
	const char *fault = NULL;

	for (size_t i = 0; i < entries->reach.ways.n && !fault; i++) {
		const struct reach_way *way =
			vec_at(&entries->reach.ways, i);

		entry = vec_at(&entries->list,
			       reach_root(&entries->reach, way->target));
		if (is_wanted(slots, entry))
			fault = add_way(entries, inject, way);
	}
	for (uint32_t i = 0; i < entries->list.n && !fault; i++) {
		entry = vec_at(&entries->list, i);
		fault = make_gate(entries, inject, i);
		if (!fault && is_wanted(slots, entry))
			fault = add_entry_patch(
				entries, i, slots->wrappers[entry->function]);
	}
	return fault ? entries_refuse(entry, fault) : NULL;
}

struct error *entries_place(struct entries *entries, struct inject *inject,
			    const struct space *space, struct slots *slots)
{
	if (!inject->stub.has_a)
		inject->stub.a = find_place(entries, space);
	if (!inject->stub.a)
		return error_new("it is static, and there is no room near its "
				 "code");
	inject_wrappers(inject, slots->wrappers);
	for (uint32_t i = 0; i < entries->list.n; i++) {
		const struct entry *entry = vec_at(&entries->list, i);

		for (int j = 0; j < AGENT_MMAP; j++)
			if (entries->vaddrs[j] == entry->vaddr)
				slots->originals[j] = gate_at(inject, i);
	}
	return make_patches(entries, inject, slots);
}

struct error *entries_prepare(struct entries *entries, struct inject *inject,
			      struct space *space, struct slots *slots)
{
	struct error *error;

	inject->debug = proc_auxv(inject->pid, AT_PHDR); /* till its end */
	space_refresh(space);
	error = entries_find(entries, inject, space, slots);
	if (!error)
		error = inject->is_running ? attach_inspect(inject, space)
					   : inject_prepare(inject, space);
	return error ? error : entries_place(entries, inject, space, slots);
}

/* Is @addr within what a jump will cover, at the start of an instruction? */
static bool is_covered(const struct entries *entries, taddr addr)
{
	for (size_t i = 0; i < entries->list.n; i++) {
		const struct entry *entry = vec_at(&entries->list, i);
		taddr distance = addr - entry->vaddr - entries->bias;

		if (distance - 1 >= GATE_JUMP_BYTES - 1)
			continue;
		for (size_t j = 0; j < entry->gate.n_starts; j++)
			if (distance == entry->gate.starts[j])
				return true;
	}
	return false;
}

/*
 * A signal's handler goes back to where the signal came; that is written on
 * the stack that it runs on. Whatever looks like it counts as one.
 */
static bool will_return_there(const struct patcher *patcher, taddr sp)
{
	const struct entries *entries = patcher->entries;
	size_t n;

	sp = (sp - RED_ZONE) & ~UINT64_C(7);
	n = memfile_read(patcher->inject->mem_fd, sp, patcher->words,
			 STACK_BYTES_MAX) / sizeof(uint64_t);
	if (!n) /* the red zone is not mapped yet */
		n = memfile_read(patcher->inject->mem_fd,
				 (sp + RED_ZONE + 7) & ~UINT64_C(7),
				 patcher->words, STACK_BYTES_MAX) /
		    sizeof(uint64_t);
	for (size_t i = 0; i < n; i++)
		if (patcher->words[i] - entries->lowest <=
			    entries->highest - entries->lowest &&
		    is_covered(entries, patcher->words[i]))
			return true;
	return false;
}

/* A launched program is one thread, which waits in the stub. */
static bool is_safe(const struct patcher *patcher,
		    const struct gathered *threads, size_t n)
{
	const struct inject *inject = patcher->inject;

	if (!inject->is_running)
		return n == 1 && threads[0].regs.rip - inject->stub.code <
					 stub_bytes();
	for (size_t i = 0; i < n; i++)
		if (is_covered(patcher->entries, threads[i].regs.rip) ||
		    will_return_there(patcher, threads[i].regs.rsp))
			return false;
	return true;
}

/* The number of patches whose bytes are in place; -1: others than known. */
static long count_done(const struct entries *entries, int mem_fd)
{
	long n_done = 0;

	for (size_t i = 0; i < entries->patches.n; i++) {
		const struct entry_patch *patch =
			vec_at(&entries->patches, i);
		uint8_t bytes[GATE_JUMP_BYTES];

		if (memfile_read(mem_fd, patch->addr, bytes, patch->n) !=
		    patch->n)
			return -1;
		if (!memcmp(bytes, patch->after, patch->n))
			n_done++;
		else if (memcmp(bytes, patch->before, patch->n))
			return -1;
	}
	return n_done;
}

/* None of its threads runs. */
static bool write_all(const struct patcher *patcher)
{
	const struct entries *entries = patcher->entries;
	int mem_fd = patcher->inject->mem_fd;

	for (size_t i = 0; i < entries->patches.n; i++) {
		/* Restored the other way round, so that all is counted once. */
		size_t at = patcher->is_restoring ? entries->patches.n - 1 - i
						  : i;
		const struct entry_patch *patch =
			vec_at(&entries->patches, at);

		if (!memfile_write(mem_fd, patch->addr,
				   patcher->is_restoring ? patch->before
							 : patch->after,
				   patch->n))
			return false;
	}
	return true;
}

static bool write_patches(void *ctx, const struct gathered *threads, size_t n)
{
	struct patcher *patcher = ctx;

	patcher->is_foreign = count_done(patcher->entries,
					 patcher->inject->mem_fd) < 0;
	return !patcher->is_foreign &&
	       (patcher->is_restoring || is_safe(patcher, threads, n)) &&
	       write_all(patcher);
}

/*
 * A thread whose child of vfork(2) has not called exec yet does not stop. All
 * others stand meanwhile: for 300 ms at most, a little more each time.
 */
static enum gather_result stop_and_write(struct patcher *patcher,
					 int *out_err)
{
	struct timespec pause = timespec_of_ns(PAUSE_NS);
	struct gather gather = {
		.wait_ns = WAIT_MIN_NS,
		.pid = patcher->inject->pid,
		.act = write_patches,
		.ctx = patcher,
	};
	enum gather_result result;
	int tries = TRIES;

	for (;;) {
		result = gather_threads(&gather);
		if (gather.held_ns > patcher->entries->held_ns)
			patcher->entries->held_ns = gather.held_ns;
		if ((result != GATHER_UNFIT && result != GATHER_SILENT) ||
		    patcher->is_foreign || !--tries)
			break;
		if (result == GATHER_SILENT) {
			gather.wait_ns *= 2;
			pause = timespec_of_ns(gather.wait_ns);
		}
		if (gather.wait_ns > WAIT_MAX_NS)
			break;
		nanosleep(&pause, NULL);
	}
	*out_err = gather.err;
	return result;
}

static bool write_gates(const struct entries *entries,
			const struct inject *inject)
{
	for (uint32_t i = 0; i < entries->list.n; i++) {
		const struct entry *entry = vec_at(&entries->list, i);

		if (!memfile_write(inject->mem_fd, gate_at(inject, i),
				   entry->gate.code, sizeof(entry->gate.code)))
			return false;
	}
	return true;
}

struct error *entries_patch_standing(struct entries *entries,
				     const struct inject *inject)
{
	struct patcher patcher = { .entries = entries, .inject = inject };

	if (!write_gates(entries, inject))
		return error_new("its memory cannot be written");
	if (count_done(entries, inject->mem_fd) < 0)
		return error_new("its code is not what its file has");
	if (!write_all(&patcher))
		return error_new("its code cannot be written");
	entries->n_patched = entries->list.n;
	return NULL;
}

/*
 * Who is followed is traced by a thread of psample already (family.h), and
 * waits in the stub until it may go.
 */
static bool waits_for_us(const struct inject *inject)
{
	struct agent_state state;
	size_t len = offsetof(struct agent_state, unused_rest);
	long tracer = proc_status_number(inject->pid, "TracerPid");

	return !inject->is_running && tracer > 0 &&
	       proc_has_thread(getpid(), (pid_t)tracer) &&
	       memfile_read(inject->mem_fd,
			    inject->stub.a + AGENT_STATE_AT, &state, len) ==
		       len &&
	       state.stub_step ==
		       stub_tag(inject->stub.session) + STUB_HAS_B;
}

struct error *entries_patch(struct entries *entries,
			    const struct inject *inject)
{
	CLEANUP(free) uint64_t *words = xmalloc(STACK_BYTES_MAX);
	struct patcher patcher = {
		.entries = entries,
		.inject = inject,
		.words = words,
	};
	int err;

	if (waits_for_us(inject))
		return entries_patch_standing(entries, inject);
	if (!write_gates(entries, inject))
		return error_new("its memory cannot be written");
	entries->n_patched = entries->list.n;
	if (count_done(entries, inject->mem_fd) == (long)entries->patches.n)
		return NULL; /* by a psample that was killed */
	switch (stop_and_write(&patcher, &err)) {
	case GATHER_DONE:
		return NULL;
	case GATHER_DENIED:
		return attach_error(inject->pid, err);
	case GATHER_GONE:
		return error_new("it has ended");
	case GATHER_SILENT:
		entries->n_patched = 0;
		return error_hint(error_new("one of its threads does not "
					    "stop"),
				  "cause: it waits for a child (vfork), or "
				  "for a disk\n"
				  "  try:   again; or psample -e alloc -- "
				  "PROGRAM");
	case GATHER_UNFIT:
		break;
	}
	entries->n_patched = 0;
	if (patcher.is_foreign)
		return error_new("its code is not what its file has");
	return error_hint(error_new("its threads cannot be stopped all at "
				    "once, outside of malloc"),
			  "try:   again; or psample -e alloc -- PROGRAM");
}

void entries_restore(struct entries *entries, const struct inject *inject)
{
	struct patcher patcher = {
		.entries = entries,
		.inject = inject,
		.is_restoring = true,
	};
	int err;

	if (entries->n_patched)
		stop_and_write(&patcher, &err);
	entries->n_patched = 0;
}
