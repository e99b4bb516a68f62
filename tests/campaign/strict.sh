#!/bin/sh
# SPDX-License-Identifier: MIT
# strict.sh - tests/run/strict.sh with 100 runs of each. About 4 minutes; half
# of it with MODES=cpu or MODES=wall.
RUNS=${RUNS:-100} LIMIT=${LIMIT:-120}
export RUNS LIMIT
exec sh "${top_srcdir:-.}/tests/run/strict.sh"
