# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# kinds_lang.sh - the kinds of the matrix with another libc or in another
# language: musl, Go, Rust, JavaScript, Java, Python. Sourced after
# kinds_c.sh.

kinds_musl() {
	for musl_level in O0 O2; do
		c "musl-$musl_level" "musl, dynamic, -$musl_level" plan.c \
			musl-gcc "-$musl_level"
		c "musl-static-$musl_level" "musl, static, -$musl_level" \
			plan.c musl-gcc "-$musl_level" -static
	done
	k_has='names wall'
	# shellcheck disable=SC2086 # a list of flags
	c musl-no-cfi "musl, static, no CFI at all" plan.c musl-gcc -O2 -g0 \
		-static $no_cfi
	k_has='wall' k_root='.*' k_link='.*'
	# shellcheck disable=SC2086
	c musl-stripped "musl, static, no CFI, stripped" plan.c musl-gcc -O2 \
		-s -static $no_cfi
}

# --- Go ---------------------------------------------------------------

go_root="$any_root|goexit|mstart|mstart0|rt0_go|_rt0_amd64_linux"
# where the stack of a thread begins anew, when its goroutine has been parked
go_root="$go_root|(mcall|morestack);.*(schedule|stopm)"

# go_kind NAME TITLE FOLDER [FLAG...]: of go build
go_kind() {
	begin_kind go "$1" "$2" || return 0
	go_folder=$matrix/$3
	shift 3
	has_programs go || return 0
	k_root=$go_root
	(cd "$go_folder" && GOFLAGS=-mod=mod GOTOOLCHAIN=local build \
		go build -o "$bin" "$@" .) && measure "$bin"
}

go_archive() {
	begin_kind go go-archive "Go called by C (c-archive)" || return 0
	has_programs go gcc || return 0
	k_root=$go_root c_compiler=gcc
	(cd "$matrix/go" && GOFLAGS=-mod=mod GOTOOLCHAIN=local build \
		go build -tags archive -buildmode=c-archive -o "$bin.a" .) &&
		c_build "$bin" go/c/main.c -O2 "$bin.a" &&
		measure "$bin"
}

kinds_go() {
	go_kind go "Go" go
	go_kind go-stripped "Go, stripped (-s -w)" go -ldflags '-s -w'
	go_kind go-pie "Go, PIE" go -buildmode=pie
	go_kind go-pie-stripped "Go, PIE, stripped" go -buildmode=pie \
		-ldflags '-s -w'
	k_has='names lines wall'
	go_kind go-optimized-not "Go, -N -l" go -gcflags 'all=-N -l'
	k_has='names inlines' k_link='run;.*;[fg]'
	k_note='f and g run on the system stack; the rest is sysmon, of Go'
	# A thread's first samples teach where the stack of its goroutine is.
	cgo_seconds=$MATRIX_SECONDS
	[ "${MATRIX_SECONDS%.*}" -ge 2 ] || MATRIX_SECONDS=2
	go_kind cgo "Go calls C (cgo)" cgo
	MATRIX_SECONDS=$cgo_seconds
	k_has='wall' k_link='.*'
	go_kind cgo-stripped "Go calls C, stripped" cgo -ldflags '-s -w'
	go_archive
}

# --- Rust -------------------------------------------------------------

rust() { # NAME TITLE [FLAG...]
	begin_kind rust "$1" "$2" || return 0
	shift 2
	has_programs rustc || return 0
	k_calls='wrapping_[a-z]*|black_box.*'
	# a stable compiler takes -Z, too, when it builds itself
	build env RUSTC_BOOTSTRAP=1 rustc -g --edition 2021 \
		-A unexpected_cfgs -o "$bin" "$matrix/plan.rs" "$@" &&
		measure "$bin"
}

