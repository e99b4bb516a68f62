# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# kinds_c.sh - the kinds of the matrix that are written in C, C++ and
# assembly. Sourced after matrix.sh.

# c NAME TITLE SOURCE COMPILER [FLAG...]
c() {
	begin_kind c "$1" "$2" || return 0
	c_source=$3 c_compiler=$4
	shift 4
	c_build "$bin" "$c_source" "$@" && measure "$bin"
}

# With $c_compiler, in a folder of its own for what a compiler leaves behind.
c_build() { # FILE SOURCE [FLAG...]
	has_programs "$c_compiler" || return
	c_file=$1 c_text=$matrix/$2
	shift 2
	mkdir -p "$work/$k_name.d"
	(cd "$work/$k_name.d" && build "$c_compiler" -g -D_GNU_SOURCE \
		-o "$c_file" "$c_text" "$@" -lpthread)
}

cxx20='-std=c++20'
frame_pointers='-fno-omit-frame-pointer -mno-omit-leaf-frame-pointer'
no_cfi='-fno-asynchronous-unwind-tables -fno-unwind-tables'

builds() {
	for c_level in O0 O1 O2 O3; do
		c "gcc-$c_level" "C, gcc -$c_level" plan.c gcc "-$c_level"
		c "clang-$c_level" "C, clang -$c_level" \
			plan.c clang "-$c_level"
	done
	k_link='run_all;[fg]'
	c gxx-O2 "C++, templates and exceptions, g++ -O2" templates.cpp g++ \
		-O2 $cxx20
	k_link='run_all;[fg]'
	c gxx-O0 "C++, the same, g++ -O0" templates.cpp g++ -O0 $cxx20
	k_link='run_all;[fg]'
	c clangxx-O2 "C++, the same, clang++ -O2" templates.cpp clang++ -O2 \
		$cxx20
	k_link='run_all;[fg]'
	c clangxx-O0 "C++, the same, clang++ -O0" templates.cpp clang++ -O0 \
		$cxx20
	c no-pie "-no-pie" plan.c gcc -O2 -fno-pie -no-pie
	c static "-static" plan.c gcc -O2 -static
	c static-pie "-static-pie" plan.c gcc -O2 -fpie -static-pie
	c lto "-flto, gcc" plan.c gcc -O2 -flto
	c omit-fp "-fomit-frame-pointer -O1" plan.c gcc -O1 \
		-fomit-frame-pointer
	# shellcheck disable=SC2086 # lists of flags
	c frame-pointer "-fno-omit-frame-pointer" plan.c gcc -O2 \
		$frame_pointers
	# shellcheck disable=SC2086
	c fp-syscall "system call in a function with a frame pointer" \
		plan.c gcc -O2 $frame_pointers -DPLAN_OWN_SYSCALL
	# shellcheck disable=SC2086
	c no-cfi-debug "no .eh_frame, with .debug_frame" plan.c gcc -O2 $no_cfi
	separate_frames
	k_has='names wall'
	# shellcheck disable=SC2086
	c no-cfi "no CFI at all, -O2" plan.c gcc -O2 -g0 $no_cfi
	k_has='names wall'
	# shellcheck disable=SC2086
	c no-cfi-O0 "no CFI at all, -O0" plan.c gcc -O0 -g0 $no_cfi
	k_has='names wall'
	# shellcheck disable=SC2086
	c no-cfi-clang "no CFI at all, clang -O2" plan.c clang -O2 -g0 $no_cfi
	k_has='names wall'
	c no-debug "no -g: symbols only" plan.c gcc -O2 -g0
	k_has='wall'
	k_root='.*_start|.*clone3?|.*' k_link='.*'
	c stripped "stripped" plan.c gcc -O2 -s
	c noseparate "text in the first PT_LOAD" plan.c gcc -O2 \
		-Wl,-z,noseparate-code
	if command -v ld.lld >/dev/null; then
		c lld "text not in the first PT_LOAD, lld" plan.c clang -O2 \
			-fuse-ld=lld
	fi
	c gold "linked by gold" plan.c gcc -O2 -fuse-ld=gold
	c dwarf4 "DWARF 4" plan.c gcc -O2 -gdwarf-4
	c dwarf5-clang "DWARF 5, clang" plan.c clang -O2 -gdwarf-5
	c split-dwarf "split DWARF (.dwo)" plan.c gcc -O2 -gsplit-dwarf
	c split-dwarf-clang "split DWARF, clang" plan.c clang -O2 -gsplit-dwarf
	split_package
	c compressed "compressed debug sections" plan.c gcc -O2 -gz=zlib
}

