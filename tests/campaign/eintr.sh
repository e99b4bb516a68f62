#!/bin/sh
# SPDX-License-Identifier: MIT
# eintr.sh - tests/run/eintr.sh for 60 s each, p99.9 at most 1 ms later than
# alone, the latest at most 10 ms. About 6 minutes.
SECONDS_EACH=${SECONDS_EACH:-60}
NATIVE=${NATIVE:-alone}
LATE_P50_US=500 LATE_P999_US=1000 LATE_MAX_US=10000
export SECONDS_EACH NATIVE LATE_P50_US LATE_P999_US LATE_MAX_US
exec sh "${top_srcdir:-.}/tests/run/eintr.sh"
