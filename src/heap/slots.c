/* SPDX-License-Identifier: MIT */
/* slots.c - the words through which modules call malloc, and their change. */
#include "heap/slots.h"

#include <elf.h>
#include <string.h>

#include "target/memfile.h"
#include "util/mem.h"

#define SYMBOLS_MAX (1u << 20)
#define STRINGS_MAX (64u << 20)
#define RELOCS_MAX (64u << 20) /* bytes */
#define NOT_OURS 255

static const char *const names[N_AGENT_FUNCTIONS] = {
	[AGENT_MALLOC] = "malloc",
	[AGENT_FREE] = "free",
	[AGENT_CALLOC] = "calloc",
	[AGENT_REALLOC] = "realloc",
	[AGENT_MEMALIGN] = "memalign",
	[AGENT_ALIGNED_ALLOC] = "aligned_alloc",
	[AGENT_POSIX_MEMALIGN] = "posix_memalign",
	[AGENT_VALLOC] = "valloc",
	[AGENT_PRCTL] = "prctl",
	[AGENT_SYSCALL] = "syscall",
	[AGENT_CXA_FINALIZE] = "__cxa_finalize",
	[AGENT_NEW] = "_Znwm",
	[AGENT_NEW_ARRAY] = "_Znam",
	[AGENT_NEW_NOTHROW] = "_ZnwmRKSt9nothrow_t",
	[AGENT_NEW_ARRAY_NOTHROW] = "_ZnamRKSt9nothrow_t",
	[AGENT_NEW_ALIGNED] = "_ZnwmSt11align_val_t",
	[AGENT_NEW_ARRAY_ALIGNED] = "_ZnamSt11align_val_t",
	[AGENT_NEW_ALIGNED_NOTHROW] = "_ZnwmSt11align_val_tRKSt9nothrow_t",
	[AGENT_NEW_ARRAY_ALIGNED_NOTHROW] =
		"_ZnamSt11align_val_tRKSt9nothrow_t",
	[AGENT_DELETE] = "_ZdlPv",
	[AGENT_DELETE_ARRAY] = "_ZdaPv",
	[AGENT_DELETE_SIZED] = "_ZdlPvm",
	[AGENT_DELETE_ARRAY_SIZED] = "_ZdaPvm",
	[AGENT_DELETE_NOTHROW] = "_ZdlPvRKSt9nothrow_t",
	[AGENT_DELETE_ARRAY_NOTHROW] = "_ZdaPvRKSt9nothrow_t",
	[AGENT_DELETE_ALIGNED] = "_ZdlPvSt11align_val_t",
	[AGENT_DELETE_ARRAY_ALIGNED] = "_ZdaPvSt11align_val_t",
	[AGENT_DELETE_SIZED_ALIGNED] = "_ZdlPvmSt11align_val_t",
	[AGENT_DELETE_ARRAY_SIZED_ALIGNED] = "_ZdaPvmSt11align_val_t",
	[AGENT_MMAP] = "mmap",
	[AGENT_MMAP64] = "mmap64",
	[AGENT_MUNMAP] = "munmap",
	[AGENT_MREMAP] = "mremap",
	[AGENT_MPROTECT] = "mprotect",
};

struct symbols { /* of one module */
	Elf64_Sym *list;
	uint8_t *functions; /* enum agent_function, or NOT_OURS */
	size_t n;
};

void slots_init(struct slots *slots)
{
	*slots = (struct slots){
		.list = VEC_OF(struct slot),
		.modules = VEC_OF(struct link_module),
		.news = VEC_OF(struct code_range),
	};
}

void slots_clear(struct slots *slots)
{
	vec_clear(&slots->list);
	vec_clear(&slots->modules);
	vec_clear(&slots->news);
}

static void copy_vec(struct vec *out, const struct vec *vec)
{
	*out = *vec;
	out->data = NULL;
	out->n = out->cap = 0;
	vec_reserve(out, vec->n);
	if (vec->n)
		memcpy(out->data, vec->data, vec->n * vec->elem_bytes);
	out->n = vec->n;
}

void slots_copy(struct slots *out, const struct slots *slots)
{
	*out = *slots;
	copy_vec(&out->list, &slots->list);
	copy_vec(&out->modules, &slots->modules);
	copy_vec(&out->news, &slots->news);
}

