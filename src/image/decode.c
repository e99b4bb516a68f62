/* SPDX-License-Identifier: MIT */
/* decode.c - the length and the fields of one x86-64 instruction. */
#include "image/decode.h"

#include <string.h>

#define NO_REG 255

/* What follows an opcode. */
enum {
	M = 1,	  /* ModRM */
	I1 = 2,	  /* an immediate of one byte */
	IZ = 4,	  /* of four, or two with an operand-size prefix */
	I2 = 8,	  /* of two */
	BAD = 16, /* none in 64-bit mode, or handled before */
	PRE = 32, /* a prefix */
};

/* SDM, volume 2, table A-2. */
static const uint8_t one_byte[256] = {
	/* 00 */ M, M, M, M, I1, IZ, BAD, BAD, M, M, M, M, I1, IZ, BAD, BAD,
	/* 10 */ M, M, M, M, I1, IZ, BAD, BAD, M, M, M, M, I1, IZ, BAD, BAD,
	/* 20 */ M, M, M, M, I1, IZ, PRE, BAD, M, M, M, M, I1, IZ, PRE, BAD,
	/* 30 */ M, M, M, M, I1, IZ, PRE, BAD, M, M, M, M, I1, IZ, PRE, BAD,
	/* 40 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/* 50 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/* 60 */ BAD, BAD, BAD, M, PRE, PRE, PRE, PRE,
	/* 68 */ IZ, M | IZ, I1, M | I1, 0, 0, 0, 0,
	/* 70 */ I1, I1, I1, I1, I1, I1, I1, I1, I1, I1, I1, I1, I1, I1, I1, I1,
	/* 80 */ M | I1, M | IZ, BAD, M | I1, M, M, M, M,
	/* 88 */ M, M, M, M, M, M, M, M,
	/* 90 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, BAD, 0, 0, 0, 0, 0,
	/* a0 */ BAD, BAD, BAD, BAD, 0, 0, 0, 0, I1, IZ, 0, 0, 0, 0, 0, 0,
	/* b0 */ I1, I1, I1, I1, I1, I1, I1, I1,
	/* b8 */ IZ, IZ, IZ, IZ, IZ, IZ, IZ, IZ,
	/* c0 */ M | I1, M | I1, I2, 0, BAD, BAD, M | I1, M | IZ,
	/* c8 */ I2 | I1, 0, I2, 0, 0, I1, BAD, 0,
	/* d0 */ M, M, M, M, BAD, BAD, BAD, 0, M, M, M, M, M, M, M, M,
	/* e0 */ I1, I1, I1, I1, I1, I1, I1, I1, IZ, IZ, BAD, I1, 0, 0, 0, 0,
	/* f0 */ PRE, 0, PRE, PRE, 0, 0, M, M, 0, 0, 0, 0, 0, 0, M, M,
};

/* Table A-3: what has no ModRM, and what has an immediate. */
static int flags_of_0f(uint8_t opcode)
{
	switch (opcode) {
	case 0x05 ... 0x09:
	case 0x0b:
	case 0x0e:
	case 0x30 ... 0x37:
	case 0x77:
	case 0xa0 ... 0xa2:
	case 0xa8 ... 0xaa:
	case 0xc8 ... 0xcf:
		return 0;
	case 0x80 ... 0x8f:
		return IZ;
	case 0x0f:
	case 0x70 ... 0x73:
	case 0xa4:
	case 0xac:
	case 0xba:
	case 0xc2:
	case 0xc4 ... 0xc6:
		return M | I1;
	case 0x04:
	case 0x0a:
	case 0x0c:
	case 0x24 ... 0x27:
	case 0x39:
	case 0x3b ... 0x3f:
		return BAD;
	default:
		return M;
	}
}

struct reader {
	const uint8_t *p, *end, *start;
};

static bool take_signed(struct reader *reader, size_t len, int64_t *out)
{
	int8_t i1;
	int16_t i2;
	int32_t i4;

	if ((size_t)(reader->end - reader->p) < len)
		return false;
	if (len == 1) {
		memcpy(&i1, reader->p, 1);
		*out = i1;
	} else if (len == 2) {
		memcpy(&i2, reader->p, 2);
		*out = i2;
	} else if (len == 4) {
		memcpy(&i4, reader->p, 4);
		*out = i4;
	} else {
		memcpy(out, reader->p, 8);
	}
	reader->p += len;
	return true;
}

static bool take_byte(struct reader *reader, uint8_t *out)
{
	if (reader->p >= reader->end)
		return false;
	*out = *reader->p++;
	return true;
}

