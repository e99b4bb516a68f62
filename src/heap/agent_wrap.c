/* SPDX-License-Identifier: MIT */
/*
 * agent_wrap.c - where the calls of a target arrive: the agent's fast paths.
 *
 * What is wrapped is counted before the call and then jumped to, so that no
 * frame of ours is on the stack, but for the call that is sampled.
 */
#include "heap/agent_code.h"

/*
 * What is used most begins with a cache line.
 *
 * rax: the counter's offset. rcx: where counters are. Both are scratch.
 */
#define FIND_COUNTER                                                         \
	"	imul	$" HASH ", %fs:0, %rax\n"                             \
	"	lea	__start_agent_text+0x5000(%rip), %rcx\n"              \
	"	shr	$26, %rax\n"                                          \
	"	and	$0xffc0, %eax\n"

/* Does a live sample lie near %rdi? Not so if equal. */
#define FIND_LIVE                                                            \
	"	imul	$" NEAR_TEXT ", %rdi, %rax\n"                         \
	"	lea	__start_agent_text+0x15000(%rip), %rcx\n"            \
	"	shr	$32, %rax\n"                                          \
	"	movzwl	%ax, %eax\n"                                          \
	"	cmpb	$0, (%rcx,%rax)\n"

/*
 * From now on without system calls: a filter may kill who makes them. It may
 * be for all threads at once, so wait for those that did not see it in time,
 * some 50 ms at most: one may have been ended there. No register is changed.
 */
#define FILTERED                                                             \
	"	movl	$1, __start_agent_text+0x4010(%rip)\n"               \
	"	mfence\n"                                                    \
	"	push	%r11\n"                                              \
	"	mov	$1000000, %r11d\n"                                   \
	"8:	cmpl	$0, __start_agent_text+0x4014(%rip)\n"               \
	"	je	9f\n"                                                \
	"	pause\n"                                                     \
	"	dec	%r11d\n"                                             \
	"	jnz	8b\n"                                                \
	"9:	pop	%r11\n"

/*
 * On to the original if @cc, as nearly always. One branch that is always taken
 * costs less than a jump behind one that was taken once: from then on the CPU
 * predicts both. Where it leads is written by psample (agent_place.h), as one
 * aligned word.
 */
#define ORIGINAL_IF(cc, i)                                                   \
	"	.p2align 2\n"                                                 \
	"	xchg	%ax, %ax\n"                                            \
	"	j" cc "	agent_far_" #i "\n"                                   \
	"9:\n"                                                                \
	"	.pushsection agent_sites, \"a\", @progbits\n"                  \
	"	.long	9b - 4 - ., " #i "\n"                                 \
	"	.popsection\n"

/* Where the original is out of a jump's reach. */
#define FAR(i)                                                               \
	"agent_far_" #i ":\n" ORIGINAL(i)

#define ORIGINAL(i) "	jmp	*__start_agent_text+0x2000+8*" #i "(%rip)\n"

#define BEGIN(name)                                                          \
	"	.p2align 6\n"                                                 \
	"	.globl	agent_wrap_" #name "\n"                              \
	"	.hidden	agent_wrap_" #name "\n"                              \
	"	.type	agent_wrap_" #name ", @function\n"                   \
	"agent_wrap_" #name ":\n"                                             \
	"	endbr64\n"

/* agent_frame.regs, which a walk over the caller's stack needs. */
#define PUSH_CALLERS                                                         \
	"	push	%rbp\n"                                               \
	"	push	%rbx\n"                                               \
	"	push	%r12\n"                                               \
	"	push	%r13\n"                                               \
	"	push	%r14\n"                                               \
	"	push	%r15\n"

/* The last argument of agent_@name points to them. */
#define SLOW(name, frame)                                                    \
	"1:\n" PUSH_CALLERS                                                   \
	"	mov	%rsp, %" frame "\n"                                   \
	"	sub	$8, %rsp\n"                                           \
	"	call	agent_" #name "\n"                                    \
	"	add	$56, %rsp\n"                                          \
	"	ret\n"

/* A wrapper whose size is in register @size. */
#define SIZED(name, i, size, frame)                                          \
	BEGIN(name)                                                           \
	FIND_COUNTER                                                          \
	"	sub	%" size ", (%rcx,%rax)\n"                             \
	ORIGINAL_IF("ns", i)                                                  \
	SLOW(name, frame)

/*
 * C++'s operator new throws if there is no memory, which cannot lead through
 * our frame: its @twin that does not throw is called first, by agent_new().
 */
#define OPERATOR_NEW(name, i, twin)                                          \
	BEGIN(name)                                                           \
	FIND_COUNTER                                                          \
	"	sub	%rdi, (%rcx,%rax)\n"                                  \
	ORIGINAL_IF("ns", i)                                                  \
	PUSH_CALLERS                                                   \
	"	mov	%rsp, %rcx\n"                                         \
	"	push	%rdi\n"                                               \
	"	push	%rsi\n"                                               \
	"	push	%rdx\n"                                               \
	"	mov	$" #twin ", %edx\n"                                   \
	"	call	agent_new\n"                                          \
	"	pop	%rdx\n"                                               \
	"	pop	%rsi\n"                                               \
	"	pop	%rdi\n"                                               \
	"	add	$48, %rsp\n"                                          \
	"	test	%rax, %rax\n"                                         \
	"	jz	2f\n"                                                 \
	"	ret\n"                                                        \
	"2:\n" ORIGINAL(i)

