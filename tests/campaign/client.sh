#!/bin/sh
# SPDX-License-Identifier: MIT
# client.sh - the tests of libpsample and of the preload with 1,000 cycles:
# some ten minutes each.
CYCLES=${1:-1000}
export CYCLES
failed=0
for name in client client-preload; do
	sh "${top_srcdir:-.}/tests/run/$name.sh" || failed=1
done
exit $failed
