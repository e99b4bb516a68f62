/* SPDX-License-Identifier: MIT */
/* test_gate.c - first instructions of functions, moved and then run. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"
#include "heap/gate.h"
#include "util/mem.h"

/*
 * Functions of x that begin with what depends on where it is. A filler of one
 * pattern follows each.
 */
__asm__(
	"	.text\n"
	"	.p2align 4\n"
	"pushes:\n"
	"	push	%rbp\n"
	"	mov	%rdi, %rbp\n"
	"	push	%rbx\n"
	"	lea	1(%rbp), %rax\n"
	"	pop	%rbx\n"
	"	pop	%rbp\n"
	"	ret\n"
	"pushes_end:\n"
	"	.p2align 4\n"
	"data:\n"
	"	mov	word(%rip), %rax\n"
	"	add	%rdi, %rax\n"
	"	ret\n"
	"word:	.quad	1000\n"
	"data_end:\n"
	"	.p2align 4\n"
	"compared:\n" /* an immediate behind the distance */
	"	cmpb	$7, byte(%rip)\n"
	"	sete	%al\n"
	"	movzbl	%al, %eax\n"
	"	add	%rdi, %rax\n"
	"	ret\n"
	"byte:	.byte	7\n"
	"compared_end:\n"
	"	.p2align 4\n"
	"branches:\n"
	"	test	%edi, %edi\n"
	"	jz	1f\n"
	"	lea	2(%rdi), %rax\n"
	"	ret\n"
	"1:	mov	$77, %eax\n"
	"	ret\n"
	"branches_end:\n"
	"	.p2align 4\n"
	"leads_on:\n"
	"	jmp	pushes\n"
	"leads_on_end:\n"
	"	.p2align 4\n"
	"short_one:\n"
	"	mov	%edi, %eax\n"
	"	ret\n"
	"short_one_end:\n"
	"	.p2align 4\n"
	"calls:\n"
	"	sub	$8, %rsp\n"
	"	call	pushes\n"
	"	add	$8, %rsp\n"
	"	ret\n"
	"calls_end:\n"
	"	.p2align 4\n"
	"loops:\n"
	"	inc	%edi\n"
	"1:	dec	%edi\n"
	"	jnz	1b\n"
	"	ret\n"
	"loops_end:\n"
	"	.p2align 4\n"
	"crowded:\n" /* another one begins in its first five bytes */
	"	ret\n"
	"crowded_end:\n"
	"	mov	$5, %eax\n"
	"	ret\n"
	"	.p2align 4\n");

#define FUNCTION(name) extern const uint8_t name[], name##_end[];
FUNCTION(pushes)
FUNCTION(data)
FUNCTION(compared)
FUNCTION(branches)
FUNCTION(leads_on)
FUNCTION(short_one)
FUNCTION(calls)
FUNCTION(loops)
FUNCTION(crowded)

typedef long (*long_fn)(long x);

static struct gate_function function(const uint8_t *start, const uint8_t *end)
{
	return (struct gate_function){
		.code = start,
		.n = (size_t)(end - start),
		.n_padded = (size_t)(end - start) + 15,
		.addr = (uint64_t)start,
	};
}

static uint64_t same(void *ctx, uint64_t target)
{
	(void)ctx;
	return target;
}

/* Where the jump to pushes() is to lead instead. */
static uint64_t other(void *ctx, uint64_t target)
{
	return target == (uint64_t)pushes ? *(uint64_t *)ctx : target;
}

/* A page that code of ours can be reached from. */
static uint8_t *near_page(void)
{
	uint64_t from = (uint64_t)pushes & ~UINT64_C(4095);

	for (uint64_t i = 1; i < 1000; i++) {
		void *wanted = (void *)(from - i * (1 << 20));
		void *page = mmap(wanted, 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS |
					  MAP_FIXED_NOREPLACE,
				  -1, 0);

		if (page == wanted)
			return page;
		if (page != MAP_FAILED)
			munmap(page, 4096);
	}
	return NULL;
}