kinds_rust() {
	rust rust-debug "Rust, debug" -C opt-level=0
	rust rust-O3 "Rust, -O3" -C opt-level=3
	rust rust-legacy "Rust, -O3, legacy names" -C opt-level=3 \
		-Z unstable-options -C symbol-mangling-version=legacy
	rust rust-v0 "Rust, -O3, v0 names" -C opt-level=3 \
		-C symbol-mangling-version=v0
	rust rust-abort "Rust, -O3, panic=abort" -C opt-level=3 \
		-C panic=abort
	rust rust-panics "Rust, -O3, a panic caught in each round" \
		-C opt-level=3 --cfg panics
	k_link='run;[fg]'
	rust rust-async "Rust, -O3, async" -C opt-level=3 --cfg is_async
	k_has='names wall'
	rust rust-stripped "Rust, -O3, strip=debuginfo" -C opt-level=3 \
		-C strip=debuginfo
}

# --- D ----------------------------------------------------------------

d() { # NAME TITLE COMPILER FLAG...
	begin_kind d "$1" "$2" || return 0
	shift 2
	has_programs "$1" || return 0
	build "$@" -g "$matrix/plan.d" && measure "$bin"
}

kinds_d() {
	d gdc-O2 "D, gdc -O2" gdc -O2 -o "$work/gdc-O2"
	d gdc-O0 "D, gdc -O0" gdc -O0 -o "$work/gdc-O0"
	k_has='names lines wall'
	d ldc-O2 "D, ldc2 -O2" ldc2 -O2 "-of=$work/ldc-O2"
}

# --- code made at run time --------------------------------------------

# Lists of functions in /tmp are removed with the process that made them.
jit() { # GROUP NAME TITLE COMMAND...
	begin_kind "$1" "$2" "$3" || {
		k_caller=
		return 0
	}
	shift 3
	has_programs "$1" || return 0
	k_calls='.*' k_any=1 k_link="${k_caller:-run};(.*;)?[fg]"
	k_caller=
	measure "$@"
}

kinds_jit() {
	k_has='names wall'
	jit jit node "node --perf-basic-prof" node --perf-basic-prof \
		--interpreted-frames-native-stack --no-turbo-inlining \
		"$matrix/plan.js"
	java_options='-XX:+PreserveFramePointer
		-XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit
		-XX:CompileCommand=quiet
		-XX:CompileCommand=dontinline,Plan::*'
	! command -v javac >/dev/null ||
		javac -d "$work" "$matrix/Plan.java" >"$work/build.log" 2>&1
	k_has='names wall' k_caller='(run|Interpreter)'
	k_note='run is interpreted at first, without a name'
	# shellcheck disable=SC2086 # a list of options
	jit jit java "java, perf map" java $java_options -cp "$work" Plan
	k_has='wall' k_note='interpreted functions have no names'
	# shellcheck disable=SC2086
	jit jit java-interpreter "java -Xint" java -Xint $java_options \
		-cp "$work" Plan
	for python_version in 3.11 3.12 3.13 3.14; do
		python_kind $python_version
	done
}

python_kind() { # VERSION
	k_has='names wall' python_perf='-X perf'
	[ "$1" != 3.11 ] || k_has='wall' python_perf=''
	python=$(find_python "$1") plan_py=$matrix/plan.py
	if [ -n "$MATRIX_ROOT" ] &&
		[ -x "$MATRIX_ROOT/usr/bin/python$1" ]; then
		cp "$plan_py" "$MATRIX_ROOT/tmp"
		python="chroot $MATRIX_ROOT python$1" plan_py=/tmp/plan.py
		k_note='of another distribution, in a chroot'
	fi
	# shellcheck disable=SC2086 # a command, and an option or none
	jit jit "python$1" "python$1 $python_perf" $python $python_perf \
		"$plan_py"
}

# One that pyenv keeps, of which there is a script in PATH, or that of PATH.
find_python() { # VERSION
	for python in "$(pyenv root 2>/dev/null)"/versions/"$1"*/bin/python3 \
		"python$1"; do
		"$python" -c '' 2>/dev/null && break
	done
	echo "$python"
}

kinds_lang() {
	kinds_musl
	kinds_go
	kinds_rust
	kinds_d
	kinds_jit
}
