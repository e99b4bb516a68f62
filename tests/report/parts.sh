#!/bin/sh
# SPDX-License-Identifier: MIT
# parts.sh - compare.sh over all there is, in N parts at once.
#
#	parts.sh DIRECTORY [N]
#
# Output, environment and status are those of compare.sh.
set -u
here=$(cd "$(dirname "$0")" && pwd)
n=${2:-$(nproc)}
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
i=0
while [ "$i" -lt "$n" ]; do
	EVERY=$n PART=$i sh "$here/compare.sh" "$1" >"$said/$i" 2>&1 &
	i=$((i + 1))
done
wait
for part in "$said"/*; do
	sed '$d' "$part"
	tail -n 1 "$part" >>"$said/sums"
done
awk '{ for (i = 1; i < NF; i += 2) n[i] += $i }
END {
	printf "%d compared, %d equal, %d ties, %d known, %d different, " \
		"%d stale\n", n[1], n[3], n[5], n[7], n[9], n[11]
	exit n[1] == 0 || n[9] + n[11] > 0
}' "$said/sums"
