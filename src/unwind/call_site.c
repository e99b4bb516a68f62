/* SPDX-License-Identifier: MIT */
/* call_site.c - what the bytes around a code address say about it. */
#include "unwind/call_site.h"

#include <string.h>

/*
 * The length of "call r/m64" (FF /2) with this ModRM byte, without prefix
 * (Intel SDM, volume 2, tables 2-2 and 2-3); 0 if it is no near call.
 */
static size_t indirect_call_bytes(uint8_t modrm, uint8_t sib)
{
	unsigned int mod = modrm >> 6, rm = modrm & 7;
	size_t n = 2;

	if ((modrm >> 3 & 7) != 2)
		return 0;
	if (mod == 3)
		return n;
	if (rm == 4) {
		n++;
		if (mod == 0 && (sib & 7) == 5)
			return n + 4;
	} else if (rm == 5 && mod == 0) {
		return n + 4;
	}
	if (mod == 1)
		return n + 1;
	return mod == 2 ? n + 4 : n;
}

bool bytes_end_in_call(const uint8_t *bytes, size_t n)
{
	const uint8_t *end = bytes + n;

	if (n >= 5 && end[-5] == 0xe8)
		return true;
	/* A REX prefix before it changes registers, not the length. */
	for (size_t len = 2; len <= 7 && len <= n; len++) {
		const uint8_t *p = end - len;
		uint8_t sib = len > 2 ? p[2] : 0;

		if (p[0] == 0xff && indirect_call_bytes(p[1], sib) == len)
			return true;
	}
	return false;
}

bool bytes_are_sigreturn(const uint8_t *bytes, size_t n)
{
	static const uint8_t code[SIGRETURN_BYTES] = {
		0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05,
	};

	return n >= sizeof(code) && !memcmp(bytes, code, sizeof(code));
}

static bool bytes_start(const uint8_t *p, size_t n, const char *code,
			size_t len)
{
	return n >= len && !memcmp(p, code, len);
}

/* A near jump, with or without the bnd prefix: through memory, or direct. */
static bool is_jump(const uint8_t *p, size_t n, bool is_direct)
{
	if (bytes_start(p, n, "\xf2", 1)) {
		p++;
		n--;
	}
	return is_direct ? bytes_start(p, n, "\xe9", 1) :
			   bytes_start(p, n, "\xff\x25", 2);
}

/*
 * [endbr64] jmp *slot(%rip), and what it falls through to before the symbol
 * is bound: [endbr64] push $index; jmp PLT0 (psABI 5.2).
 */
int bytes_stub_depth(const uint8_t *bytes, size_t at, size_t n)
{
	const uint8_t *p = bytes + at;

	if (at > n)
		return -1;
	n -= at;
	if (at >= 5 && p[-5] == 0x68 && is_jump(p, n, true))
		return 8;
	if (bytes_start(p, n, "\xf3\x0f\x1e\xfa", 4)) {
		p += 4;
		n -= 4;
	}
	if (is_jump(p, n, false))
		return 0;
	if (n > 5 && p[0] == 0x68 && is_jump(p + 5, n - 5, true))
		return 0;
	return -1;
}
