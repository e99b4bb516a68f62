#!/bin/sh
# SPDX-License-Identifier: MIT
# report.sh - tests/run/report.sh with every profile in every combination.
EVERY=1
export EVERY
exec sh "${top_srcdir:-.}/tests/run/report.sh"
