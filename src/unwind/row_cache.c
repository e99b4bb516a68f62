/* SPDX-License-Identifier: MIT */
/* row_cache.c - rows kept at hand: by address, and behind that by module. */
#include "unwind/row_cache.h"

#include "util/mem.h"
#include "unwind/call_site.h"
#include "unwind/cfi.h"
#include "unwind/confined_rows.h"
#include "image/functions.h"
#include "unwind/go_rows.h"
#include "unwind/prologue.h"

#define CAP_FIRST 1024
/* A program that makes code for ever shall not fill our memory with rows. */
#define CAP_MAX (1u << 21)
#define STORED_ROWS_MAX (1u << 20)
/* Offset of gregs[] in a ucontext (sys/ucontext.h, x86-64). */
#define UCONTEXT_GREGS 40
#define EPILOGUE_BYTES 32

struct stored_row {
	struct row row;
	struct row_saves saves;
	bool is_guessed; /* the code was asked, too */
};

struct module_rows {
	struct cfi *cfi;
	struct gopclntab *go; /* NULL: not made by Go */
	bool has_asked_for_debug_file;
	bool is_foreign; /* a child reads its CFI */
	struct functions functions;
	struct map ids;	  /* vaddr -> index into rows */
	struct vec rows;  /* struct stored_row */
};

void row_store_init(struct row_store *store)
{
	*store = (struct row_store){
		.modules = VEC_OF(struct module_rows *),
	};
}

void row_store_clear(struct row_store *store)
{
	for (size_t i = 0; i < store->modules.n; i++) {
		struct module_rows *rows =
			*(struct module_rows **)vec_at(&store->modules, i);

		if (!rows)
			continue;
		cfi_free(rows->cfi);
		gopclntab_close(rows->go);
		functions_clear(&rows->functions);
		map_clear(&rows->ids);
		vec_clear(&rows->rows);
		free(rows);
	}
	vec_clear(&store->modules);
	confined_rows_free(store->confined);
}

static struct module_rows *store_module(struct row_store *store,
					const struct module *module)
{
	struct module_rows **slot;

	while (store->modules.n <= module->id)
		vec_push(&store->modules);
	slot = vec_at(&store->modules, module->id);
	if (!*slot) {
		*slot = xcalloc(1, sizeof(**slot));
		(*slot)->cfi = cfi_new(module);
		(*slot)->go = gopclntab_open(module);
		(*slot)->is_foreign = !module_is_trusted(module);
		(*slot)->rows = VEC_OF(struct stored_row);
	}
	return *slot;
}

/* May its debug file say what the module does not? Then @rows know it now. */
static bool ask_for_debug_file(const struct row_store *store,
			       struct module_rows *rows,
			       const struct module *module)
{
	int fd;

	if (rows->has_asked_for_debug_file || !store->open_debug_file ||
	    rows->go || module->fd < 0)
		return false;
	rows->has_asked_for_debug_file = true;
	fd = store->open_debug_file(module);
	if (fd >= 0)
		cfi_use_debug_file(rows->cfi, fd);
	return fd >= 0;
}

/* Ask the CFI of @module, then that of its debug file; also in the child. */
static void ask_cfi(void *arg, const struct module *module, uint64_t vaddr,
		    struct row *out, struct row_saves *out_saves)
{
	struct row_store *store = arg;
	struct module_rows *rows = store_module(store, module);

	cfi_find_row(rows->cfi, vaddr, out, out_saves);
	if (out->kind == ROW_NONE && ask_for_debug_file(store, rows, module))
		cfi_find_row(rows->cfi, vaddr, out, out_saves);
}

