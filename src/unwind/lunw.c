/* SPDX-License-Identifier: MIT */
/*
 * lunw.c - libunwind over a snapshot.
 *
 * libunwind asks for unwind info by address; it gets the binary search table
 * of .eh_frame_hdr as a "remote table", whose words it then reads through
 * access_mem() like everything else. The search itself is an exported
 * function without a declaration.
 */
#include "unwind/lunw.h"

#include <libunwind.h>
#include <string.h>

#include "util/mem.h"
#include "unwind/call_site.h"

#define dwarf_search_unwind_table UNW_OBJ(dwarf_search_unwind_table)
extern int dwarf_search_unwind_table(unw_addr_space_t as, unw_word_t ip,
				     unw_dyn_info_t *di, unw_proc_info_t *pi,
				     int need_unwind_info, void *arg);

#define CACHE_ROWS 4096 /* some 300 bytes each */
#define PAGE_BYTES 4096u
#define N_PAGES 64
/*
 * Words that one step may read. libunwind takes stack for every
 * DW_CFA_remember_state and follows a DW_OP_skip for ever; honest unwind
 * info needs some hundred words.
 */
#define READS_PER_STEP 4096

/* A piece of a module's file, since libunwind reads it word by word. */
struct file_page {
	const struct module *module;
	uint64_t vaddr;
	size_t n_bytes;
	uint8_t bytes[PAGE_BYTES];
};

/* The search table of a module; n_words 0: it has none that we can use. */
struct search_table {
	bool is_known;
	uint64_t vaddr, n_words;
};

struct lunw {
	struct space *space;
	unw_addr_space_t address_space;
	struct file_page *pages;
	struct vec tables; /* struct search_table, by module id */
	/* Where find_proc_info() last was: nearly all reads go there. */
	const struct module *module;
	uint64_t bias;
	/* Of the step under way. */
	const struct snapshot *snapshot;
	struct regs regs;
	unsigned int n_reads;
	bool lacks_info;
	enum step memory_fault; /* STEP_DONE: none */
};

static const struct file_page *lunw_page(struct lunw *lunw,
					 const struct module *module,
					 uint64_t vaddr)
{
	uint64_t page_vaddr = vaddr - vaddr % PAGE_BYTES;
	size_t slot = (page_vaddr / PAGE_BYTES + module->id) % N_PAGES;
	struct file_page *page = &lunw->pages[slot];
	ssize_t n = -1;
	size_t skip = 0;

	if (page->module == module && page->vaddr == page_vaddr)
		return page;
	page->module = module;
	page->vaddr = page_vaddr;
	/* A segment may start inside of the page: try from where it does. */
	for (; skip < PAGE_BYTES && n <= 0; skip += 8)
		n = module_read(module, page_vaddr + skip, page->bytes + skip,
				PAGE_BYTES - skip);
	page->n_bytes = n > 0 ? skip - 8 + (size_t)n : 0;
	if (skip > 8 && skip <= PAGE_BYTES)
		memset(page->bytes, 0, skip - 8);
	return page;
}

static bool lunw_read_module(struct lunw *lunw, const struct module *module,
			     uint64_t vaddr, uint64_t *out)
{
	uint8_t *to = (uint8_t *)out;
	size_t left = sizeof(*out);

	*out = 0;
	while (left > 0) {
		const struct file_page *page = lunw_page(lunw, module, vaddr);
		size_t at = vaddr - page->vaddr, n;

		/* A word may end behind the file's last byte. */
		if (at >= page->n_bytes)
			return left < sizeof(*out);
		n = page->n_bytes - at < left ? page->n_bytes - at : left;
		memcpy(to, page->bytes + at, n);
		to += n;
		vaddr += n;
		left -= n;
	}
	return true;
}

/* Whether a segment of @module holds @vaddr. */
static bool module_holds(const struct module *module, uint64_t vaddr)
{
	for (size_t i = 0; i < module->n_segments; i++)
		if (vaddr - module->segments[i].vaddr <
		    module->segments[i].file_bytes)
			return true;
	return false;
}