bool slots_is_operator_new(const struct slots *slots, taddr addr)
{
	for (size_t i = 0; i < slots->news.n; i++) {
		const struct code_range *range = vec_at(&slots->news, i);

		if (addr >= range->start && addr < range->end)
			return true;
	}
	return false;
}

static void symbols_clear(struct symbols *symbols)
{
	free(symbols->list);
	free(symbols->functions);
}

int slots_function_named(const char *name)
{
	for (int i = 0; i < N_AGENT_FUNCTIONS; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

static uint8_t function_of_name(const char *strings, size_t n, uint32_t at)
{
	for (uint8_t i = 0; i < N_AGENT_FUNCTIONS; i++) {
		size_t len;

		if (at >= n || strings[at] != names[i][0])
			continue;
		len = strlen(names[i]) + 1;
		if (len <= n - at && !memcmp(strings + at, names[i], len))
			return i;
	}
	return NOT_OURS;
}

/* Is @symbol a function that its module defines? */
static bool is_definition(const Elf64_Sym *symbol)
{
	return symbol->st_shndx != SHN_UNDEF && symbol->st_value &&
	       ELF64_ST_TYPE(symbol->st_info) == STT_FUNC;
}

static bool is_libc(const struct link_module *module)
{
	const char *slash = strrchr(module->name, '/');
	const char *base = slash ? slash + 1 : module->name;

	return !strncmp(base, "libc.so", 7) || !strncmp(base, "libc-2", 6);
}

/*
 * A module that defines malloc itself may mean its own, whoever is first in
 * the list (-Bsymbolic, RTLD_DEEPBIND): until it has called what the program
 * calls, it is left alone. libc always means the first.
 */
static bool has_own(const struct slots *slots,
		    const struct link_module *module,
		    const struct symbols *symbols, uint8_t function)
{
	if (is_libc(module))
		return false;
	for (size_t i = 0; i < symbols->n; i++)
		if (symbols->functions[i] == function &&
		    is_definition(&symbols->list[i]) &&
		    module->bias + symbols->list[i].st_value !=
			    slots->originals[function])
			return true;
	return false;
}

/* All symbols: linkers put their names right behind them. */
static bool symbols_read(struct symbols *symbols, int mem_fd,
			 const struct link_module *module)
{
	const struct link_table *table = &module->table;
	CLEANUP(free) char *strings = NULL;
	uint64_t n;

	*symbols = (struct symbols){ NULL, NULL, 0 };
	if (!table->symbols || table->strings <= table->symbols ||
	    table->string_bytes > STRINGS_MAX)
		return false;
	n = (table->strings - table->symbols) / sizeof(Elf64_Sym);
	if (n > SYMBOLS_MAX)
		return false;
	strings = xmalloc(table->string_bytes);
	symbols->list = xmalloc(n * sizeof(Elf64_Sym));
	symbols->functions = xmalloc(n);
	if (memfile_read(mem_fd, table->strings, strings,
			 table->string_bytes) != table->string_bytes ||
	    memfile_read(mem_fd, table->symbols, symbols->list,
			 n * sizeof(Elf64_Sym)) != n * sizeof(Elf64_Sym))
		return false;
	symbols->n = n;
	for (size_t i = 0; i < n; i++)
		symbols->functions[i] =
			function_of_name(strings, table->string_bytes,
					 symbols->list[i].st_name);
	return true;
}

/* The dynamic linker's own malloc is for itself. */
static bool is_linker(const struct link_module *module)
{
	const char *slash = strrchr(module->name, '/');
	const char *base = slash ? slash + 1 : module->name;

	return !strncmp(base, "ld-linux", 8) || !strncmp(base, "ld.so", 5) ||
	       !strncmp(base, "linux-vdso", 10) || !strncmp(base, "ld-2", 4);
}

void slots_add_operator_new(struct slots *slots, taddr start, uint64_t bytes)
{
	struct code_range *range;

	if (slots_is_operator_new(slots, start))
		return;
	range = vec_push(&slots->news);
	*range = (struct code_range){ start, start + bytes };
}

static void take_operators(struct slots *slots,
			   const struct link_module *module,
			   const struct symbols *symbols)
{
	for (size_t i = 0; i < symbols->n; i++) {
		const Elf64_Sym *symbol = &symbols->list[i];

		if (symbols->functions[i] >= AGENT_NEW &&
		    symbols->functions[i] < AGENT_DELETE &&
		    is_definition(symbol))
			slots_add_operator_new(slots,
					       module->bias + symbol->st_value,
					       symbol->st_size);
	}
}

static void take_definitions(struct slots *slots,
			     const struct link_module *module,
			     const struct symbols *symbols)
{
	for (size_t i = 0; i < symbols->n; i++) {
		const Elf64_Sym *symbol = &symbols->list[i];
		uint8_t function = symbols->functions[i];

		if (function >= N_AGENT_FUNCTIONS || !is_definition(symbol) ||
		    slots->originals[function])
			continue;
		slots->originals[function] = module->bias + symbol->st_value;
		slots->definers[function] = module->dynamic;
		if (function == AGENT_MALLOC) {
			slots->allocator = module->dynamic;
			slots->is_libc = is_libc(module);
		}
	}
}

/*
 * libstdc++'s operators call malloc and free as everybody does. An allocator's
 * own do not, and are watched themselves; one that throws needs its twin.
 */
static void drop_operators(struct slots *slots)
{
	static const int throwing[] = { AGENT_NEW, AGENT_NEW_ARRAY,
					AGENT_NEW_ALIGNED,
					AGENT_NEW_ARRAY_ALIGNED };

	for (int i = AGENT_NEW; i < AGENT_MMAP; i++)
		if (slots->is_libc ||
		    slots->definers[i] != slots->allocator)
			slots->originals[i] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(throwing); i++)
		if (!slots->originals[throwing[i] + 2]) /* see agent.h */
			slots->originals[throwing[i]] = 0;
}

bool slots_find_originals(struct slots *slots, int mem_fd, taddr debug)
{
	if (!link_list(mem_fd, debug, &slots->modules))
		return false;
	memset(slots->originals, 0, sizeof(slots->originals));
	memset(slots->definers, 0, sizeof(slots->definers));
	for (size_t i = 0; i < slots->modules.n; i++) {
		const struct link_module *module = vec_at(&slots->modules, i);
		struct symbols symbols = { NULL, NULL, 0 };

		if (!is_linker(module) &&
		    symbols_read(&symbols, mem_fd, module))
			take_definitions(slots, module, &symbols);
		symbols_clear(&symbols);
	}
	drop_operators(slots);
	if (slots->maps)
		return slots->originals[AGENT_MMAP] &&
		       slots->originals[AGENT_MUNMAP];
	return slots->originals[AGENT_MALLOC] &&
	       slots->originals[AGENT_FREE];
}

/*
 * May @value, what a slot holds, be replaced? A call that was not made yet
 * leads back into its own module, to the PLT (psABI 5.2).
 */
static bool is_expected(const struct slots *slots,
			const struct link_module *module,
			const Elf64_Rela *reloc, uint8_t function,
			const struct symbols *symbols, uint64_t value)
{
	if (value == slots->originals[function])
		return reloc->r_addend == 0;
	return !has_own(slots, module, symbols, function) &&
	       ELF64_R_TYPE(reloc->r_info) == R_X86_64_JUMP_SLOT &&
	       value > module->bias && value < module->dynamic;
}

static bool is_listed(const struct slots *slots, taddr addr)
{
	for (size_t i = 0; i < slots->list.n; i++) {
		const struct slot *slot = vec_at(&slots->list, i);

		if (slot->addr == addr)
			return true;
	}
	return false;
}

bool slots_is_release(int function)
{
	return function == AGENT_FREE ||
	       (function >= AGENT_DELETE && function < AGENT_MMAP);
}

/* An allocator calls itself; but as others do, it calls mmap(2). */
static bool is_wanted(const struct slots *slots,
		      const struct link_module *module, uint8_t function)
{
	if (function == AGENT_PRCTL || function == AGENT_SYSCALL)
		return true;
	if (function >= AGENT_MMAP)
		return slots->maps;
	return !slots->maps &&
	       !(slots->no_inuse && slots_is_release(function)) &&
	       (slots->is_libc || module->dynamic != slots->allocator);
}

/*
 * One that holds our wrapper was changed by a psample that has died: what it
 * would hold by now is the function itself.
 */
static size_t patch_slot(struct slots *slots, int mem_fd,
			 const struct link_module *module,
			 const struct symbols *symbols,
			 const Elf64_Rela *reloc, uint8_t function)
{
	taddr addr = module->bias + reloc->r_offset;
	uint64_t wrapper = slots->wrappers[function], value;
	struct slot *slot;

	if (addr % 8 || !slots->originals[function] ||
	    memfile_read(mem_fd, addr, &value, sizeof(value)) !=
		    sizeof(value))
		return 0;
	if (value == wrapper) {
		if (is_listed(slots, addr))
			return 0;
		value = slots->originals[function];
		if (!is_wanted(slots, module, function)) {
			memfile_write(mem_fd, addr, &value, sizeof(value));
			return 0;
		}
	} else if (!is_wanted(slots, module, function)) {
		return 0;
	} else if (!is_expected(slots, module, reloc, function, symbols,
				value)) {
		slots->n_skipped++;
		return 0;
	} else if (!memfile_write(mem_fd, addr, &wrapper, sizeof(wrapper))) {
		return 0;
	}
	slot = vec_push(&slots->list);
	*slot = (struct slot){ addr, value, function };
	return 1;
}

static size_t patch_table(struct slots *slots, int mem_fd,
			  const struct link_module *module,
			  const struct symbols *symbols, bool is_plt)
{
	taddr at = is_plt ? module->table.plt_relocs : module->table.relocs;
	uint64_t bytes = is_plt ? module->table.plt_bytes
				: module->table.reloc_bytes;
	CLEANUP(free) Elf64_Rela *relocs = NULL;
	size_t n_patched = 0;

	if (!at || bytes > RELOCS_MAX)
		return 0;
	relocs = xmalloc(bytes);
	bytes = memfile_read(mem_fd, at, relocs, bytes);
	for (size_t i = 0; i < bytes / sizeof(*relocs); i++) {
		uint64_t type = ELF64_R_TYPE(relocs[i].r_info);
		uint64_t symbol = ELF64_R_SYM(relocs[i].r_info);

		if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT &&
		    type != R_X86_64_64)
			continue;
		if (symbol < symbols->n &&
		    symbols->functions[symbol] < N_AGENT_FUNCTIONS)
			n_patched += patch_slot(slots, mem_fd, module,
						symbols, &relocs[i],
						symbols->functions[symbol]);
	}
	return n_patched;
}