static long run(uint8_t *page, const struct gate *gate, long x)
{
	long_fn fn;

	mprotect(page, 4096, PROT_READ | PROT_WRITE);
	memcpy(page, gate->code, gate->n);
	mprotect(page, 4096, PROT_READ | PROT_EXEC);
	memcpy(&fn, &page, sizeof(fn));
	return fn(x);
}

TEST(moved_functions_do_what_they_did)
{
	static const struct {
		const uint8_t *start, *end;
		long result; /* for 5 */
	} all[] = {
		{ pushes, pushes_end, 6 },
		{ data, data_end, 1005 },
		{ compared, compared_end, 6 },
		{ branches, branches_end, 7 },
		{ leads_on, leads_on_end, 6 },
		{ short_one, short_one_end, 5 },
	};
	uint8_t *page = near_page();

	CHECK(page);
	for (size_t i = 0; page && i < ARRAY_SIZE(all); i++) {
		struct gate_function f = function(all[i].start, all[i].end);
		struct gate gate;

		CHECK(!gate_make(&gate, &f, (uint64_t)page, same, NULL));
		CHECK_EQ(run(page, &gate, 5), all[i].result);
	}
}

TEST(a_branch_is_taken_or_not)
{
	uint8_t *page = near_page();
	struct gate_function f = function(branches, branches_end);
	struct gate gate;

	CHECK(page && !gate_make(&gate, &f, (uint64_t)page, same, NULL));
	if (page) {
		CHECK_EQ(run(page, &gate, 0), 77);
		CHECK_EQ(run(page, &gate, 1), 3);
	}
}

TEST(jumps_lead_where_they_are_told)
{
	uint8_t *page = near_page();
	uint64_t instead = (uint64_t)short_one;
	struct gate_function f = function(leads_on, leads_on_end);
	struct gate gate;

	CHECK(page &&
	      !gate_make(&gate, &f, (uint64_t)page, other, &instead));
	if (page)
		CHECK_EQ(run(page, &gate, 5), 5);
}

TEST(what_cannot_be_moved_is_refused)
{
	static const struct {
		const uint8_t *start, *end;
		const char *fault;
	} all[] = {
		{ calls, calls_end, "calls another function at once" },
		{ loops, loops_end, "jumps back to its first instructions" },
		{ crowded, crowded_end, "is too short" },
	};
	struct gate gate;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct gate_function f = function(all[i].start, all[i].end);
		const char *fault = gate_make(&gate, &f, (uint64_t)pushes,
					      same, NULL);

		CHECK(fault);
		CHECK_STR(fault ? fault : "", all[i].fault);
	}
}

TEST(what_is_too_far_away_is_refused)
{
	struct gate_function f = function(data, data_end);
	struct gate gate;

	CHECK(gate_make(&gate, &f, f.addr + (UINT64_C(3) << 30), same, NULL));
	f = function(pushes, pushes_end);
	CHECK(gate_make(&gate, &f, f.addr - (UINT64_C(3) << 30), same, NULL));
}

TEST(starts_of_covered_instructions_are_told)
{
	struct gate_function f = function(pushes, pushes_end);
	struct gate gate;

	CHECK(!gate_make(&gate, &f, (uint64_t)pushes, same, NULL));
	CHECK_EQ(gate.n_starts, 2);
	CHECK_EQ(gate.starts[0], 1);
	CHECK_EQ(gate.starts[1], 4);
}

/* Any bytes at all: no more than a refusal may come of them. */
TEST(garbage_is_harmless)
{
	uint64_t x = 88172645463325252u;
	size_t n_moved = 0;

	for (int i = 0; i < 200000; i++) {
		uint8_t code[24];
		struct gate_function f = { code, sizeof(code), sizeof(code),
					   0x401000 };
		struct gate gate;

		for (size_t j = 0; j < sizeof(code); j++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			code[j] = (uint8_t)(x >> 32);
		}
		f.n = x % sizeof(code);
		n_moved += !gate_make(&gate, &f, 0x500000, same, NULL);
		if (gate.n > sizeof(gate.code))
			CHECK(false);
	}
	CHECK(n_moved > 1000);
}

TEST_MAIN()