#define RELEASED(name, i)                                                    \
	BEGIN(name)                                                           \
	FIND_LIVE                                                             \
	ORIGINAL_IF("e", i)                                                   \
	"	push	%rdi\n"                                               \
	"	push	%rsi\n"                                               \
	"	push	%rdx\n"                                               \
	"	call	agent_free\n"                                         \
	"	pop	%rdx\n"                                               \
	"	pop	%rsi\n"                                               \
	"	pop	%rdi\n"                                               \
	ORIGINAL(i)

/*
 * A call of the kernel: 1 us at least, so all of it is written down. While
 * nobody listens (agent_state.active) it goes straight on.
 */
#define MAPPED(name, i)                                                      \
	BEGIN(name)                                                           \
	"	cmpq	$0, __start_agent_text+0x4018(%rip)\n"                \
	"	jne	1f\n"                                                 \
	ORIGINAL(i)                                                           \
	"1:\n" PUSH_CALLERS                                                   \
	"	push	%r9\n"                                                \
	"	push	%r8\n"                                                \
	"	push	%rcx\n"                                               \
	"	push	%rdx\n"                                               \
	"	push	%rsi\n"                                               \
	"	push	%rdi\n"                                               \
	"	mov	%rsp, %rdi\n"                                         \
	"	sub	$8, %rsp\n"                                           \
	"	call	agent_" #name "\n"                                    \
	"	add	$104, %rsp\n"                                         \
	"	ret\n"

__asm__(
	"	.pushsection agent_text, \"ax\", @progbits\n"
	SIZED(malloc, 0, "rdi", "rsi")
	SIZED(memalign, 4, "rsi", "rdx")
	SIZED(aligned_alloc, 5, "rsi", "rdx")
	SIZED(posix_memalign, 6, "rdx", "rcx")
	SIZED(valloc, 7, "rdi", "rsi")
	BEGIN(calloc)
	"	mov	%rdi, %rdx\n"
	"	imul	%rsi, %rdx\n"
	FIND_COUNTER
	"	sub	%rdx, (%rcx,%rax)\n"
	ORIGINAL_IF("ns", 2)
	SLOW(calloc, "rdx")
	BEGIN(realloc)
	FIND_COUNTER
	"	sub	%rsi, (%rcx,%rax)\n"
	"	js	1f\n"
	FIND_LIVE
	ORIGINAL_IF("e", 3)
	SLOW(realloc, "rdx")
	RELEASED(free, 1)
	/* _exit(2) follows: what is left on the counters goes to B. */
	BEGIN(cxa_finalize)
	"	push	%rdi\n"
	"	call	agent_flush\n"
	"	pop	%rdi\n"
	ORIGINAL(10)
	OPERATOR_NEW(new, 11, 13)
	OPERATOR_NEW(new_array, 12, 14)
	OPERATOR_NEW(new_nothrow, 13, 13)
	OPERATOR_NEW(new_array_nothrow, 14, 14)
	OPERATOR_NEW(new_aligned, 15, 17)
	OPERATOR_NEW(new_array_aligned, 16, 18)
	OPERATOR_NEW(new_aligned_nothrow, 17, 17)
	OPERATOR_NEW(new_array_aligned_nothrow, 18, 18)
	RELEASED(delete, 19)
	RELEASED(delete_array, 20)
	RELEASED(delete_sized, 21)
	RELEASED(delete_array_sized, 22)
	RELEASED(delete_nothrow, 23)
	RELEASED(delete_array_nothrow, 24)
	RELEASED(delete_aligned, 25)
	RELEASED(delete_array_aligned, 26)
	RELEASED(delete_sized_aligned, 27)
	RELEASED(delete_array_sized_aligned, 28)
	/* PR_SET_SECCOMP is 22, seccomp(2) 317, prctl(2) 157. */
	BEGIN(prctl)
	"	cmp	$22, %edi\n"
	"	jne	1f\n"
	FILTERED
	"1:\n" ORIGINAL(8)
	BEGIN(syscall)
	"	cmp	$317, %edi\n"
	"	je	1f\n"
	"	cmp	$157, %edi\n"
	"	jne	2f\n"
	"	cmp	$22, %esi\n"
	"	jne	2f\n"
	"1:\n" FILTERED
	"2:\n" ORIGINAL(9)
	MAPPED(mmap, 29)
	MAPPED(mmap64, 30)
	MAPPED(munmap, 31)
	MAPPED(mremap, 32)
	MAPPED(mprotect, 33)
	FAR(0) FAR(1) FAR(2) FAR(3) FAR(4) FAR(5) FAR(6) FAR(7)
	FAR(11) FAR(12) FAR(13) FAR(14) FAR(15) FAR(16) FAR(17) FAR(18)
	FAR(19) FAR(20) FAR(21) FAR(22) FAR(23) FAR(24) FAR(25) FAR(26)
	FAR(27) FAR(28)
	"	.popsection\n");
