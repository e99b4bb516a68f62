#!/bin/sh
# SPDX-License-Identifier: MIT
# blocked.sh - tests/run/blocked.sh for 30 s, psample at most 3 % of a core.
SECONDS_EACH=${SECONDS_EACH:-30} OWN_PERCENT=3 WRONG_MAX=0
export SECONDS_EACH OWN_PERCENT WRONG_MAX
exec sh "${top_srcdir:-.}/tests/run/blocked.sh"