bool slots_are_stale(const struct slots *slots, int mem_fd, taddr debug)
{
	if (!link_is_listed(mem_fd, debug, &slots->modules))
		return true;
	for (size_t i = 0; i < slots->list.n; i++) {
		const struct slot *slot = vec_at(&slots->list, i);
		uint64_t value;

		if (memfile_read(mem_fd, slot->addr, &value,
				 sizeof(value)) == sizeof(value) &&
		    value != slots->wrappers[slot->function])
			return true;
	}
	return false;
}

size_t slots_patch(struct slots *slots, int mem_fd, taddr debug)
{
	size_t n_patched = 0;

	if (!link_list(mem_fd, debug, &slots->modules))
		return 0;
	for (size_t i = 0; i < slots->modules.n; i++) {
		const struct link_module *module = vec_at(&slots->modules, i);
		struct symbols symbols = { NULL, NULL, 0 };

		if (!is_linker(module) &&
		    symbols_read(&symbols, mem_fd, module)) {
			take_operators(slots, module, &symbols);
			n_patched += patch_table(slots, mem_fd, module,
						 &symbols, true);
			n_patched += patch_table(slots, mem_fd, module,
						 &symbols, false);
		}
		symbols_clear(&symbols);
	}
	return n_patched;
}

void slots_restore(struct slots *slots, int mem_fd)
{
	for (size_t i = 0; i < slots->list.n; i++) {
		const struct slot *slot = vec_at(&slots->list, i);
		uint64_t value;

		if (memfile_read(mem_fd, slot->addr, &value,
				 sizeof(value)) == sizeof(value) &&
		    value == slots->wrappers[slot->function])
			memfile_write(mem_fd, slot->addr, &slot->before,
				      sizeof(slot->before));
	}
	slots->list.n = 0;
}
