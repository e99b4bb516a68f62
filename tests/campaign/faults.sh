#!/bin/sh
# SPDX-License-Identifier: MIT
# faults.sh - tests/run/faults.sh with every fault: all n up to 500, then 1 in
# 100, for allocations and system calls; all that touch files, for errors and
# for kill -9. About 15 minutes.
#
#	faults.sh [KIND FROM TO STEP]	(alloc, call, output, kill)
run=${top_srcdir:-.}/tests/run/faults.sh
if [ $# = 4 ]; then
	FAULTS=$* exec sh "$run"
fi
bad=0
# The child that reads names goes on counting: psample itself ends at 420.
for faults in "alloc 1 500 1" "alloc 600 6000 100" "call 1 500 1" \
	"call 600 0 100" "output 1 0 1" "kill 1 0 1"; do
	FAULTS=$faults sh "$run" || bad=1
done
exit $bad
