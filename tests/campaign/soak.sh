#!/bin/sh
# SPDX-License-Identifier: MIT
# soak.sh - psample on a program that changes all the time, for an hour.
#
#	soak.sh [MINUTES [HZ]]
#
# The target is python3, which works a little, makes a thread every 50 ms, a
# child every second, and loads and unloads a library every two. Once a minute
# psample's memory and descriptors are read; it shall grow by 1 MiB an hour at
# most in the second half (by 1 MiB in less than an hour), and have no more
# descriptors in the last quarter than in the one before, the fewest of each
# being compared: a child's files are open for a while. The profile is whole.
. "${top_srcdir:-.}/tests/run/lib.sh"
minutes=${1:-60}
hz=${2:-100}
requires_ptrace
requires_program python3
cd "$scratch" || exit 1
cat >churn.py <<'PY'
import _ctypes, ctypes.util, os, subprocess, sys, threading, time

def work(n):
    return sum(i * i for i in range(n))

library = ctypes.util.find_library("bz2") or ctypes.util.find_library("z")
print("ready", flush=True)
until = time.monotonic() + float(sys.argv[1])
tick = 0
while time.monotonic() < until:
    thread = threading.Thread(target=work, args=(20000,))
    thread.start()
    thread.join()
    if tick % 20 == 0:
        subprocess.run(["true"])
    if tick % 40 == 0 and library:
        _ctypes.dlclose(ctypes.CDLL(library)._handle)
    tick += 1
    time.sleep(0.05)
PY
start_target python3 churn.py $((minutes * 60 + 30))
"$PSAMPLE" -F "$hz" -d "$((minutes * 60))" -o profile.pb.gz \
	-p "$target_pid" 2>err </dev/null &
psample_pid=$!
target_pids="$target_pids $psample_pid"

figure_of() { # NAME: of psample's status
	sed -n "s/^$1:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$psample_pid/status"
}

i=0
while [ $i -lt "$minutes" ]; do
	i=$((i + 1))
	sleep 58 # the rest of the minute is left to a slow machine
	is_alive "$psample_pid" || break
	set -- /proc/"$psample_pid"/fd/*
	echo "$i $(figure_of VmRSS) $#" | tee -a minutes |
		sed 's/^/minute, kB, descriptors: /'
done
wait "$psample_pid"
status=$?
cat err
gzip -t profile.pb.gz || status=torn
awk -v status="$status" -v minutes="$minutes" '
	{ kb[NR] = $2; fds[NR] = $3 }
	END {
		half = int((NR + 1) / 2)
		for (i = half; i <= NR; i++) {
			part = i > NR * 3 / 4
			if (!(part in least) || fds[i] < least[part])
				least[part] = fds[i]
		}
		growth = kb[NR] - kb[half]
		allowed = 1024 * (minutes > 120 ? minutes / 120 : 1)
		printf "minute %d to %d: %d kB more, at least %d and %d " \
			"descriptors\n", half, NR, growth, least[0], least[1]
		bad = status != "0" || NR < minutes - 1 ||
			growth > allowed || least[1] > least[0]
		print bad ? "MISSED" : "ok", "status", status
		exit bad
	}' minutes
