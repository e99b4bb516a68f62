#!/bin/sh
# SPDX-License-Identifier: MIT
# confined.sh - names of programs that belong to somebody else than root and
# us: read by a child that can do nothing else; a file that is a bomb for its
# readers.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 5
requires_ptrace
requires_root
requires_program objcopy
cd "$scratch" || exit 1
chmod 755 .

cp "$programs/truth" theirs
chown 65534 theirs

names() { # PROGRAM: the functions it was seen in
	"$PSAMPLE" -q -F 500 -f folded -o "$1.folded" -- "./$1" one 0.2 \
		>/dev/null 2>"$1.err"
	tr ';' '\n' <"$1.folded" | grep -E '^(f|g|main)( |$)' | cut -d' ' -f1 |
		sort -u | tr '\n' ' '
}

check_equal "a program of somebody else has names" "$(names theirs)" \
	"f g main "

whole() { # PROGRAM: the share of f and g, from _start on, in percent
	awk '{ all += $NF }
	/^_start;.*main;.*[fg];spin [0-9]+$/ { whole += $NF }
	END { print all ? int(100 * whole / all) : "" }' "$1.folded"
}
check "its stacks are whole" within "$(whole theirs)" 70 100

has_reader() { # PID: a child with a seccomp filter
	# shellcheck disable=SC2013 # words are wanted
	for child in $(cat "/proc/$1/task/"*/children); do
		awk '
		$1 == "Seccomp:" { is_filtered = $2 == 2 }
		$1 == "CapEff:" { has_rights = $2 !~ /^0*$/ }
		END { exit !is_filtered || has_rights }' \
			"/proc/$child/status" 2>/dev/null && return
	done
	return 1
}
start_target ./theirs one 600
"$PSAMPLE" -q -d 30 -f folded -o attached -p "$target_pid" 2>err &
psample_pid=$!
check "its unwind tables are read by a child without any right" \
	wait_until 10 has_reader "$psample_pid"
kill -TERM "$psample_pid"
wait "$psample_pid"
stop_target

# Unwind tables of nonsense.
spoil() {
	objcopy --dump-section .eh_frame=tables theirs spoilt || return
	yes 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345' 2>/dev/null |
		head -c "$(wc -c <tables)" >nonsense
	objcopy --update-section .eh_frame=nonsense theirs spoilt || return
	chmod 755 spoilt
	chown 65534 spoilt
}
if spoil 2>err; then
	check_equal "one with spoilt unwind tables has its names" \
		"$(names spoilt)" "f g main "
else
	diag_file err
	not_ok "objcopy spoils the unwind tables of a program"
fi

# A section that says it is 1 TiB when it is not packed any more.
bomb() {
	objcopy --compress-debug-sections=zlib-gabi theirs bomb || return
	python3 - bomb <<'PY' || return
import struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
at, = struct.unpack_from("<Q", data, 40)
n, = struct.unpack_from("<H", data, 60)
for i in range(n):
    flags, _, offset = struct.unpack_from("<QQQ", data, at + 64 * i + 8)
    if flags & 0x800:
        struct.pack_into("<Q", data, offset + 8, 1 << 40)
open(sys.argv[1], "wb").write(data)
PY
	chmod 755 bomb
	chown 65534 bomb
}
names_in_4_gb() { # PROGRAM
	# shellcheck disable=SC3045 # dash has it; sanitizers need terabytes
	[ -n "${PSAMPLE_SANITIZED:-}" ] || ulimit -v 4000000
	names "$1"
}

if command -v python3 >/dev/null && bomb; then
	check_equal "a bomb costs neither the run nor memory" \
		"$(names_in_4_gb bomb)" "f g main "
else
	skip "a bomb costs neither the run nor memory" \
		"needs python3 and objcopy"
fi
finish
