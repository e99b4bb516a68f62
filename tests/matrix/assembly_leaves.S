# SPDX-License-Identifier: MIT
# assembly_leaves.S - f and g by hand: pushed registers and room on the stack,
# f with an aligned stack as OpenSSL writes it. With CFI, or without any.
#ifdef WITH_CFI
#define CFI(...) __VA_ARGS__
#else
#define CFI(...)
#endif
	.text
	.globl f
	.type f, @function
f:	CFI(.cfi_startproc)
#ifdef ALIGNED
	movq %rsp, %rax
	CFI(.cfi_def_cfa_register %rax)
#endif
	pushq %rbx
	CFI(.cfi_offset %rbx, -16)
	pushq %rbp
	CFI(.cfi_offset %rbp, -24)
#ifdef ALIGNED
	subq $72, %rsp
	andq $-64, %rsp
	movq %rax, 40(%rsp)
	# DW_CFA_def_cfa_expression: breg7 (rsp) + 40, deref, plus 8
	CFI(.cfi_escape 0x0f, 0x05, 0x77, 0x28, 0x06, 0x23, 0x08)
#else
	CFI(.cfi_def_cfa_offset 24)
	subq $72, %rsp
	CFI(.cfi_adjust_cfa_offset 72)
#endif
	movabsq $6364136223846793005, %rbx
	movq $0x1234567, %rbp
	movq %rdi, %rdx
1:	imulq %rbx, %rdx	# @f
	addq %rbp, %rdx		# @f
	decq %rdi		# @f
	jnz 1b			# @f
#ifdef ALIGNED
	movq 40(%rsp), %rsi
	CFI(.cfi_def_cfa %rsi, 8)
	movq -16(%rsi), %rbp
	movq -8(%rsi), %rbx
	leaq (%rsi), %rsp
	CFI(.cfi_def_cfa_register %rsp)
#else
	addq $72, %rsp
	CFI(.cfi_adjust_cfa_offset -72)
	popq %rbp
	CFI(.cfi_adjust_cfa_offset -8)
	popq %rbx
	CFI(.cfi_adjust_cfa_offset -8)
#endif
	movq %rdx, %rax
	ret
	CFI(.cfi_endproc)
	.size f, .-f

	.globl g
	.type g, @function
g:	CFI(.cfi_startproc)
	pushq %r12
	CFI(.cfi_adjust_cfa_offset 8)
	CFI(.cfi_offset %r12, -16)
	movabsq $6364136223846793005, %r12
	movq %rdi, %rax
2:	imulq %r12, %rax	# @g
	addq $77, %rax		# @g
	decq %rdi		# @g
	jnz 2b			# @g
	popq %r12
	CFI(.cfi_adjust_cfa_offset -8)
	ret
	CFI(.cfi_endproc)
	.size g, .-g
	.section .note.GNU-stack,"",@progbits
