/* SPDX-License-Identifier: MIT */
/* entries_find.c - which functions of a static program are its malloc's. */
#include <elf.h>
#include <string.h>

#include "heap/entries.h"
#include "heap/entry_patch.h"
#include "target/proc.h"

/*
 * Where a libc gives the first thread its thread pointer, which the agent
 * reads at every call: glibc's name, and musl's. No libc of these two calls
 * malloc before it.
 */
static const char *const thread_starters[] = { "__libc_setup_tls",
					       "__init_tls" };

static struct error *find_program(struct entries *entries,
				  const struct inject *inject,
				  const struct space *space)
{
	taddr entry = proc_auxv(inject->pid, AT_ENTRY);
	const struct mapping *mapping = space_find(space, entry);
	uint64_t vaddr;

	if (!mapping || !mapping->module || !mapping->module->is_elf ||
	    !mapping_vaddr(mapping, entry, &vaddr))
		return error_new("its file cannot be read");
	entries->module = mapping->module;
	entries->bias = entry - vaddr;
	if (elf_symbols_read(&entries->symbols, mapping->module))
		return NULL;
	return error_hint(error_new("it is static and stripped: nothing tells "
				    "where its malloc is"),
			  "try:   the same program as it was before strip(1), "
			  "or linked with libc.so; or -e cpu");
}

static bool has_thread_starter(const struct elf_symbols *symbols)
{
	for (size_t i = 0; i < symbols->list.n; i++) {
		const char *name = elf_symbols_name(
			symbols, vec_at(&symbols->list, i));

		for (size_t j = 0; j < ARRAY_SIZE(thread_starters); j++)
			if (!strcmp(name, thread_starters[j]))
				return true;
	}
	return false;
}

/*
 * In a static program nothing calls __cxa_finalize at the end, but all ends
 * by this: exit(3) and _exit(2) are the same place, or lead there. mmap(2) is
 * called before there is a thread pointer.
 */
static int function_of(const char *name)
{
	int function = slots_function_named(name);

	if (!strcmp(name, "_Exit"))
		return AGENT_CXA_FINALIZE;
	return function == AGENT_CXA_FINALIZE || function >= AGENT_MMAP
		       ? -1 : function;
}

/* Does it have a name that all files of the program know? */
static bool is_global(const struct elf_symbols *symbols,
		      const struct elf_symbol *symbol)
{
	size_t n;

	return elf_symbols_find(symbols, symbol->vaddr, &n)->bind !=
	       STB_LOCAL;
}

/*
 * What a file keeps to itself may be called anything, and take what arguments
 * it likes; but linkers also make names local that no other module can ask
 * for (static-pie). The wrappers of prctl and syscall change no register, and
 * _Exit is nobody's to define (C11, 7.1.3).
 */
static bool is_meant(const struct elf_symbols *symbols,
		     const struct elf_symbol *symbol, int function)
{
	return function == AGENT_PRCTL || function == AGENT_SYSCALL ||
	       function == AGENT_CXA_FINALIZE || is_global(symbols, symbol);
}

static struct error *take_names(struct entries *entries, struct slots *slots)
{
	for (size_t i = 0; i < entries->symbols.list.n; i++) {
		const struct elf_symbol *symbol =
			vec_at(&entries->symbols.list, i);
		const char *name = elf_symbols_name(&entries->symbols, symbol);
		int function = function_of(name);

		if (function < 0 ||
		    !is_meant(&entries->symbols, symbol, function))
			continue;
		if (symbol->type == STT_GNU_IFUNC)
			return error_new("its %s is chosen while it begins "
					 "(IFUNC)", name);
		entries->vaddrs[function] = symbol->vaddr;
		if (function >= AGENT_NEW && function < AGENT_DELETE)
			slots_add_operator_new(slots,
					       symbol->vaddr + entries->bias,
					       symbol->bytes);
	}
	return NULL;
}

/* The number of the entry at @vaddr, or NO_ID. */
static uint32_t find_entry(const struct entries *entries, uint64_t vaddr)
{
	for (size_t i = 0; i < entries->list.n; i++) {
		const struct entry *entry = vec_at(&entries->list, i);

		if (entry->vaddr == vaddr)
			return (uint32_t)i;
	}
	return NO_ID;
}

