#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""prompt.py - type at psample's prompt as on a terminal, print what it says.

    prompt.py PSAMPLE PROFILE TEXT...

Each TEXT is typed when a line is being edited; "\\t" in it is the tab key. A
last TEXT of KILL ends psample with SIGKILL. Without it, the end is ^D.
"""
import os
import pty
import select
import signal
import sys
import termios
import time


def read_some(fd, seconds):
    if not select.select([fd], [], [], seconds)[0]:
        return b""
    try:
        return os.read(fd, 65536)
    except OSError:
        return None


def is_edited(fd):
    return not termios.tcgetattr(fd)[3] & termios.ICANON


def wait_for_prompt(fd, said):
    """Until the prompt stands on a new line, and keys are taken one by one;
    a completion shows it once more on the same one."""
    end = time.monotonic() + 10
    shown = b"" if said else b"\n"
    while time.monotonic() < end:
        if b"\n(psample) " in shown and is_edited(fd):
            return
        data = read_some(fd, 0.02)
        if data is None:
            return
        shown += data
        said += data


def main():
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "dumb"
        os.execv(sys.argv[1], [sys.argv[1], "report", "-q", sys.argv[2]])
    said = bytearray()
    texts = [t.replace("\\t", "\t").encode() for t in sys.argv[3:]]
    for text in texts:
        wait_for_prompt(fd, said)
        if text == b"KILL":
            os.kill(pid, signal.SIGKILL)
            break
        os.write(fd, text + b"\n")
    else:
        wait_for_prompt(fd, said)
        os.write(fd, b"\x04")
    while True:
        data = read_some(fd, 10)
        if not data:
            break
        said += data
    os.waitpid(pid, 0)
    sys.stdout.write(said.decode().replace("\r", ""))


main()
