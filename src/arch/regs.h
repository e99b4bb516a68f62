/* SPDX-License-Identifier: MIT */
/*
 * regs.h - the registers of one thread, by DWARF number.
 *
 * The numbers are those of the x86-64 psABI, figure 3.36, which libunwind
 * uses too: 0-15 are the general registers, 16 is the return address column,
 * which holds the pc. A port provides the same names with its own numbers.
 */
#ifndef ARCH_REGS_H
#define ARCH_REGS_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t taddr; /* an address in a target: never dereferenced here */

enum cpu_reg {
	CPU_RAX,
	CPU_RDX,
	CPU_RCX,
	CPU_RBX,
	CPU_RSI,
	CPU_RDI,
	CPU_FP, /* rbp */
	CPU_SP, /* rsp */
	CPU_R8,
	CPU_R9,
	CPU_R10,
	CPU_R11,
	CPU_R12,
	CPU_R13,
	CPU_R14,
	CPU_R15,
	CPU_PC,
	N_REGS,
};

#define REGS_ALL_KNOWN ((1u << N_REGS) - 1)

/* Bytes below sp that a leaf function may use (psABI 3.2.2, red zone). */
#define RED_ZONE_BYTES 128

struct regs {
	uint64_t r[N_REGS];
	uint32_t known; /* bit i: r[i] is known */
};

static inline bool regs_is_known(const struct regs *regs, enum cpu_reg reg)
{
	return regs->known >> reg & 1;
}

static inline void regs_set(struct regs *regs, enum cpu_reg reg, uint64_t value)
{
	regs->r[reg] = value;
	regs->known |= 1u << reg;
}

#endif
