# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# kinds_more.sh - one small program for each of many languages, with the
# interpreters, compilers and emulators that a distribution has, for the
# campaign of the matrix. Nobody installs all of them: what is missing is told.
# Sourced after kinds_real.sh, whose rows these are like.
langs=$matrix/langs

# more NAME TITLE COMMAND...: launched, with some seconds as last word
more() {
	begin_kind more "$1" "$2" || return 0
	shift 2
	real_hot=.
	has_programs "$1" || return 0
	more_measure "$@" $((REAL_SECONDS + 1))
}

more_measure() { # COMMAND...
	k_has=
	real_measure real_launch "$@"
}

# more_built NAME TITLE COMPILER...: of a program that is compiled to "made"
more_built() {
	begin_kind more "$1" "$2" || return 0
	shift 2
	real_hot=.
	has_programs "$1" || return 0
	mkdir -p "$bin.d"
	(cd "$bin.d" && build "$@") &&
		more_measure "$bin.d/made" $((REAL_SECONDS + 1))
}

many_numbers='with recursive t(x) as
	(select 1 union all select x + 1 from t limit 30000000)
	select count(*), sum(x * x) from t;'

interpreters() {
	more more-php "PHP" php "$langs/plain.php"
	more more-ruby "Ruby" ruby "$langs/plain.rb"
	more more-perl "Perl, with modules in C" perl "$langs/plain.perl"
	more more-lua "Lua" lua5.4 "$langs/plain.lua"
	k_note='traces have no names, and who called them is guessed'
	more more-luajit "LuaJIT" luajit "$langs/plain.lua"
	more more-tcl "Tcl" tclsh "$langs/plain.tcl"
	more more-r "R" Rscript "$langs/plain.R"
	more more-prolog "SWI-Prolog" swipl "$langs/plain.pl" --
	more more-guile "Guile, compiled at run time" guile \
		--no-auto-compile "$langs/plain.scm"
	more more-racket "Racket" racket "$langs/plain.rkt"
	k_note='C calls Lisp on another stack, which is not followed'
	more more-sbcl "SBCL" sbcl --script "$langs/plain.lisp"
	more_erlang
	more_mono
}

more_erlang() {
	begin_kind more more-erlang "Erlang, +JPperf true" || return 0
	real_hot=.
	has_programs erlc erl || return 0
	(cd "$work" && build erlc "$langs/plain.erl") &&
		more_measure erl +JPperf true -noshell -pa "$work" -eval \
			"plain:main($((REAL_SECONDS + 1)))"
}

more_mono() {
	begin_kind more more-mono "Mono" || return 0
	real_hot=.
	has_programs mcs mono || return 0
	build mcs -out:"$bin.exe" "$langs/Plain.cs" &&
		more_measure mono "$bin.exe" $((REAL_SECONDS + 1))
}

compilers() {
	more_built more-ocaml "OCaml" sh -c \
		"cp '$langs/plain.ml' . && ocamlopt -o made plain.ml"
	k_note='its code runs on C frames that nothing describes'
	more_built more-ghc "Haskell, GHC" ghc -O1 -outputdir . -o made \
		"$langs/plain.hs"
	more_built more-ada "Ada, GNAT" gnatmake -q -O2 -g -o made \
		"$langs/plain.adb"
	more_built more-fortran "Fortran, gfortran" gfortran -O2 -g -o made \
		"$langs/plain.f90"
	more_built more-pascal "Free Pascal" fpc -O2 -g -FU. -FE. -omade \
		"$langs/plain.pas"
}

# Programs that run other programs, or much assembly.
emulators() {
	more more-ffmpeg "FFmpeg, x264 (stripped)" ffmpeg -loglevel error \
		-f lavfi -i testsrc2=size=640x480:rate=30 -c:v libx264 \
		-f null - -t
	begin_more more-qemu "QEMU's user mode, sqlite3 in it" \
		qemu-x86_64 sqlite3 &&
		more_measure qemu-x86_64 "$(command -v sqlite3)" :memory: \
			"$many_numbers"
	begin_more more-valgrind "valgrind, sqlite3 in it" valgrind sqlite3 &&
		more_measure valgrind -q sqlite3 :memory: "$many_numbers"
}

begin_more() { # NAME TITLE PROGRAM...
	begin_kind more "$1" "$2" || return
	shift 2
	real_hot=.
	has_programs "$@"
}

kinds_more() {
	more_seconds=$REAL_SECONDS
	REAL_SECONDS=2
	interpreters
	compilers
	emulators
	REAL_SECONDS=$more_seconds
}