/* Two names may be one function; its wrapper is that of the first. */
static void add_entry(struct entries *entries, int function)
{
	uint64_t vaddr = entries->vaddrs[function];
	struct entry *entry;

	if (!vaddr || find_entry(entries, vaddr) != NO_ID)
		return;
	entry = vec_push(&entries->list);
	entry->vaddr = vaddr;
	entry->function = (uint32_t)function;
}

static void drop_function(struct entries *entries, int function)
{
	entries->vaddrs[function] = 0;
}

/*
 * Operators that call malloc, or another operator, are seen there. One that
 * throws is called by way of its twin (agent.h).
 */
static void drop_operators(struct entries *entries)
{
	bool leads_on[N_AGENT_FUNCTIONS] = { false };
	static const int throwing[] = { AGENT_NEW, AGENT_NEW_ARRAY,
					AGENT_NEW_ALIGNED,
					AGENT_NEW_ARRAY_ALIGNED };

	for (int i = 0; i < AGENT_MMAP; i++)
		if (entries->vaddrs[i])
			reach_add_root(&entries->reach, entries->vaddrs[i], 0);
	for (int i = AGENT_NEW; i < AGENT_MMAP; i++)
		leads_on[i] = entries->vaddrs[i] &&
			      reach_leads_on(&entries->reach,
					     entries->vaddrs[i]);
	for (int i = AGENT_NEW; i < AGENT_MMAP; i++)
		if (leads_on[i])
			drop_function(entries, i);
	for (size_t i = 0; i < ARRAY_SIZE(throwing); i++)
		if (!entries->vaddrs[throwing[i] + 2])
			drop_function(entries, throwing[i]);
	map_reset(&entries->reach.roots);
}

static bool is_of_allocator(int function)
{
	return function != AGENT_PRCTL && function != AGENT_SYSCALL &&
	       function != AGENT_CXA_FINALIZE;
}

struct error *entries_refuse(const struct entry *entry, const char *fault)
{
	static const char *const names[] = { "malloc", "free", "calloc",
					     "realloc" };
	const char *name = entry->function < ARRAY_SIZE(names)
				   ? names[entry->function]
				   : "another function of malloc's family";

	return error_hint(error_new("it is static, and its %s %s", name,
				    fault),
			  "try:   the program linked with libc.so; or -e cpu");
}

/*
 * A compiler that sees both a function and its caller may keep values in
 * registers that the function leaves alone (-fipa-ra), and a wrapper does
 * not. One that calls others leaves none alone: allocators do, but for toys.
 */
static struct error *read_ways(struct entries *entries)
{
	struct reach *reach = &entries->reach;

	for (size_t i = 0; i < entries->list.n; i++) {
		const struct entry *entry = vec_at(&entries->list, i);

		if (is_of_allocator((int)entry->function))
			reach_add_root(reach, entry->vaddr, (uint32_t)i);
	}
	for (size_t i = 0; i < entries->list.n; i++) {
		const struct entry *entry = vec_at(&entries->list, i);
		const char *fault;

		if (!is_of_allocator((int)entry->function))
			continue;
		fault = reach_read(reach, entry->vaddr);
		if (!fault && !reach->n_calls)
			fault = "calls no other function";
		if (fault)
			return entries_refuse(entry, fault);
	}
	return NULL;
}

struct error *entries_find(struct entries *entries,
			   const struct inject *inject,
			   const struct space *space, struct slots *slots)
{
	struct error *error;

	if (slots->maps)
		return error_hint(error_new("it is static, and -e mmap is for "
					    "those that are not"),
				  "try:   -e alloc");
	error = find_program(entries, inject, space);
	if (!error)
		error = take_names(entries, slots);
	if (error)
		return error;
	if (!entries->vaddrs[AGENT_MALLOC] || !entries->vaddrs[AGENT_FREE])
		return error_hint(error_new("it is static, and has no malloc "
					    "and free"), "try:   -e cpu");
	if (!has_thread_starter(&entries->symbols))
		return error_hint(error_new("it is static, and its libc is "
					    "neither glibc nor musl"),
				  "try:   -e cpu");
	reach_init(&entries->reach, entries->module, &entries->symbols,
		   GATE_JUMP_BYTES);
	drop_operators(entries);
	for (int i = 0; i < AGENT_MMAP; i++)
		add_entry(entries, i);
	return read_ways(entries);
}
