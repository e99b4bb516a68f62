/* SPDX-License-Identifier: MIT */
/*
 * test_confined_rows.c - rows from a confined child are those that libdw gives
 * here; what breaks the child, or holds it up, costs the rows of one module.
 */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "self.h"
#include "unwind/cfi.h"
#include "unwind/confined_rows.h"
#include "util/clock.h"
#include "util/log.h"

#define N_ROWS 3000
#define STEP_BYTES 37

static struct module *module_at(const void *code)
{
	const struct mapping *mapping;

	self_setup();
	mapping = space_find(self.space, (taddr)(uintptr_t)code);
	return mapping ? mapping->module : NULL;
}

static struct module *libc_module(void)
{
	return module_at((const void *)(uintptr_t)&qsort);
}

static void find_by_libdw(void *ctx, const struct module *module,
			  uint64_t vaddr, struct row *out,
			  struct row_saves *out_saves)
{
	struct cfi **cfi = ctx;

	if (!*cfi)
		*cfi = cfi_new(module);
	cfi_find_row(*cfi, vaddr, out, out_saves);
}

static bool rows_agree(const struct row *row, const struct row_saves *saves,
		       const struct row *other,
		       const struct row_saves *other_saves)
{
	/* What only libunwind could step by is nothing from a child. */
	if (other->kind > ROW_SIGNAL)
		return row->kind == ROW_NONE;
	return !memcmp(row, other, sizeof(*row)) &&
	       !memcmp(saves->rule, other_saves->rule,
		       sizeof(saves->rule)) &&
	       !memcmp(saves->offset, other_saves->offset,
		       sizeof(saves->offset));
}

static double per_second(int64_t since_ns)
{
	return N_ROWS * 1e9 / (double)(clock_now_ns() - since_ns + 1);
}

TEST(rows_of_a_child_are_those_of_libdw)
{
	static struct row rows[N_ROWS];
	static struct row_saves saves[N_ROWS];
	struct confined_rows *confined;
	struct cfi *theirs = NULL, *ours;
	struct row row;
	struct row_saves saved;
	taddr addr = (taddr)(uintptr_t)&qsort;
	struct module *module = libc_module();
	size_t n_plain = 0;
	uint64_t vaddr;
	int64_t since_ns;

	CHECK(module && mapping_vaddr(space_find(self.space, addr), addr,
				      &vaddr));
	confined = confined_rows_new(&self.modules, find_by_libdw, &theirs);
	confined_rows_find(confined, module, vaddr, &row, &saved);
	since_ns = clock_now_ns();
	for (size_t i = 0; i < N_ROWS; i++)
		confined_rows_find(confined, module, vaddr + i * STEP_BYTES,
				   &rows[i], &saves[i]);
	printf("# from a child: %.0f rows a second\n", per_second(since_ns));
	CHECK(!theirs);
	ours = cfi_new(module);
	cfi_find_row(ours, vaddr, &row, &saved);
	since_ns = clock_now_ns();
	for (size_t i = 0; i < N_ROWS; i++) {
		cfi_find_row(ours, vaddr + i * STEP_BYTES, &row, &saved);
		CHECK(rows_agree(&rows[i], &saves[i], &row, &saved));
		n_plain += row.kind == ROW_PLAIN;
	}
	printf("# here: %.0f rows a second\n", per_second(since_ns));
	CHECK(n_plain > N_ROWS / 2);
	cfi_free(ours);
	confined_rows_free(confined);
}

enum deed { SAY_PLAIN, SAY_REGISTER_200, SAY_HARD, SAY_RULE_9, CRASH, LOOP };

/* What @vaddr is about happens, if @ctx is NULL or @module. */
static void find_by_deed(void *ctx, const struct module *module,
			 uint64_t vaddr, struct row *out,
			 struct row_saves *out_saves)
{
	volatile unsigned int turns = 0;