static bool lunw_read_image(struct lunw *lunw, taddr addr, uint64_t *out)
{
	const struct mapping *mapping;
	uint64_t vaddr;

	if (lunw->module && module_holds(lunw->module, addr - lunw->bias))
		return lunw_read_module(lunw, lunw->module, addr - lunw->bias,
					out);
	mapping = space_find(lunw->space, addr);
	return mapping && mapping_vaddr(mapping, addr, &vaddr) &&
	       lunw_read_module(lunw, mapping->module, vaddr, out);
}

/*
 * Whether a signal handler returns to @pc. unw_is_signal_frame() knows only
 * of frames that were stepped through without CFI.
 */
static bool lunw_is_trampoline(struct lunw *lunw, taddr pc)
{
	uint64_t words[2];

	return lunw_read_image(lunw, pc, &words[0]) &&
	       lunw_read_image(lunw, pc + 8, &words[1]) &&
	       bytes_are_sigreturn((const uint8_t *)words, sizeof(words));
}

static int access_mem(unw_addr_space_t as, unw_word_t addr, unw_word_t *value,
		      int is_write, void *arg)
{
	struct lunw *lunw = arg;
	enum step step;

	(void)as;
	if (is_write || ++lunw->n_reads > READS_PER_STEP)
		return -UNW_EINVAL;
	step = snapshot_read(lunw->snapshot, addr, value);
	if (step == STEP_DONE || lunw_read_image(lunw, addr, value))
		return 0;
	lunw->memory_fault = step;
	return -UNW_EINVAL;
}

static int access_reg(unw_addr_space_t as, unw_regnum_t reg, unw_word_t *value,
		      int is_write, void *arg)
{
	struct lunw *lunw = arg;

	(void)as;
	if (is_write || reg < 0 || reg >= N_REGS ||
	    !regs_is_known(&lunw->regs, (enum cpu_reg)reg))
		return -UNW_EBADREG;
	*value = lunw->regs.r[reg];
	return 0;
}

static int access_fpreg(unw_addr_space_t as, unw_regnum_t reg,
			unw_fpreg_t *value, int is_write, void *arg)
{
	(void)as, (void)reg, (void)value, (void)is_write, (void)arg;
	return -UNW_EBADREG;
}

static int resume(unw_addr_space_t as, unw_cursor_t *cursor, void *arg)
{
	(void)as, (void)cursor, (void)arg;
	return -UNW_EINVAL;
}

static int get_dyn_info_list_addr(unw_addr_space_t as, unw_word_t *addr,
				  void *arg)
{
	(void)as, (void)addr, (void)arg;
	return -UNW_ENOINFO;
}

static void put_unwind_info(unw_addr_space_t as, unw_proc_info_t *info,
			    void *arg)
{
	(void)as, (void)info, (void)arg;
}

/*
 * Find the table behind PT_GNU_EH_FRAME (LSB core, 10.6.2): version 1, the
 * encodings that every linker writes, a count, then (pc, fde) pairs.
 */
static struct search_table table_of_module(const struct module *module)
{
	struct search_table table = { .is_known = true };
	struct {
		uint8_t version, pointer_enc, count_enc, table_enc;
		int32_t eh_frame;
		uint32_t n_fdes;
	} header;

	if (!module->unwind_header ||
	    module_read(module, module->unwind_header, &header,
			sizeof(header)) != (ssize_t)sizeof(header) ||
	    header.version != 1 || header.pointer_enc != 0x1b ||
	    header.count_enc != 0x03 || header.table_enc != 0x3b)
		return table;
	table.vaddr = module->unwind_header + sizeof(header);
	table.n_words = header.n_fdes;
	return table;
}

static const struct search_table *lunw_table(struct lunw *lunw,
					     const struct module *module)
{
	struct search_table *table;

	while (lunw->tables.n <= module->id)
		vec_push(&lunw->tables);
	table = vec_at(&lunw->tables, module->id);
	if (!table->is_known)
		*table = table_of_module(module);
	return table;
}