/* Ask the module's own tables: Go's where there are some, then its CFI. */
static void ask_module(struct row_store *store, struct module_rows *rows,
		       const struct module *module, uint64_t vaddr,
		       struct stored_row *out)
{
	if (rows->go && go_rows_find(rows->go, module, vaddr, &out->row)) {
		/* Go's functions save no other register (internal ABI: "all
		 * general-purpose registers are caller-saved"). */
		for (size_t i = 0; i < N_SAVED_REGS; i++)
			out->saves.rule[i] = RULE_UNKNOWN;
		return;
	}
	if (!rows->is_foreign) {
		ask_cfi(store, module, vaddr, &out->row, &out->saves);
		return;
	}
	if (!store->confined)
		store->confined = confined_rows_new(store->all, ask_cfi,
						    store);
	confined_rows_find(store->confined, module, vaddr, &out->row,
			   &out->saves);
}

static struct stored_row *store_find(struct row_store *store,
				     const struct module *module,
				     uint64_t vaddr)
{
	struct module_rows *rows = store_module(store, module);
	uint32_t id = map_get(&rows->ids, vaddr);
	struct stored_row *row;

	if (id != NO_ID)
		return vec_at(&rows->rows, id);
	if (rows->rows.n >= STORED_ROWS_MAX) {
		map_reset(&rows->ids);
		vec_clear(&rows->rows);
	}
	map_put(&rows->ids, vaddr, (uint32_t)rows->rows.n);
	row = vec_push(&rows->rows);
	ask_module(store, rows, module, vaddr, row);
	store->n_lookups++;
	return row;
}

/* As store_find(), with what the code says where nothing else does. */
static struct stored_row *store_guess(struct row_store *store,
				      const struct module *module,
				      uint64_t vaddr)
{
	struct stored_row *row = store_find(store, module, vaddr);

	if (row->row.kind == ROW_NONE && !row->is_guessed)
		prologue_find_row(&store_module(store, module)->functions,
				  module, vaddr, &row->row, &row->saves);
	row->is_guessed = true;
	return row;
}

static void cache_resize(struct row_cache *cache, size_t cap)
{
	free(cache->entries);
	cache->entries = xcalloc(cap, sizeof(*cache->entries));
	cache->cap = cap;
	cache->shift = 64 - (unsigned int)__builtin_ctzll(cap);
	cache->n = 0;
	cache->tag = 1;
}

void row_cache_init(struct row_cache *cache, struct space *space,
		    struct row_store *store)
{
	*cache = (struct row_cache){ .space = space, .store = store };
	store->all = space_modules(space);
	cache->generation = space_generation(space);
	cache_resize(cache, CAP_FIRST);
}

void row_cache_clear(struct row_cache *cache)
{
	free(cache->entries);
	cache->entries = NULL;
}

/* All entries turn stale at once: a probe ends at the first stale one. */
static void cache_empty(struct row_cache *cache)
{
	cache->n = 0;
	cache->tag++;
	if (cache->tag == 0)
		cache_resize(cache, cache->cap);
}

bool row_cache_sync(struct row_cache *cache)
{
	uint64_t generation = space_generation(cache->space);

	if (generation == cache->generation)
		return false;
	cache->generation = generation;
	cache_empty(cache);
	return true;
}

/* A free entry for @addr, which is not in the table. */
static struct row_entry *cache_add(struct row_cache *cache, taddr addr)
{
	size_t mask = cache->cap - 1, i = row_cache_slot(cache, addr);

	while (cache->entries[i].tag == cache->tag)
		i = (i + 1) & mask;
	cache->entries[i].addr = addr;
	cache->entries[i].tag = cache->tag;
	cache->n++;
	return &cache->entries[i];
}

static void cache_grow(struct row_cache *cache)
{
	struct row_entry *old = cache->entries;
	size_t old_cap = cache->cap;
	uint32_t old_tag = cache->tag;

	if (old_cap >= CAP_MAX) {
		cache_empty(cache);
		return;
	}
	cache->entries = NULL;
	cache_resize(cache, 2 * old_cap);
	for (size_t i = 0; i < old_cap; i++) {
		struct row_entry *entry;

		if (old[i].tag != old_tag)
			continue;
		entry = cache_add(cache, old[i].addr);
		entry->mapping_id = old[i].mapping_id;
		entry->row = old[i].row;
	}
	free(old);
}