# As no-cfi-debug, with all that is not to be loaded in a file of its own.
separate_frames() {
	begin_kind c separate "the same, in a debug file of its own" || return 0
	has_programs objcopy strip || return 0
	c_compiler=gcc
	# shellcheck disable=SC2086
	c_build "$bin" plan.c -O2 $no_cfi -Wl,--build-id &&
		build objcopy --only-keep-debug "$bin" "$bin.debug" &&
		build strip "$bin" &&
		build objcopy --add-gnu-debuglink="$bin.debug" "$bin" &&
		measure "$bin"
}

# As split-dwarf, all .dwo files being in a package. Older libraries do not
# open it: psample leaves that to them.
split_package() {
	begin_kind c split-package "split DWARF in a package (.dwp)" ||
		return 0
	has_programs llvm-dwp || return 0
	elfutils=$("$PSAMPLE" --version |
		sed -n 's/^libdw 0\.\([0-9]*\).*/\1/p')
	[ "${elfutils:-0}" -ge 191 ] || {
		cannot "elfutils before 0.191 reads no .dwp files"
		return 0
	}
	c_compiler=gcc
	c_build "$bin" plan.c -O2 -gsplit-dwarf &&
		build llvm-dwp -e "$bin" -o "$bin.dwp" &&
		build rm -r "$work/$k_name.d" && measure "$bin"
}

shapes() {
	c alloca "alloca and aligned stacks (DRAP), gcc -O2" alloca.c gcc -O2
	c alloca-clang "alloca and aligned stacks, clang -O2" alloca.c clang \
		-O2
	c tail "tail calls" tail.c gcc -O2
	library "a library: f and g called through its PLT, lazily" library ''
	k_calls='step|step@plt' k_has='names wall'
	library "much of the time in PLT entries" plt -DSTEPS
	k_has='names lines wall'
	c asm-cfi "assembly with CFI" assembly.c gcc -O2 -DWITH_CFI \
		"$matrix/assembly_leaves.S"
	k_has='names lines wall'
	c asm-expression "assembly, CFA by expression (OpenSSL)" assembly.c \
		gcc -O2 -DWITH_CFI -DALIGNED "$matrix/assembly_leaves.S"
	k_has='names lines wall'
	c asm-no-cfi "assembly without CFI" assembly.c gcc -O2 \
		"$matrix/assembly_leaves.S"
	k_has='names lines wall'
	c asm-no-cfi-aligned "assembly without CFI, aligned stack" \
		assembly.c gcc -O2 -DALIGNED "$matrix/assembly_leaves.S"
}

library() { # TITLE NAME FLAG
	begin_kind c "$2" "$1" || return 0
	c_compiler=gcc
	# shellcheck disable=SC2086 # a flag or none
	c_build "$bin.so" library.c -O2 -fPIC -shared $3 &&
		c_build "$bin" library_user.c -O2 $3 -fplt -Wl,-z,lazy \
			"$bin.so" &&
		measure "$bin"
}

stacks() {
	k_args=altstack
	c altstack "signal handler on an alternate stack" contexts.c gcc -O2
	k_args=swapcontext k_root="$any_root|coroutine"
	c swapcontext "swapcontext coroutine" contexts.c gcc -O2
	k_link='work;[fg]'
	c coroutines "C++20 coroutine, g++ -O2" coroutines.cpp g++ -O2 $cxx20
	k_args='deep 10000' k_env='prlimit --stack=67108864'
	k_root='main(;descend){10001};run|main;descend|waiter'
	c deep "10,000 frames deep" contexts.c gcc -O1
	k_args='big 48' k_env='prlimit --stack=67108864'
	c big "48 MiB of stack" contexts.c gcc -O2
	k_note='f is 60 % and has no way to its root; it must be marked'
	c corrupt "corrupted stack" corrupt.c gcc -O2
	k_calls='read_clock(;[^;]*clock_gettime(@plt)?|;__vdso_[^;]*)*'
	k_has='names wall'
	c vdso "in the vdso" vdso.c gcc -O2
	k_calls='read_clock(;.vsyscall.)?' k_has='names wall'
	k_note='the kernel emulates it: no sample is in it'
	! grep -q vsyscall /proc/self/maps ||
		c vsyscall "in the vsyscall page" vdso.c gcc -O2 -DVSYSCALL
	k_note=''
	plugins
}

plugins() {
	begin_kind c dlopen "dlopen and dlclose, at one address" || return 0
	c_compiler=gcc
	c_build "$bin.f.so" plugin.c -O2 -fPIC -shared -DPLUGIN_F &&
		c_build "$bin.g.so" plugin.c -O2 -fPIC -shared &&
		c_build "$bin" plugins.c -O2 && {
		k_args="$bin.f.so $bin.g.so" k_link='run_for;[fg]'
		k_note='a change is noticed within a second'
		plugins_seconds=$MATRIX_SECONDS MATRIX_SECONDS=5
		measure "$bin"
		MATRIX_SECONDS=$plugins_seconds
	}
}

kinds_c() {
	builds
	shapes
	stacks
}
