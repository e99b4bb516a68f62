/* SPDX-License-Identifier: MIT */
/* fuzz.h - what each fuzzer has: libFuzzer's entry point. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
