/* SPDX-License-Identifier: MIT */
/*
 * stub.c - a few hundred bytes of code that map the agent's memory.
 *
 * It runs in a target, copied to where nothing else is. All registers and the
 * flags come back from struct stub_frame, and "ret $128" takes the resume
 * address and the frame off the stack in one instruction, so that nothing
 * that counts is ever below the stack pointer, where a signal would write.
 *
 *	rsp	struct stub_frame
 *	rbp	A's state: fd, step, may_go at 0, 4, 8, owner at 32
 *	rbx	stub_tag(), to which steps are added
 *	r12 r13	B and its length
 *	r14 r15	the session, and the owner before it
 */
#include "heap/stub.h"

#include <assert.h>

#include "heap/agent.h"

static_assert(AGENT_STATE_AT == 0x4000, "the stub knows it");
static_assert(AGENT_BYTES == 0x26000, "likewise");
static_assert(offsetof(struct agent_state, may_go) == 8, "likewise");
static_assert(offsetof(struct agent_state, owner) == 32, "likewise");
static_assert(offsetof(struct stub_frame, r15) == 48, "likewise");

#define FLAG_FIXED 0x000011	     /* MAP_FIXED | MAP_SHARED */
#define FLAG_NOREPLACE 0x100001 /* MAP_FIXED_NOREPLACE | MAP_SHARED */
#define EFLAGS_PLAIN 0x202	     /* interrupts on, as always */

__asm__(
	"	.pushsection agent_stub, \"ax\", @progbits\n"
	"	cmpq	$0, 0(%rsp)\n"
	"	jne	1f\n"
	/* mmap(a, all, READ|EXEC, PRIVATE|ANONYMOUS|FIXED_NOREPLACE) */
	"	lea	-0x4000(%rbp), %rdi\n"
	"	mov	$0x26000, %esi\n"
	"	mov	$5, %edx\n"
	"	mov	$0x100022, %r10d\n"
	"	mov	$-1, %r8\n"
	"	xor	%r9d, %r9d\n"
	"	mov	$9, %eax\n"
	"	syscall\n"
	"	add	$0x4000, %rax\n"
	"	cmp	%rbp, %rax\n"
	"	jne	8f\n"
	/* mprotect(state, the rest, READ|WRITE) */
	"	mov	%rbp, %rdi\n"
	"	mov	$0x22000, %esi\n"
	"	mov	$3, %edx\n"
	"	mov	$10, %eax\n"
	"	syscall\n"
	"	test	%rax, %rax\n"
	"	jnz	8f\n"
	/* madvise(state, the rest, MADV_WIPEONFORK) */
	"	mov	%rbp, %rdi\n"
	"	mov	$0x22000, %esi\n"
	"	mov	$18, %edx\n"
	"	mov	$28, %eax\n"
	"	syscall\n"
	"	test	%rax, %rax\n"
	"	jnz	8f\n"
	/* Ours? */
	"1:	mov	%r15, %rax\n"
	"	lock cmpxchg %r14, 32(%rbp)\n"
	"	jne	8f\n"
	"	movl	$0, 8(%rbp)\n"
	"	lea	1(%rbx), %eax\n"
	"	mov	%eax, 4(%rbp)\n"
	/* memfd_create("psample", MFD_CLOEXEC) */
	"	lea	7f(%rip), %rdi\n"
	"	mov	$1, %esi\n"
	"	mov	$319, %eax\n"
	"	syscall\n"
	"	test	%eax, %eax\n"
	"	js	3f\n"
	"	mov	%eax, 0(%rbp)\n"
	/* ftruncate(fd, b_bytes) */
	"	mov	%eax, %edi\n"
	"	mov	%r13, %rsi\n"
	"	mov	$77, %eax\n"
	"	syscall\n"
	"	test	%rax, %rax\n"
	"	jnz	2f\n"
	/* mmap(b, b_bytes, READ|WRITE, b_flags, fd) */
	"	mov	%r12, %rdi\n"
	"	mov	%r13, %rsi\n"
	"	mov	$3, %edx\n"
	"	mov	8(%rsp), %r10\n"
	"	mov	0(%rbp), %r8d\n"
	"	xor	%r9d, %r9d\n"
	"	mov	$9, %eax\n"
	"	syscall\n"
	"	cmp	%r12, %rax\n"
	"	jne	2f\n"
	/* madvise(b, b_bytes, MADV_DONTFORK) */
	"	mov	%r12, %rdi\n"
	"	mov	%r13, %rsi\n"
	"	mov	$10, %edx\n"
	"	mov	$28, %eax\n"
	"	syscall\n"
	"	lea	2(%rbx), %eax\n"
	"	mov	%eax, 4(%rbp)\n"
	/*
	 * select(0, NULL, NULL, NULL, { 0, 50 }), naps times at most: unlike
	 * nanosleep(2) it leaves a call that is to go on by
	 * restart_syscall(2) alone. And getppid(2): should psample have
	 * died, nobody lets it go.
	 */
	"	mov	16(%rsp), %r15\n"
	"5:	cmpl	$0, 8(%rbp)\n"
	"	jne	6f\n"
	"	movq	$0, 24(%rsp)\n"
	"	movq	$50, 32(%rsp)\n"
	"	xor	%edi, %edi\n"
	"	xor	%esi, %esi\n"
	"	xor	%edx, %edx\n"
	"	xor	%r10d, %r10d\n"
	"	lea	24(%rsp), %r8\n"
	"	mov	$23, %eax\n"
	"	syscall\n"
	"	mov	$110, %eax\n"
	"	syscall\n"
	"	mov	40(%rsp), %rdx\n"
	"	test	%rdx, %rdx\n"
	"	jz	9f\n"
	"	cmp	%rdx, %rax\n"
	"	jne	6f\n"
	"9:	dec	%r15\n"
	"	jnz	5b\n"
	"6:	add	$3, %ebx\n"
	"	jmp	4f\n"
	"2:	add	$4, %ebx\n"
	/* close(fd) */
	"4:	mov	0(%rbp), %edi\n"
	"	mov	$3, %eax\n"
	"	syscall\n"
	"	mov	%ebx, 4(%rbp)\n"
	"	jmp	8f\n"
	"3:	add	$4, %ebx\n"
	"	mov	%ebx, 4(%rbp)\n"
	"8:	add	$48, %rsp\n"
	"	pop	%r15\n"
	"	pop	%r14\n"
	"	pop	%r13\n"
	"	pop	%r12\n"
	"	pop	%rbx\n"
	"	pop	%rbp\n"
	"	pop	%r11\n"
	"	pop	%r10\n"
	"	pop	%r9\n"
	"	pop	%r8\n"
	"	pop	%rdi\n"
	"	pop	%rsi\n"
	"	pop	%rdx\n"
	"	pop	%rcx\n"
	"	pop	%rax\n"
	"	popf\n"
	"	ret	$128\n"
	"7:	.asciz	\"psample\"\n"
	"	.popsection\n");

