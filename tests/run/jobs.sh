#!/bin/sh
# SPDX-License-Identifier: MIT
# jobs.sh - psample and its target as jobs of a shell on a real terminal: ^Z
# and fg, ^C, input of the target.
#
# Breaks if a stop of the target is not one of psample as well, if psample
# takes the terminal or its input, or if an attached target stays stopped or
# traced when psample is suspended.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 9
requires_ptrace
requires_program python3 bash
profile=$scratch/profile
sampled="$PSAMPLE -F 200 -f folded -o $profile"

# A shell on a terminal; each line of standard input is "TEXT<tab>WANTED":
# TEXT is typed (^Z and ^C are keys), then output must have WANTED, which is
# a regular expression, within 10 s; or "!COMMAND", which must succeed by then.
# Says "ok" or what came instead. ALONE is a command to have there instead.
cat >"$scratch/type.py" <<'END'
import os, pty, re, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ['PS1'] = 'prompt> '
    if 'ALONE' in os.environ:
        os.execvp('sh', ['sh', '-c', os.environ['ALONE']])
    os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])
for line in sys.stdin:
    text, wanted = line.rstrip('\n').split('\t')
    if text[0] == '!':
        end = time.time() + 10
        while os.system(text[1:]) != 0:
            time.sleep(0.05)
            if time.time() > end:
                print('never:', text)
                sys.exit(1)
        continue
    text = {'^Z': '\x1a', '^C': '\x03'}.get(text, text + '\n')
    os.write(fd, text.encode())
    got, end = b'', time.time() + 10
    while time.time() < end and not re.search(wanted, got.decode(
            errors='replace')):
        if select.select([fd], [], [], 0.1)[0]:
            got += os.read(fd, 65536)
    if time.time() >= end:
        print('typed %r, wanted %r, got %r' % (text, wanted, got))
        os.write(fd, b'\x03')
        sys.exit(1)
print('ok')
END

typed() { # NAME: lines from standard input, TAB is a |
	tr '|' '\t' >"$scratch/lines"
	check_equal "$1" \
		"$(python3 "$scratch/type.py" <"$scratch/lines" 2>&1)" ok
}

typed "^Z stops a launched program and psample; fg goes on with both" <<END
$sampled -- $programs/stopcont 1|tick [0-9]+[^?]*tick
^Z|Stopped
fg|stopcont[^?]*tick [0-9]+[^?]*tick
^C|prompt>
echo "status \$?"|status 130
END
check "its profile is there" within \
	"$(folded_share "$profile" ticking_hot any)" 80 100

typed "a launched program has the terminal for its input" <<END
$sampled -q -- sh -c 'echo re""ady; read x; echo "got:\$x"'|ready
hello|got:hello
echo "status \$?"|status 0
END

# Attached: the target is let go while psample is stopped.
start_target "$programs/stopcont" 2
status_file=/proc/$target_pid/status
rm -f "$profile"
typed "^Z lets go of an attached target, fg takes it back" <<END
$sampled -p $target_pid|psample
!grep -q 'TracerPid:.[1-9]' $status_file|
^Z|Stopped
!grep -q 'TracerPid:.0' $status_file|
!grep -q 'State:.[RS]' $status_file|
fg|psample
!grep -q 'TracerPid:.[1-9]' $status_file|
^C|prompt>
echo "status \$?"|status 0
END
check "its profile is there, too" [ -e "$profile" ]

# No shell would ever wake it: as with "xterm -e" and "docker run -it". That it
# has taken the ^Z is seen by its pending signals (SIGTSTP is the 20th).
rm -f "$profile"
cat >"$scratch/alone" <<END
echo \$\$ >$scratch/id
exec $sampled -p $target_pid
END
export ALONE="sh $scratch/alone; :"
typed "where there is no shell ^Z does not stop psample for ever" <<END
!grep -q 'TracerPid:.[1-9]' $status_file|
^Z|Z
!grep -q 'ShdPnd:.*[0-7]....$' /proc/\$(cat $scratch/id)/status|
^C|C
![ -s $profile ]|
END
unset ALONE
check "and it ends" wait_until 5 sh -c '! kill -0 "$(cat "$1")" 2>&-' sh \
	"$scratch/id"
check "and the target goes on, untraced" wait_until 5 is_untraced "$target_pid"
check "with its work" makes_progress "$target_pid"
finish
