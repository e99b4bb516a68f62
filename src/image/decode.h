/* SPDX-License-Identifier: MIT */
/*
 * decode.h - the length and the fields of one x86-64 instruction.
 *
 * No disassembler: it knows how long an instruction is and where its parts
 * are (Intel SDM, volume 2, chapter 2 and appendix A), not what it does.
 */
#ifndef IMAGE_DECODE_H
#define IMAGE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSN_BYTES_MAX 15

enum insn_map { /* where its opcode is looked up */
	MAP_ONE,    /* one byte */
	MAP_0F,     /* behind 0f */
	MAP_OTHER,  /* 0f 38, 0f 3a, VEX, EVEX: nothing that moves sp */
};

struct insn {
	uint8_t length;
	uint8_t map; /* enum insn_map */
	uint8_t opcode;
	uint8_t rex; /* 0: none */
	bool has_modrm, has_operand_prefix; /* 66 */
	uint8_t mod, reg, rm; /* reg and rm with their bits of REX */
	uint8_t base;	      /* register of a memory operand, or 255 */
	bool has_index;
	uint8_t disp_at; /* offset of a displacement of four bytes, or 0 */
	int32_t disp;
	int64_t imm; /* sign-extended; also the distance of a jump */
};

/*
 * Decode what is at @code, of which @n bytes are there. False: it is none,
 * or goes on behind them.
 */
bool insn_decode(const uint8_t *code, size_t n, struct insn *out);

#endif