static int find_proc_info(unw_addr_space_t as, unw_word_t ip,
			  unw_proc_info_t *info, int need_unwind_info,
			  void *arg)
{
	struct lunw *lunw = arg;
	const struct mapping *mapping = space_find(lunw->space, ip);
	const struct search_table *table = NULL;
	unw_dyn_info_t di;
	uint64_t vaddr;
	int rc = -UNW_ENOINFO;

	if (mapping && mapping_vaddr(mapping, ip, &vaddr))
		table = lunw_table(lunw, mapping->module);
	if (table && table->n_words) {
		lunw->module = mapping->module;
		lunw->bias = ip - vaddr;
		memset(&di, 0, sizeof(di));
		di.format = UNW_INFO_FORMAT_REMOTE_TABLE;
		di.start_ip = mapping->start;
		di.end_ip = mapping->end;
		di.u.rti.segbase =
			lunw->bias + mapping->module->unwind_header;
		di.u.rti.table_data = lunw->bias + table->vaddr;
		di.u.rti.table_len = table->n_words;
		rc = dwarf_search_unwind_table(as, ip, &di, info,
					       need_unwind_info, arg);
	}
	if (rc < 0)
		lunw->lacks_info = true;
	return rc;
}

struct lunw *lunw_new(struct space *space)
{
	unw_accessors_t accessors = {
		.find_proc_info = find_proc_info,
		.put_unwind_info = put_unwind_info,
		.get_dyn_info_list_addr = get_dyn_info_list_addr,
		.access_mem = access_mem,
		.access_reg = access_reg,
		.access_fpreg = access_fpreg,
		.resume = resume,
	};
	struct lunw *lunw = xcalloc(1, sizeof(*lunw));

	lunw->space = space;
	lunw->tables = VEC_OF(struct search_table);
	lunw->pages = xcalloc(N_PAGES, sizeof(*lunw->pages));
	lunw->address_space = unw_create_addr_space(&accessors, 0);
	if (!lunw->address_space) {
		lunw_free(lunw);
		return NULL;
	}
	unw_set_caching_policy(lunw->address_space, UNW_CACHE_GLOBAL);
	/* Its 128 entries by default are fewer than a program's frames. */
	unw_set_cache_size(lunw->address_space, CACHE_ROWS, 0);
	return lunw;
}

void lunw_free(struct lunw *lunw)
{
	if (!lunw)
		return;
	if (lunw->address_space)
		unw_destroy_addr_space(lunw->address_space);
	vec_clear(&lunw->tables);
	free(lunw->pages);
	free(lunw);
}

void lunw_flush(struct lunw *lunw)
{
	unw_flush_cache(lunw->address_space, 0, 0);
	lunw->module = NULL;
}

static enum step lunw_failure(const struct lunw *lunw, int rc)
{
	if (lunw->lacks_info)
		return STEP_NO_RULE;
	if (rc == 0)
		return STEP_ROOT;
	if (lunw->memory_fault == STEP_DONE)
		return STEP_NO_RULE;
	return lunw->memory_fault;
}

/* One unw_step(), distrusting what it made up without unwind info. */
static enum step cursor_step(struct lunw *lunw, unw_cursor_t *cursor)
{
	int rc;

	lunw->lacks_info = false;
	lunw->n_reads = 0;
	lunw->memory_fault = STEP_DONE;
	rc = unw_step(cursor);
	if (rc > 0 && !lunw->lacks_info)
		return STEP_DONE;
	return lunw_failure(lunw, rc > 0 ? -UNW_ENOINFO : rc);
}

static void cursor_get_regs(unw_cursor_t *cursor, bool is_signal,
			    struct regs *out)
{
	static const uint8_t kept[] = {
		CPU_SP,	 CPU_PC,  CPU_FP,  CPU_RBX,
		CPU_R12, CPU_R13, CPU_R14, CPU_R15,
	};
	size_t n = is_signal ? N_REGS : ARRAY_SIZE(kept);

	out->known = 0;
	for (size_t i = 0; i < n; i++) {
		enum cpu_reg reg = is_signal ? i : kept[i];
		unw_word_t value;

		if (unw_get_reg(cursor, (unw_regnum_t)reg, &value) == 0)
			regs_set(out, reg, value);
	}
}

/*
 * Whoever has called somebody has a return address on its stack; else it may
 * be in a register alone: glibc's vfork() takes it off, as its child would
 * write over it.
 */
