#!/bin/sh
# SPDX-License-Identifier: MIT
# heap-go.sh - the heap profile of Go programs, switched on from outside.
#
# Breaks if totals are not what the program itself counts, if shares differ
# from runtime/pprof's own profile, if a program is left with another rate
# than it had, also by a psample that was killed, or if anything but a Go
# program that is understood is touched.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 36
requires_ptrace
cd "$scratch" || exit 1

refuses() { # NAME TEXT PSAMPLE-ARGUMENT...
	refused=$1
	text=$2
	shift 2
	"$PSAMPLE" "$@" >out 2>err </dev/null
	refused_status=$?
	check "$refused" sh -c 'test "$1" != 0 && grep -q "$2" err' sh \
		$refused_status "$text" || diag_file err
}

# --- what is not understood is left alone -----------------------------
start_target sh -c "echo ready; exec sleep 1000"
refuses "a launched program that is not Go cannot be entered later" \
	'not a Go program' -e heap --delay 1 -- true
refuses "what does not exist is told of" 'No such file' \
	-e alloc -- ./nonexistent
refuses "-i without -e alloc is refused" 'interval is for' -i 1M -- true
refuses "a bad -i is refused" 'bad value 5x' -e alloc -i 5x -- true
refuses "-F does not go with -e heap" 'freq is not for' \
	-e heap -F 99 -- true
refuses "nor do two processes" 'one process' -e heap -p "$target_pid,$$"

command -v go >/dev/null || skip_all "needs go"
build() { # NAME FLAGS FILE...
	built=$1
	flags=$2
	shift 2
	GOCACHE=$scratch/gocache GO111MODULE=off GOFLAGS='' \
		GOTOOLCHAIN=local CGO_ENABLED=0 \
		go build -ldflags "$flags" -o "$built" "$@" >go.log 2>&1 &&
		return
	diag_file go.log
	skip_all "go builds nothing here"
}
source=$top_srcdir/tests/programs
build plain '' "$source/allocs.go"
build stripped '-s -w' "$source/allocs.go"
build own '' "$source/allocs.go" "$source/allocs_pprof.go"

# folded TYPE FILE: stacks with values of that sample type, in ./folded
folded() {
	"$PSAMPLE" report --folded --sample-index "$1" "$2" >folded 2>folded.err
}

# What the program counted between two times: bytes
truth() { # LOG NS NS
	awk -v from="$2" -v to="$3" '
	function take(t) {
		return last + ($2 - last) * (t - last_t) / ($1 - last_t)
	}
	/^[0-9]/ {
		if (last_t && last_t <= from && from <= $1) a = take(from)
		if (last_t && last_t <= to && to <= $1) b = take(to)
		last_t = $1; last = $2
	}
	END { printf "%.0f\n", b - a }' "$1"
}

# Start and duration of a profile in ns: fields 9 and 10 of profile.proto
window() { # FILE
	gzip -dc "$1" | od -An -v -tu1 | tr -s ' ' '\n' | awk '
	NF { b[n++] = $1 }
	function varint(	value, unit) {
		for (unit = 1; b[i] > 127; unit *= 128)
			value += (b[i++] - 128) * unit
		return value + b[i++] * unit
	}
	END {
		while (i < n) {
			key = varint()
			value = varint()
			if (key % 8 == 2)
				i += value
			else
				field[int(key / 8)] = value
		}
		printf "%.0f %.0f\n", field[9], field[10]
	}'
}

ratio() { # A B
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.4f\n", b ? a / b : 0 }'
}

