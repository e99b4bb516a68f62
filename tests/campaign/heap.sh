#!/bin/sh
# SPDX-License-Identifier: MIT
# heap.sh - tests/run/heap-native.sh with 300 kills. About 5 minutes.
KILLS=${KILLS:-300}
export KILLS
exec sh "${top_srcdir:-.}/tests/run/heap-native.sh"
