#!/bin/sh
# SPDX-License-Identifier: MIT
# rows.sh - more than 10,000 stacks by rows and by libunwind: 3 minutes.
ROWS_STACKS=${ROWS_STACKS:-1300} ROWS_ALL=${ROWS_ALL:-10000}
export ROWS_STACKS ROWS_ALL
exec sh "${top_srcdir:-.}/tests/run/rows.sh"
