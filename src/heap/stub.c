/* SPDX-License-Identifier: MIT */
/*
 * stub.c - a few hundred bytes of code that map the agent's memory.
 *
 * It runs in a target, copied to where nothing else is (cave.h). It keeps all
 * registers and flags and the red zone, and leaves by a jump. rbx: its
 * parameters; rbp: A's state, with fd, step, may_go at 0, 4, 8 (agent.h).
 */
#include "heap/stub.h"

#include <assert.h>
#include <string.h>

#include "heap/agent.h"

static_assert(AGENT_STATE_AT == 0x4000, "the stub knows it");
static_assert(offsetof(struct agent_state, may_go) == 8, "likewise");

__asm__(
	"	.pushsection agent_stub, \"ax\", @progbits\n"
	"	lea	-128(%rsp), %rsp\n"
	"	pushf\n"
	"	push	%rax\n"
	"	push	%rcx\n"
	"	push	%rdx\n"
	"	push	%rbx\n"
	"	push	%rbp\n"
	"	push	%rsi\n"
	"	push	%rdi\n"
	"	push	%r8\n"
	"	push	%r9\n"
	"	push	%r10\n"
	"	push	%r11\n"
	"	cld\n"
	"	lea	9f(%rip), %rbx\n"
	/* mmap(a, a_bytes, READ|EXEC, PRIVATE|ANONYMOUS|FIXED_NOREPLACE) */
	"	mov	0(%rbx), %rdi\n"
	"	mov	8(%rbx), %rsi\n"
	"	mov	$5, %edx\n"
	"	mov	$0x100022, %r10d\n"
	"	mov	$-1, %r8\n"
	"	xor	%r9d, %r9d\n"
	"	mov	$9, %eax\n"
	"	syscall\n"
	"	cmp	0(%rbx), %rax\n"
	"	jne	8f\n"
	/* mprotect(state, the rest, READ|WRITE) */
	"	lea	0x4000(%rax), %rbp\n"
	"	mov	%rbp, %rdi\n"
	"	mov	8(%rbx), %rsi\n"
	"	sub	$0x4000, %rsi\n"
	"	mov	$3, %edx\n"
	"	mov	$10, %eax\n"
	"	syscall\n"
	"	test	%rax, %rax\n"
	"	jnz	8f\n"
	"	movl	$1, 4(%rbp)\n"
	/* madvise(state, the rest, MADV_WIPEONFORK) */
	"	mov	%rbp, %rdi\n"
	"	mov	8(%rbx), %rsi\n"
	"	sub	$0x4000, %rsi\n"
	"	mov	$18, %edx\n"
	"	mov	$28, %eax\n"
	"	syscall\n"
	"	test	%rax, %rax\n"
	"	jnz	8f\n"
	/* memfd_create("psample", MFD_CLOEXEC) */
	"	lea	7f(%rip), %rdi\n"
	"	mov	$1, %esi\n"
	"	mov	$319, %eax\n"
	"	syscall\n"
	"	test	%eax, %eax\n"
	"	js	8f\n"
	"	mov	%eax, 0(%rbp)\n"
	/* ftruncate(fd, b_bytes) */
	"	mov	%eax, %edi\n"
	"	mov	24(%rbx), %rsi\n"
	"	mov	$77, %eax\n"
	"	syscall\n"
	"	test	%rax, %rax\n"
	"	jnz	6f\n"
	/* mmap(b, b_bytes, READ|WRITE, SHARED|FIXED_NOREPLACE, fd) */
	"	mov	16(%rbx), %rdi\n"
	"	mov	24(%rbx), %rsi\n"
	"	mov	$3, %edx\n"
	"	mov	$0x100001, %r10d\n"
	"	mov	0(%rbp), %r8d\n"
	"	xor	%r9d, %r9d\n"
	"	mov	$9, %eax\n"
	"	syscall\n"
	"	cmp	16(%rbx), %rax\n"
	"	jne	6f\n"
	/* madvise(b, b_bytes, MADV_DONTFORK) */
	"	mov	16(%rbx), %rdi\n"
	"	mov	24(%rbx), %rsi\n"
	"	mov	$10, %edx\n"
	"	mov	$28, %eax\n"
	"	syscall\n"
	"	test	%rax, %rax\n"
	"	jnz	6f\n"
	"	movl	$2, 4(%rbp)\n"
	/* nanosleep({ 0, 500000 }, NULL), 4000 times at most */
	"	mov	$4000, %ecx\n"
	"5:	cmpl	$0, 8(%rbp)\n"
	"	jne	6f\n"
	"	push	%rcx\n"
	"	push	$500000\n"
	"	push	$0\n"
	"	mov	%rsp, %rdi\n"
	"	xor	%esi, %esi\n"
	"	mov	$35, %eax\n"
	"	syscall\n"
	"	add	$16, %rsp\n"
	"	pop	%rcx\n"
	"	dec	%ecx\n"
	"	jnz	5b\n"
	/* close(fd) */
	"6:	mov	0(%rbp), %edi\n"
	"	mov	$3, %eax\n"
	"	syscall\n"
	"	movl	$3, 4(%rbp)\n"
	"8:	pop	%r11\n"
	"	pop	%r10\n"
	"	pop	%r9\n"
	"	pop	%r8\n"
	"	pop	%rdi\n"
	"	pop	%rsi\n"
	"	pop	%rbp\n"
	"	pop	%rbx\n"
	"	pop	%rdx\n"
	"	pop	%rcx\n"
	"	pop	%rax\n"
	"	popf\n"
	"	lea	128(%rsp), %rsp\n"
	"	jmp	*9f+32(%rip)\n"
	"7:	.asciz	\"psample\"\n"
	"	.p2align 3\n"
	"9:	.fill	5, 8, 0\n"
	"	.popsection\n");

extern const uint8_t stub_start[] __asm__("__start_agent_stub")
	__attribute__((visibility("hidden")));
extern const uint8_t stub_end[] __asm__("__stop_agent_stub")
	__attribute__((visibility("hidden")));

size_t stub_bytes(void)
{
	return (size_t)(stub_end - stub_start);
}

/* The parameters are the last bytes of the section. */
void stub_make(const struct stub_parameters *parameters, uint8_t *out)
{
	memcpy(out, stub_start, stub_bytes());
	memcpy(out + stub_bytes() - sizeof(*parameters), parameters,
	       sizeof(*parameters));
}