/* Up to @len bytes of code at @addr: from the file if there is one. */
static size_t code_read(struct row_cache *cache, const struct mapping *mapping,
			taddr addr, uint8_t *buf, size_t len)
{
	uint64_t vaddr;
	ssize_t n;

	if (addr < mapping->start || addr >= mapping->end)
		return 0;
	if (len > mapping->end - addr)
		len = mapping->end - addr;
	if (mapping_vaddr(mapping, addr, &vaddr))
		n = module_read(mapping->module, vaddr, buf, len);
	else
		n = space_read_memory(cache->space, addr, buf, len);
	return n > 0 ? (size_t)n : 0;
}

/*
 * The trampoline that a signal handler returns to has no CFI in musl and in
 * Go, but the same bytes everywhere. @addr may be one below it, as it was
 * made from a return address.
 */
static bool is_trampoline(struct row_cache *cache,
			  const struct mapping *mapping, taddr addr)
{
	uint8_t code[SIGRETURN_BYTES + 1];
	size_t n = code_read(cache, mapping, addr, code, sizeof(code));

	return bytes_are_sigreturn(code, n) ||
	       (n > 0 && bytes_are_sigreturn(code + 1, n - 1));
}

/*
 * How much is on the stack above the return address if @addr lies in a PLT
 * stub, else -1. A stub calls nothing: what lies inside of a call is none.
 */
static int stub_depth(struct row_cache *cache, const struct mapping *mapping,
		      taddr addr)
{
	uint8_t code[STUB_BYTES_BEFORE + STUB_BYTES_BEHIND];
	uint8_t call[CALL_BYTES_MAX];
	size_t n = code_read(cache, mapping, addr - STUB_BYTES_BEFORE, code,
			     sizeof(code));

	if (n <= STUB_BYTES_BEFORE)
		return -1;
	if (code_read(cache, mapping, addr + 1 - sizeof(call), call,
		      sizeof(call)) == sizeof(call) &&
	    bytes_end_in_call(call, sizeof(call)))
		return -1;
	return bytes_stub_depth(code, STUB_BYTES_BEFORE, n);
}

/* A row for code that says nothing itself, from its bytes alone. */
static struct row row_from_code(struct row_cache *cache,
				const struct mapping *mapping, taddr addr)
{
	int depth;

	if (is_trampoline(cache, mapping, addr))
		return (struct row){ .kind = ROW_SIGNAL,
				     .cfa_reg = CPU_SP,
				     .cfa_offset = UCONTEXT_GREGS };
	depth = stub_depth(cache, mapping, addr);
	if (depth >= 0)
		return (struct row){ .kind = ROW_PLAIN,
				     .cfa_reg = CPU_SP,
				     .cfa_offset = 8 + depth };
	return (struct row){ .kind = ROW_NONE };
}

/*
 * Code that was made at run time, in memory without a file. A call ends at
 * @addr, or an instruction that is yet to be executed begins there.
 */
static struct row row_of_made_code(struct row_cache *cache,
				   const struct mapping *mapping, taddr addr)
{
	uint8_t code[CALL_BYTES_MAX + EPILOGUE_BYTES];
	struct row row = { .kind = ROW_NONE };
	size_t n = code_read(cache, mapping, addr + 1 - CALL_BYTES_MAX, code,
			     sizeof(code));
	size_t at = CALL_BYTES_MAX;

	if (n < CALL_BYTES_MAX)
		return row;
	if (!bytes_end_in_call(code, CALL_BYTES_MAX))
		at--;
	if (!epilogue_find_row(code + at, n - at, &row))
		row.kind = ROW_NONE;
	return row;
}

