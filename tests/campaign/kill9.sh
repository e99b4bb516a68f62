#!/bin/sh
# SPDX-License-Identifier: MIT
# kill9.sh - tests/run/kill9.sh with 200 kills. About 2 minutes.
KILLS=${KILLS:-200}
export KILLS
exec sh "${top_srcdir:-.}/tests/run/kill9.sh"
