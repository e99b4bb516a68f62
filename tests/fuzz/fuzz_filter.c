/* SPDX-License-Identifier: MIT */
/*
 * fuzz_filter.c - anything as a seccomp filter of a target, run over calls of
 * which all, some and no arguments are known.
 */
#include "fuzz.h"
#include "target/filter.h"
#include "util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int numbers[] = { 0, 9, 110, 310, -1 };
	static const uint8_t known[] = { 0, 0x3e, 0x3f };
	size_t n = size / sizeof(struct sock_filter);
	/* Of its own, so that reading behind its end is seen. */
	CLEANUP(free) struct sock_filter *code =
		xmalloc(n * sizeof(*code) + !n);

	memcpy(code, data, n * sizeof(*code));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(known); j++) {
			struct filter_call call = {
				.nr = numbers[i], .known = known[j],
				.args = { 1, 2, 3, 4, 5, ~UINT64_C(0) },
			};

			filter_is_permission(filter_answer(code, n, &call));
		}
	}
	return 0;
}
