# SPDX-License-Identifier: MIT
# plan.py - the plan of plan.h in Python.
import os
import sys
import threading
import time


def f(n):
    x = n
    while n > 0:
        x = (x * 1664525 + 1013904223) & 0xffffffff
        n -= 1
    return x


def g(n):
    x = n
    while n > 0:
        x = (x * 22695477 + 12345) & 0xffffffff
        n -= 1
    return x


def run(seconds):
    end = time.monotonic() + seconds
    total = 0
    while time.monotonic() < end:
        total += f(600)
        total += g(400)
    return total


def waiter(fd):
    return os.read(fd, 1)


def main():
    reader, writer = os.pipe()
    thread = threading.Thread(target=waiter, args=(reader,))
    thread.start()
    run(float(sys.argv[1]) if len(sys.argv) > 1 else 1)
    os.close(writer)
    thread.join()


main()