static struct row make_row(struct row_cache *cache,
			   const struct mapping *mapping, taddr addr)
{
	struct row row = { .kind = ROW_NONE };
	uint64_t vaddr;
	bool has_vaddr;

	/* Three calls at fixed addresses, each "mov; syscall; ret". */
	if (!strcmp(mapping->path, "[vsyscall]"))
		return (struct row){ .kind = ROW_PLAIN,
				     .cfa_reg = CPU_SP,
				     .cfa_offset = 8 };
	has_vaddr = mapping_vaddr(mapping, addr, &vaddr);
	if (has_vaddr)
		row = store_find(cache->store, mapping->module, vaddr)->row;
	if (row.kind == ROW_NONE)
		row = row_from_code(cache, mapping, addr);
	/* The last resort, since it reads all code of the module once. */
	if (row.kind == ROW_NONE && has_vaddr)
		row = store_guess(cache->store, mapping->module, vaddr)->row;
	if (row.kind == ROW_NONE && !mapping->module)
		row = row_of_made_code(cache, mapping, addr);
	return row;
}

struct row_entry *row_cache_find(struct row_cache *cache, taddr addr)
{
	struct row_entry *entry = row_cache_probe(cache, addr);
	const struct mapping *mapping;

	if (entry)
		return entry;
	mapping = space_find(cache->space, addr);
	if (!mapping || !mapping->is_executable)
		return NULL;
	if (2 * cache->n >= cache->cap)
		cache_grow(cache);
	entry = cache_add(cache, addr);
	entry->mapping_id = mapping->id;
	entry->row = make_row(cache, mapping, addr);
	return entry;
}

const struct row_saves *row_cache_saves(struct row_cache *cache,
					const struct row_entry *entry)
{
	const struct mapping *mapping =
		space_mapping(cache->space, entry->mapping_id);
	uint64_t vaddr;

	if (!mapping_vaddr(mapping, entry->addr, &vaddr))
		return NULL;
	return &store_find(cache->store, mapping->module, vaddr)->saves;
}

bool row_cache_function(struct row_cache *cache, taddr addr, taddr *out_start)
{
	const struct mapping *mapping = space_find(cache->space, addr);
	struct module_rows *rows;
	uint64_t vaddr, start, end;

	if (!mapping || !mapping_vaddr(mapping, addr, &vaddr))
		return false;
	rows = store_module(cache->store, mapping->module);
	if (!functions_find(&rows->functions, mapping->module, vaddr, &start,
			    &end))
		return false;
	*out_start = addr - (vaddr - start);
	return true;
}

bool row_cache_guess(struct row_cache *cache, taddr addr, struct row *out)
{
	const struct mapping *mapping = space_find(cache->space, addr);
	struct row_saves saves;
	uint64_t vaddr;

	if (!mapping || !mapping_vaddr(mapping, addr, &vaddr))
		return false;
	prologue_find_row(&store_module(cache->store,
					mapping->module)->functions,
			  mapping->module, vaddr, out, &saves);
	return out->kind == ROW_GUESS;
}

size_t row_cache_code(struct row_cache *cache, taddr addr, uint8_t *buf,
		      size_t len)
{
	const struct mapping *mapping = space_find(cache->space, addr);

	if (!mapping || !mapping->is_executable)
		return 0;
	return code_read(cache, mapping, addr, buf, len);
}

bool row_cache_is_return(struct row_cache *cache, taddr pc)
{
	struct row_entry *entry = row_cache_find(cache, pc - 1);
	const struct mapping *mapping;
	uint8_t code[CALL_BYTES_MAX];
	size_t len = CALL_BYTES_MAX;

	if (!entry)
		return false;
	if (entry->row.flags & ROW_CALL_CHECKED)
		return entry->row.flags & ROW_IN_CALL;
	mapping = space_mapping(cache->space, entry->mapping_id);
	if (len > pc - mapping->start)
		len = pc - mapping->start;
	entry->row.flags |= ROW_CALL_CHECKED;
	if (code_read(cache, mapping, pc - len, code, len) == len &&
	    bytes_end_in_call(code, len))
		entry->row.flags |= ROW_IN_CALL;
	return entry->row.flags & ROW_IN_CALL;
}