# profile_running NAME: 2 s of ./NAME in ./NAME.pb.gz, from ./err
profile_running() {
	start_target "./$1" 300
	sleep 0.3 # the program is to have a past that must not be counted
	"$PSAMPLE" -e alloc -i 32KiB -d 2 -o "$1.pb.gz" -p "$target_pid" \
		>out 2>err </dev/null
	check_equal "$1: attached by pid, status 0" $? 0 || diag_file err
	wait_until 5 grows_beyond "$(date +%s%N)"
	folded alloc_space "$1.pb.gz"
	window=$(window "$1.pb.gz")
	begin=${window% *}
	truth=$(truth "$target_out" "$begin" $((begin + ${window#* })))
	check "$1: the total is what the program counts, to 3 percent" \
		within "$(ratio "$(folded_total folded)" "$truth")" 0.97 1.03
	check "$1: medium has its share" \
		within "$(folded_share folded main.medium)" 41 47
	check "$1: small has its share" \
		within "$(folded_share folded main.small)" 16 21
	check "$1: what is inlined has a name of its own" \
		within "$(folded_share folded main.inlined)" 35 41
	# but where the runtime allocates for itself, deeper than that
	check "$1: no frames of the allocator" \
		within "$(folded_share folded runtime.mallocgc any)" 0 0.5
	check "$1: stacks reach main" \
		within "$(folded_share folded main.main any)" 99 100
}

grows_beyond() { # NS: has the program counted at that time or later?
	tail -n 1 "$target_out" | awk -v t="$1" '{ exit !($1 > t) }'
}

# --- by pid, without runtime/pprof -------------------------------------
profile_running plain
check "the rate was 0, and is 32 KiB meanwhile" \
	grep -q 'MemProfileRate 32768 instead of 0' err
"$PSAMPLE" -e heap -d 1 -o again.pb.gz -p "$target_pid" >out 2>err </dev/null
check "it is 0 again at the end" \
	grep -q 'MemProfileRate 524288 instead of 0' err || diag_file err
folded inuse_space again.pb.gz
check "in use is what is kept, first of all" \
	within "$(folded_share folded main.leak)" 20 100

# --- killed in the middle ----------------------------------------------
"$PSAMPLE" -q -e heap -i 4096 -o killed.pb.gz -p "$target_pid" &
killed=$!
# Its lock comes with the write. A probe by psample could come in between.
wait_until 10 grep -q "FLOCK .* WRITE $killed " /proc/locks
kill -USR2 $killed # is no reason to end
"$PSAMPLE" -e heap -d 0.01 -o seen.pb.gz -p "$target_pid" 2>&1 |
	grep -q "MemProfileRate 4096 as the program has it"
check_equal "a second psample finds the rate of the first" $? 0
refuses "and cannot set another" 'another psample' \
	-e heap -i 8192 -d 0.01 -o seen.pb.gz -p "$target_pid"
kill -KILL $killed
wait $killed 2>/dev/null
is_off() {
	"$PSAMPLE" -e heap -d 0.01 -o seen.pb.gz -p "$target_pid" 2>&1 |
		grep -q 'instead of 0'
}
check "killed by SIGKILL, the rate is put back all the same" \
	wait_until 5 is_off
check "the program runs on" is_alive "$target_pid"
stop_target

# --- stripped ----------------------------------------------------------
profile_running stripped
stop_target

# --- next to runtime/pprof's own ---------------------------------------
"$PSAMPLE" -e alloc -o ours.pb.gz -- ./own 3 own.pb.gz >log 2>err </dev/null
check_equal "launched: the status is the program's" $? 0 || diag_file err
check "the rate that it has is left alone" \
	grep -q 'MemProfileRate 524288 as the program has it' err
folded alloc_space ours.pb.gz
# Few samples on a busy machine; and what comes last is not seen.
error=$(sed -n 's/.*allocated (+-\([0-9.]*\)%).*/\1/p' err)
check "the total is what the program counts, to four standard errors" \
	within "$(awk -v got="$(folded_total folded)" -v e="${error:-0}" '
	/^[0-9]/ { n = $2 }
	END { print (got / n - 1) / (4 * e + 2) * 100 }' log)" -1 1
for function in small medium inlined; do
	folded alloc_space own.pb.gz
	wanted=$(folded_share folded main.$function)
	folded alloc_space ours.pb.gz
	check "$function has the share that runtime/pprof gives it" \
		within "$(awk -v a="$wanted" \
		-v b="$(folded_share folded main.$function)" \
		'BEGIN { print a - b }')" -2 2
done

# --- what reads it -----------------------------------------------------
for type in inuse_space alloc_objects; do
	go tool pprof -top -$type ours.pb.gz >top 2>&1
	check "go tool pprof -$type shows it" grep -q 'main\.' top
done
go tool pprof -top -base ours.pb.gz ours.pb.gz >top 2>&1
check "go tool pprof -base subtracts it" grep -q 'accounting for 0' top
finish