	*out = (struct row){ .kind = ROW_PLAIN, .cfa_reg = CPU_SP,
			     .cfa_offset = 8 };
	if (ctx && ctx != module)
		return;
	switch ((enum deed)vaddr) {
	case SAY_PLAIN:
		break;
	case SAY_REGISTER_200:
		out->cfa_reg = 200;
		break;
	case SAY_HARD:
		out->kind = ROW_HARD;
		break;
	case SAY_RULE_9:
		out_saves->rule[N_SAVED_REGS - 1] = 9;
		break;
	case CRASH:
		__builtin_trap();
	case LOOP:
		for (;;)
			turns++;
	}
}

static int kind_of(struct confined_rows *confined,
		   const struct module *module, enum deed deed)
{
	struct row row;
	struct row_saves saves;

	confined_rows_find(confined, module, deed, &row, &saves);
	return row.kind;
}

TEST(an_answer_that_makes_no_sense_is_no_row)
{
	struct module *module = libc_module();
	struct confined_rows *confined =
		confined_rows_new(&self.modules, find_by_deed, NULL);

	CHECK_EQ(kind_of(confined, module, SAY_REGISTER_200), ROW_NONE);
	CHECK_EQ(kind_of(confined, module, SAY_HARD), ROW_NONE);
	CHECK_EQ(kind_of(confined, module, SAY_RULE_9), ROW_NONE);
	CHECK_EQ(kind_of(confined, module, SAY_PLAIN), ROW_PLAIN);
	confined_rows_free(confined);
}

TEST(a_module_that_breaks_the_child_loses_its_rows_alone)
{
	struct module *bad = libc_module();
	struct module *good = module_at((const void *)(uintptr_t)&kind_of);
	struct confined_rows *confined =
		confined_rows_new(&self.modules, find_by_deed, bad);

	log_set_level(LOG_ERROR);
	CHECK(good && good != bad);
	CHECK_EQ(kind_of(confined, bad, SAY_PLAIN), ROW_PLAIN);
	CHECK_EQ(kind_of(confined, good, CRASH), ROW_PLAIN);
	CHECK_EQ(kind_of(confined, bad, CRASH), ROW_NONE);
	CHECK_EQ(kind_of(confined, bad, SAY_PLAIN), ROW_NONE);
	CHECK_EQ(kind_of(confined, good, SAY_PLAIN), ROW_PLAIN);
	confined_rows_free(confined);
}

TEST(a_module_that_holds_the_child_up_loses_its_rows_alone)
{
	int64_t since_ns = clock_now_ns();
	struct module *bad = libc_module();
	struct module *good = module_at((const void *)(uintptr_t)&kind_of);
	struct confined_rows *confined =
		confined_rows_new(&self.modules, find_by_deed, bad);

	log_set_level(LOG_ERROR);
	CHECK_EQ(kind_of(confined, bad, LOOP), ROW_NONE);
	CHECK_EQ(kind_of(confined, bad, SAY_PLAIN), ROW_NONE);
	CHECK_EQ(kind_of(confined, good, SAY_PLAIN), ROW_PLAIN);
	CHECK(clock_now_ns() - since_ns < 10 * NS_PER_S);
	confined_rows_free(confined);
}

/* As when a program has loaded another library since. */
TEST(a_module_that_came_later_has_rows)
{
	struct module *first = libc_module();
	struct modules modules = { .list = VEC_OF(struct module *) };
	struct module later = { .id = 1, .fd = -1, .path = (char[]){ "x" } };
	struct confined_rows *confined;
	struct module early = *first;

	early.id = 0;
	*(struct module **)vec_push(&modules.list) = &early;
	confined = confined_rows_new(&modules, find_by_deed, NULL);
	CHECK_EQ(kind_of(confined, &early, SAY_PLAIN), ROW_PLAIN);
	*(struct module **)vec_push(&modules.list) = &later;
	CHECK_EQ(kind_of(confined, &later, SAY_PLAIN), ROW_PLAIN);
	CHECK_EQ(kind_of(confined, &early, SAY_PLAIN), ROW_PLAIN);
	confined_rows_free(confined);
	vec_clear(&modules.list);
	self_clear();
}

TEST_MAIN()