extern const uint8_t stub_start[] __asm__("__start_agent_stub")
	__attribute__((visibility("hidden")));
extern const uint8_t stub_end[] __asm__("__stop_agent_stub")
	__attribute__((visibility("hidden")));

size_t stub_bytes(void)
{
	return (size_t)(stub_end - stub_start);
}

const uint8_t *stub_code(void)
{
	return stub_start;
}

static void save(const struct user_regs_struct *regs,
		 struct stub_frame *frame)
{
	*frame = (struct stub_frame){
		.r15 = regs->r15, .r14 = regs->r14, .r13 = regs->r13,
		.r12 = regs->r12, .rbx = regs->rbx, .rbp = regs->rbp,
		.r11 = regs->r11, .r10 = regs->r10, .r9 = regs->r9,
		.r8 = regs->r8,	  .rdi = regs->rdi, .rsi = regs->rsi,
		.rdx = regs->rdx, .rcx = regs->rcx, .rax = regs->rax,
		.flags = regs->eflags, .resume = regs->rip,
	};
}

void stub_enter(const struct stub_parameters *parameters,
		struct user_regs_struct *regs, struct stub_frame *frame)
{
	save(regs, frame);
	frame->has_a = parameters->has_a;
	frame->b_flags = parameters->has_b ? FLAG_FIXED : FLAG_NOREPLACE;
	frame->naps = parameters->naps;
	frame->parent = (uint64_t)parameters->parent;
	regs->rsp -= STUB_RED_ZONE + sizeof(*frame);
	regs->rip = parameters->code;
	regs->rbp = parameters->a + AGENT_STATE_AT;
	regs->rbx = stub_tag(parameters->session);
	regs->r12 = parameters->b;
	regs->r13 = parameters->b_bytes;
	regs->r14 = parameters->session;
	regs->r15 = parameters->owner_before;
	regs->eflags = EFLAGS_PLAIN;
	regs->orig_rax = (unsigned long)-1; /* no call to be restarted */
}
