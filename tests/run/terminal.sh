#!/bin/sh
# SPDX-License-Identifier: MIT
# terminal.sh - reports on a terminal: colours, pages, nothing binary.
#
# Breaks if a name in a profile could send commands to a terminal, or if
# colours get where nobody asked for them.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 21
requires_program python3
requires_ptrace
cd "$scratch" || exit 1
unset PAGER LESS NO_COLOR
export TERM=xterm
esc=$(printf '\033')
i=0
while [ $i -lt 99 ]; do
	i=$((i + 1))
	echo "main;work$i $i"
done >long.folded
printf 'main;bad\033]0,name 60\nmain;good 38\nmain 2\n' >x.folded

# COMMAND... on a terminal of 24 lines; what it writes there
on_terminal() {
	python3 - "$@" <<-'END'
	import fcntl, os, pty, struct, sys, termios
	pid, fd = pty.fork()
	if pid == 0:
	    fcntl.ioctl(1, termios.TIOCSWINSZ,
	                struct.pack('HHHH', 24, 80, 0, 0))
	    os.execvp(sys.argv[1], sys.argv[1:])
	while True:
	    try:
	        data = os.read(fd, 65536)
	    except OSError:
	        break
	    if not data:
	        break
	    sys.stdout.buffer.write(data)
	END
}

"$PSAMPLE" top x.folded >out
check "what is no terminal gets no colours" sh -c "! grep -q '$esc\[' out"
"$PSAMPLE" top --color=always x.folded >out
check "unless they are asked for" grep -q "$esc\[31m60.00%$esc\[0m" out
check "sum% is not of interest" sh -c "! grep -q '31m98.00%' out"
check "names send no commands then" sh -c "! grep -q '$esc]' out"
"$PSAMPLE" json --color=always x.folded >out
check "data stays data" sh -c "! grep -q '$esc' out"
on_terminal "$PSAMPLE" top x.folded >out
check "a terminal gets colours" grep -q "$esc\[31m60.00%" out
check "and no commands" sh -c "! grep -q '$esc]' out && grep -q 'bad.]0,' out"
NO_COLOR=1 on_terminal "$PSAMPLE" top x.folded >out
check "NO_COLOR is heeded" sh -c "! grep -q '$esc' out"
TERM=dumb on_terminal "$PSAMPLE" top x.folded >out
check "so is a dumb terminal" sh -c "! grep -q '$esc' out"
on_terminal "$PSAMPLE" top --color=never x.folded >out
check "and --color=never" sh -c "! grep -q '$esc' out"
"$PSAMPLE" top --color=often x.folded >out 2>err
check_equal "other words are refused" "$? $(grep -c always err)" '1 1'

PAGER='sed "s/^/page: /"' on_terminal "$PSAMPLE" top long.folded >out
check "what is longer than the terminal goes to the pager" \
	[ "$(grep -c '^page: ' out)" -gt 50 ]
PAGER='sed "s/^/page: /"' on_terminal "$PSAMPLE" top x.folded >out
check "what is not does not" sh -c '! grep -q "^page: " out'
PAGER='sed "s/^/page: /"' on_terminal "$PSAMPLE" top --no-pager long.folded \
	>out
check "--no-pager says so" sh -c '! grep -q "^page: " out'
PAGER='' on_terminal "$PSAMPLE" top long.folded >out
check "an empty PAGER is none" grep -q work99 out
PAGER=no-such-pager on_terminal "$PSAMPLE" top long.folded >out
check "neither is one that is not installed" grep -q work99 out
start_target "$programs/stopcont" 1
on_terminal "$PSAMPLE" top -p "$target_pid" --every 0.1 -d 1 >out 2>&1
check "top of a process takes the place of what it showed" sh -c \
	'[ "$(grep -c "$1\[H.*flat%" out)" -ge 2 ] &&
		grep -q burn_forever out' sh "$esc"
"$PSAMPLE" top "$target_pid" -d 0.3 >out 2>err
check "and on no terminal it is a table" sh -c \
	"grep -q 'flat%' out && ! grep -q '$esc' out err"
on_terminal "$PSAMPLE" svg x.folded >out
check "a picture does not go to a terminal" sh -c \
	'grep -q profile001.svg out && grep -q "</svg>" profile001.svg'

"$PSAMPLE" json x.folded >x.json
check_equal "json has the functions with their values" "$(python3 -c '
import json
j = json.load(open("x.json"))
n = {n["id"]: n for n in j["nodes"]}
print(j["type"], j["total"], sorted((v["name"][:3], v["flat"], v["cum"])
      for v in n.values()))')" \
	"samples 100 [('bad', 60, 60), ('goo', 38, 38), ('mai', 2, 100)]"
check_equal "and the calls between them" "$(python3 -c '
import json
j = json.load(open("x.json"))
n = {n["id"]: n["name"][:3] for n in j["nodes"]}
print(sorted((n[e["from"]], n[e["to"]], e["weight"]) for e in j["edges"]))')" \
	"[('mai', 'bad', 60), ('mai', 'goo', 38)]"
finish