/* ModRM, SIB and displacement (SDM, volume 2, tables 2-2 and 2-3). */
static bool take_modrm(struct reader *reader, struct insn *insn)
{
	size_t disp_bytes;
	uint8_t modrm, sib = 0;
	int64_t disp = 0;

	if (!take_byte(reader, &modrm))
		return false;
	insn->has_modrm = true;
	insn->mod = modrm >> 6;
	insn->reg = (modrm >> 3 & 7) | (insn->rex & 4) << 1;
	insn->rm = (modrm & 7) | (insn->rex & 1) << 3;
	insn->base = NO_REG;
	if (insn->mod == 3)
		return true;
	disp_bytes = insn->mod == 1 ? 1 : insn->mod == 2 ? 4 : 0;
	insn->base = insn->rm;
	if ((modrm & 7) == 4) {
		if (!take_byte(reader, &sib))
			return false;
		insn->base = (sib & 7) | (insn->rex & 1) << 3;
		insn->has_index = (sib >> 3 & 7) != 4 || insn->rex & 2;
	}
	if (insn->mod == 0 && (insn->base & 7) == 5) {
		disp_bytes = 4;
		insn->base = NO_REG;
	}
	if (disp_bytes == 4)
		insn->disp_at = (uint8_t)(reader->p - reader->start);
	if (disp_bytes && !take_signed(reader, disp_bytes, &disp))
		return false;
	insn->disp = (int32_t)disp;
	return true;
}

/* Behind c4, c5 and 62: fields of the prefix, the opcode, ModRM. */
static bool take_vector(struct reader *reader, uint8_t kind, struct insn *insn)
{
	size_t skip = kind == 0xc5 ? 1 : kind == 0xc4 ? 2 : 3;
	uint8_t fields, map = 1;
	int64_t imm;
	int flags;

	if ((size_t)(reader->end - reader->p) <= skip)
		return false;
	fields = reader->p[0];
	if (kind != 0xc5)
		map = fields & (kind == 0xc4 ? 31 : 7);
	reader->p += skip;
	insn->map = MAP_OTHER;
	insn->opcode = *reader->p++;
	flags = map == 1 ? flags_of_0f(insn->opcode) :
			   map == 3 ? M | I1 : M;
	if (flags & M && !take_modrm(reader, insn))
		return false;
	return !(flags & I1) || take_signed(reader, 1, &imm);
}

/* 0f, 0f 38 and 0f 3a; the flags of what follows, or BAD. */
static int take_0f(struct reader *reader, struct insn *insn)
{
	uint8_t opcode;

	if (!take_byte(reader, &opcode))
		return BAD;
	insn->map = MAP_0F;
	insn->opcode = opcode;
	if (opcode != 0x38 && opcode != 0x3a)
		return flags_of_0f(opcode);
	insn->map = MAP_OTHER;
	if (!take_byte(reader, &insn->opcode))
		return BAD;
	return opcode == 0x3a ? M | I1 : M;
}

static bool take_immediates(struct reader *reader, struct insn *insn,
			    int flags)
{
	bool is_test = insn->map == MAP_ONE && (insn->reg & 7) < 2;
	size_t word = insn->has_operand_prefix && !(insn->rex & 8) ? 2 : 4;

	/* "test" alone of its group has an immediate. */
	if (insn->map == MAP_ONE && insn->opcode == 0xf6 && is_test)
		flags |= I1;
	if (insn->map == MAP_ONE && insn->opcode == 0xf7 && is_test)
		flags |= IZ;
	if (insn->map == MAP_ONE && insn->opcode >= 0xb8 &&
	    insn->opcode <= 0xbf && insn->rex & 8)
		word = 8;
	/* Jumps and calls have four bytes whatever stands before them. */
	if (insn->map == MAP_0F || insn->opcode == 0xe8 ||
	    insn->opcode == 0xe9)
		word = 4;
	return (!(flags & I2) || take_signed(reader, 2, &insn->imm)) &&
	       (!(flags & I1) || take_signed(reader, 1, &insn->imm)) &&
	       (!(flags & IZ) || take_signed(reader, word, &insn->imm));
}

/* Prefixes, of which REX must be the last; the opcode's first byte. */
static bool take_prefixes(struct reader *reader, struct insn *insn,
			  bool *out_has_address_prefix, uint8_t *out)
{
	*out_has_address_prefix = false;
	for (;;) {
		if (!take_byte(reader, out))
			return false;
		if (!(one_byte[*out] & PRE))
			break;
		insn->has_operand_prefix |= *out == 0x66;
		*out_has_address_prefix |= *out == 0x67;
	}
	if (*out < 0x40 || *out > 0x4f)
		return true;
	insn->rex = *out;
	return take_byte(reader, out);
}

bool insn_decode(const uint8_t *code, size_t n, struct insn *out)
{
	struct reader reader = {
		code, code + (n < INSN_BYTES_MAX ? n : INSN_BYTES_MAX), code
	};
	bool has_address_prefix;
	uint8_t opcode;
	int flags;

	*out = (struct insn){ .map = MAP_ONE, .base = NO_REG };
	if (!take_prefixes(&reader, out, &has_address_prefix, &opcode))
		return false;
	out->opcode = opcode;
	if (opcode == 0xc4 || opcode == 0xc5 || opcode == 0x62) {
		if (!take_vector(&reader, opcode, out))
			return false;
		out->length = (uint8_t)(reader.p - code);
		return true;
	}
	flags = opcode == 0x0f ? take_0f(&reader, out) : one_byte[opcode];
	/* mov between al or rax and a full address */
	if (opcode >= 0xa0 && opcode <= 0xa3)
		flags = take_signed(&reader, has_address_prefix ? 4 : 8,
				    &out->imm) ? 0 : BAD;
	if (flags & (BAD | PRE) || (flags & M && !take_modrm(&reader, out)) ||
	    !take_immediates(&reader, out, flags))
		return false;
	out->length = (uint8_t)(reader.p - code);
	return true;
}
