# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# lib.sh - TAP for lints: each check is a list of complaints, empty is good.
LC_ALL=C
export LC_ALL
cd "${top_srcdir:-.}" || exit 1
lint_number=0
lint_failed=0

plan() { # N
	echo "1..$1"
}

result() { # ok|"not ok" NAME
	lint_number=$((lint_number + 1))
	echo "$1 $lint_number - $2"
	[ "$1" = ok ] || lint_failed=1
}

skip() { # NAME REASON
	lint_number=$((lint_number + 1))
	echo "ok $lint_number - $1 # SKIP $2"
}

# check_none NAME COMMAND...: what the command prints are complaints
check_none() {
	check_name=$1
	shift
	complaints=$("$@" 2>&1)
	if [ -z "$complaints" ]; then
		result ok "$check_name"
	else
		printf '%s\n' "$complaints" | sed 's/^/# /'
		result "not ok" "$check_name"
	fi
}

# check_status NAME STATUS LOG: the log is shown if the status is not 0
check_status() {
	if [ "$2" = 0 ]; then
		result ok "$1"
	else
		tail -n 40 "$3" | sed 's/^/# /'
		result "not ok" "$1"
	fi
}

finish() {
	exit "$lint_failed"
}

# C files of the tree, whether or not git knows them yet
c_files() { # DIR...
	find "$@" -name '*.[ch]' -type f 2>/dev/null | sort
}

# Text of C files without comments, as FILE:LINE:TEXT. Strings stay whole.
without_comments() {
	awk '
	FNR == 1 { in_comment = 0 }
	{
		line = $0; text = ""; in_string = ""
		while (line != "") {
			two = substr(line, 1, 2)
			c = substr(line, 1, 1)
			n = 1
			if (in_comment) {
				if (two == "*/") { in_comment = 0; n = 2 }
			} else if (in_string != "") {
				if (c == "\\") { n = 2 }
				else if (c == in_string) { in_string = "" }
				text = text substr(line, 1, n)
			} else if (two == "/*") {
				in_comment = 1; n = 2
			} else if (two == "//") {
				break
			} else {
				if (c == "\"" || c == "\047") in_string = c
				text = text c
			}
			line = substr(line, n + 1)
		}
		print FILENAME ":" FNR ":" text
	}' "$@"
}
