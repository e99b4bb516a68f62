#!/bin/sh
# SPDX-License-Identifier: MIT
# bounds.sh - tests/run/bounds.sh with 10,000 threads, 64,000 mappings and
# 1,000 modules, for 60 s each; psample at most 20 % of a core. It keeps 20 kB
# of each module that it has met, and meets new ones until the end. With
# BOUNDS_KINDS (threads mappings modules forks) only some of them.
BOUNDS_THREADS=10000 BOUNDS_MAPPINGS=64000 BOUNDS_MODULES=1000
BOUNDS_SECONDS=${BOUNDS_SECONDS:-60} BOUNDS_OWN_PERCENT=20 BOUNDS_LATE=10
BOUNDS_GROWTH_KB=24576
export BOUNDS_THREADS BOUNDS_MAPPINGS BOUNDS_MODULES
export BOUNDS_SECONDS BOUNDS_OWN_PERCENT BOUNDS_LATE BOUNDS_GROWTH_KB
exec sh "${top_srcdir:-.}/tests/run/bounds.sh"