static bool has_advanced(bool is_return, taddr sp, taddr caller_sp)
{
	return is_return ? caller_sp > sp : caller_sp >= sp;
}

enum step lunw_step(struct lunw *lunw, const struct snapshot *snapshot,
		    struct code_address address, struct regs *regs,
		    bool *out_is_signal)
{
	struct regs caller;
	unw_cursor_t cursor;
	enum step step;

	lunw->snapshot = snapshot;
	lunw->regs = *regs;
	/* A fresh cursor takes its pc for exact, and so looks it up. */
	regs_set(&lunw->regs, CPU_PC, code_address_lookup(address));
	if (unw_init_remote(&cursor, lunw->address_space, lunw))
		return STEP_NO_RULE;
	*out_is_signal = lunw_is_trampoline(lunw, address.pc);
	step = cursor_step(lunw, &cursor);
	if (step != STEP_DONE)
		return step;
	cursor_get_regs(&cursor, *out_is_signal, &caller);
	if (!regs_is_known(&caller, CPU_SP) || !regs_is_known(&caller, CPU_PC))
		return STEP_NO_RULE;
	if (!*out_is_signal && !has_advanced(address.is_return, regs->r[CPU_SP],
					     caller.r[CPU_SP]))
		return STEP_BAD_STACK;
	*regs = caller;
	return STEP_DONE;
}

static enum walk_end end_of_step(enum step step, bool is_leaf_known)
{
	switch (step) {
	case STEP_ROOT:
		return WALK_ROOT;
	case STEP_CUT:
		return WALK_CUT;
	case STEP_BAD_STACK:
		return WALK_BAD_STACK;
	case STEP_NO_FP:
	case STEP_NO_REG:
		return WALK_NO_FP;
	case STEP_DONE:
	case STEP_NO_RULE:
		return is_leaf_known ? WALK_NO_RULE : WALK_NO_FP;
	}
	return WALK_NO_RULE;
}

/* Note the frame at the cursor; false if its pc lies in no code. */
static bool lunw_add_frame(struct lunw *lunw, struct code_address address,
			   bool is_signal, struct frames *frames)
{
	taddr lookup = code_address_lookup(address);
	const struct mapping *mapping = space_find(lunw->space, lookup);
	struct frame *frame;

	if ((!mapping || !mapping->is_executable) && frames->list.n > 0)
		return false;
	frame = vec_push(&frames->list);
	frame->addr = is_signal ? address.pc : lookup;
	frame->mapping_id = mapping ? mapping->id : NO_ID;
	return true;
}

void lunw_walk(struct lunw *lunw, const struct snapshot *snapshot,
	       size_t max_depth, struct frames *frames)
{
	bool has_fp = regs_is_known(&snapshot->regs, CPU_FP);
	struct code_address address = { .is_return = false };
	bool was_return = false; /* of the frame before */
	unw_word_t sp = 0, last_sp = 0;
	enum step step = STEP_NO_RULE;
	unw_cursor_t cursor;

	frames->list.n = 0;
	frames->end = WALK_NO_RULE;
	lunw->snapshot = snapshot;
	lunw->regs = snapshot->regs;
	if (unw_init_remote(&cursor, lunw->address_space, lunw))
		return;
	for (;;) {
		bool is_signal;

		if (frames->list.n >= max_depth) {
			frames->end = WALK_DEPTH;
			return;
		}
		if (unw_get_reg(&cursor, UNW_REG_IP, &address.pc) ||
		    unw_get_reg(&cursor, UNW_REG_SP, &sp))
			break;
		if (address.pc == 0 && frames->list.n > 0) {
			frames->end = WALK_ROOT;
			return;
		}
		is_signal = lunw_is_trampoline(lunw, address.pc);
		if ((frames->list.n > 0 && address.is_return &&
		     !has_advanced(was_return, last_sp, sp)) ||
		    !lunw_add_frame(lunw, address, is_signal, frames)) {
			frames->end = WALK_BAD_STACK;
			return;
		}
		last_sp = sp;
		step = cursor_step(lunw, &cursor);
		if (step != STEP_DONE)
			break;
		was_return = address.is_return;
		address.is_return = !is_signal;
	}
	frames->end = end_of_step(step, has_fp);
}
