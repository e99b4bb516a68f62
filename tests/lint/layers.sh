#!/bin/sh
# SPDX-License-Identifier: MIT
# layers.sh - who may include whom, as the tables of src/README.md say (TAP).
set -u
. "${top_srcdir:-.}/tests/lint/lib.sh"
map=src/README.md

# "| unwind | arch, image |" -> "unwind arch image"
layer_table() {
	sed -n '/^| folder | may include |$/,/^$/p' "$map" | sed 1,2d |
		tr -d '|,'
}

# "| `ptrace(` | src/target/ |" -> "ptrace(<tab>src/target/"
text_table() {
	sed -n '/^| text | only in |$/,/^$/p' "$map" | sed 1,2d |
		sed -n 's/^| `\(.*\)` | \(.*\) |$/\1	\2/p'
}

folders_without_row() {
	for dir in src/*/; do
		dir=$(basename "$dir")
		layer_table | grep -q "^ *$dir " || echo "no row for $dir"
	done
}

table_cycles() {
	layer_table | awk '
	{
		is[$1]
		if ($1 != "util")
			may[$1, "util"] = 1
		for (i = 2; i <= NF; i++)
			if ($i != "-")
				may[$1, $i] = 1
	}
	END {
		for (k in is) for (i in is) for (j in is)
			if (((i, k) in may) && ((k, j) in may)) may[i, j] = 1
		for (i in is)
			if ((i, i) in may) print i " reaches itself"
	}'
}

bad_includes() {
	{
		layer_table
		echo "=="
		c_files src | xargs grep -n '^#include "'
	} | awk '
	$0 == "==" { in_code = 1; next }
	!in_code {
		may[$1, "util"] = may[$1, $1] = 1
		for (i = 2; i <= NF; i++)
			may[$1, $i] = 1
		next
	}
	{
		split($0, at, ":")
		split(at[1], path, "/")
		split($0, quoted, "\"")
		n = split(quoted[2], header, "/")
		if (n != 2)
			print at[1] ":" at[2] ": \"" quoted[2] \
				"\" does not carry its folder"
		else if (!((path[2], header[1]) in may))
			print at[1] ":" at[2] ": " path[2] \
				" may not include " header[1]
	}'
}

missing_includes() {
	c_files src | xargs sed -n 's/^#include "\(.*\)".*/\1/p' | sort -u |
		while IFS= read -r header; do
		[ -e "src/$header" ] || echo "no such file: src/$header"
	done
}

own_header_not_first() {
	for file in $(c_files src | grep '\.c$'); do
		own=${file#src/}
		own=${own%.c}.h
		[ -e "src/$own" ] || continue
		first=$(sed -n 's/^#include //p' "$file" | head -n 1)
		[ "$first" = "\"$own\"" ] ||
			echo "$file: first include is $first"
	done
}

strayed_text() {
	tab=$(printf '\t')
	code=$(c_files src)
	# shellcheck disable=SC2086 # a list of files without blanks
	without_comments $code >"$scratch"
	text_table | while IFS="$tab" read -r text homes; do
		grep -F -e "$text" "$scratch" | while IFS= read -r hit; do
			is_home=no
			for home in $(echo "$homes" | tr -d ,); do
				case $hit in
				"$home"*) is_home=yes ;;
				esac
			done
			[ "$is_home" = yes ] ||
				echo "$hit  <- $text only in $homes"
		done
	done
}

# What stands in ` in a README of a folder, or in the map itself: files, and
# patterns such as `write_*.c`; x.h names x.c, too. Folders without a README
# have what their headers say.
files_not_on_map() {
	for readme in src/*/README.md; do
		dir=${readme%/*}
		grep -oh '`[^`]*`' "$readme" "$map" | tr -d '`' |
			sed 's|[.]h$|.c|' >"$scratch"
		for file in "$dir"/*.c; do
			is_named=no
			while read -r name; do
				# shellcheck disable=SC2254 # is a pattern
				case ${file#src/} in
				$name | "${dir#src/}"/$name) is_named=yes ;;
				esac
			done <"$scratch"
			[ "$is_named" = yes ] || echo "$file is not in $readme"
		done
	done
}

# Files of a README that are not there any more
names_without_file() {
	for readme in src/*/README.md $map; do
		dir=${readme%/*}
		grep -oh '`[a-z_0-9/]*\.[chS]`' "$readme" | tr -d '`' |
			sort -u | while read -r name; do
			[ -e "$dir/$name" ] || [ -e "src/$name" ] ||
				[ -e "include/$name" ] ||
				echo "$readme: no file $name"
		done
	done
}

scratch=$(mktemp)
trap 'rm -f "$scratch"' EXIT
plan 8
check_none "every folder has its row in $map" folders_without_row
check_none "no folder reaches itself through others" table_cycles
check_none "includes follow the layer table" bad_includes
check_none "every included header exists" missing_includes
check_none "a file includes its own header first" own_header_not_first
check_none "libraries and the kernel are wrapped in one place" strayed_text
check_none "every file is named in the README of its folder" files_not_on_map
check_none "every file that a README names is there" names_without_file
finish
