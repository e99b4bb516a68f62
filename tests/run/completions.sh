#!/bin/sh
# SPDX-License-Identifier: MIT
# completions.sh - what the shells complete: every option of --help, the
# commands, and values.
#
# Breaks if a line of --help looks otherwise than the completions expect.
. "${top_srcdir:-.}/tests/run/lib.sh"
folder=$top_srcdir/completions
plan 9
cd "$scratch" || exit 1
mkdir bin
ln -s "$PSAMPLE" bin/psample
PATH=$scratch/bin:$PATH
export PATH HOME="$scratch"

# By another rule than that of the completions: every word with two dashes at
# the start of a line, or behind the letter of an option.
for command in record report; do
	psample $command --help | awk '{
		for (i = 1; i <= 2; i++)
			if ($i ~ /^--/ && (i == 1 || $1 ~ /^-.,$/))
				print $i
	}' | sort -u >$command.options
done

completes_all() { # SHELL COMMAND: its candidates are in the file got
	sort -u got | comm -23 "$2.options" - >missing
	[ -s "$2.options" ] && [ ! -s missing ]
}

bash_words() { # WORD...: what may stand for the last one
	# shellcheck disable=SC2016 # of the other shell
	bash -c '. "$0"/psample; COMP_WORDS=(psample "$@")
		COMP_CWORD=$#; _psample
		printf "%s\n" "${COMPREPLY[@]}"' "$folder" "$@"
}

zsh_words() {
	# shellcheck disable=SC2016
	zsh -fc '_psample_is_sourced=1
		compadd() { shift; print -l -- "$@" }
		_files() { : }
		. "$1"/_psample; shift
		words=(psample "$@") CURRENT=$#words; _psample' \
		zsh "$folder" "$@"
}

fish_words() {
	fish -N -c "source $folder/psample.fish
		complete -C 'psample $*'" | cut -f 1
}

for shell in bash zsh fish; do
	if ! command -v $shell >/dev/null; then
		skip "$shell completes options of record" "needs $shell"
		skip "$shell completes options of report" "needs $shell"
		skip "$shell completes commands and values" "needs $shell"
		continue
	fi
	for command in record report; do
		${shell}_words $command -- >got 2>err
		check "$shell completes options of $command" \
			completes_all $shell $command || diag_file missing
	done
	{
		${shell}_words tr | grep -x -e traces -e tree
		${shell}_words report --granularity '' | grep -x lines
		${shell}_words top --fo | grep -x -e --focus
		${shell}_words record -e cpu | grep -x cpu,alloc
		${shell}_words top --pi | grep -x -e --pid
		${shell}_words top -p 1 --ev | grep -x -e --every
	} >got 2>err
	check_equal "$shell completes commands and values" \
		"$(sort -u got | xargs)" \
		'--every --focus --pid cpu,alloc lines traces tree'
done
finish
