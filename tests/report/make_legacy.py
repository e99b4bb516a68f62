#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make_legacy.py - profiles older than profile.proto, one for each corner.

    make_legacy.py DIRECTORY

Deterministic; needs nothing but Python. Each entry of TEXTS becomes
DIRECTORY/old_NAME.legacy, and cpu() makes the words of CPU profiles.
"""
import os
import random
import struct
import sys

MAPS = """00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/demo
00651000-00652000 r--p 00051000 08:02 173521 /usr/bin/demo
7f5a80000000-7f5a801b0000 r-xp 00000000 08:02 135522 /usr/lib/libc-2.15.so
7f5a801b0000-7f5a801c0000 r-xp 001b0000 08:02 135522 /usr/lib/libc-2.15.so
7fff3f2a3000-7fff3f2a4000 r-xp 00000000 00:00 0 [vdso]
"""
MAIN, WORK, LEAF, LIBC = 0x401136, 0x401200, 0x402345, 0x7f5a80012345
STACK = "0x%x 0x%x 0x%x" % (LEAF, WORK, MAIN)
HEAP_LINES = """     3:    12288 [     10:    40960] @ %s
     1:  1048576 [      1:  1048576] @ 0x%x 0x%x
     0:        0 [      7:      777] @ 0x%x 0x%x 0x%x
""" % (STACK, WORK, MAIN, LIBC, LEAF, MAIN)
IN_USE_LINES = """     3:    12288 [      3:    12288] @ %s

# a comment
    12:     1200 [     12:     1200] @ 0x%x 0x%x
""" % (STACK, LIBC, MAIN)


def heap(kind, lines=HEAP_LINES, sums="4: 1060864 [ 18: 1090313]", maps=MAPS):
    return "heap profile: %s @ %s\n%s\nMAPPED_LIBRARIES:\n%s" % (
        sums, kind, lines, maps)


SAME = "15: 13488 [ 15: 13488]"

TEXTS = {
    "heap_v2": heap("heap_v2/524288"),
    "heap_v2_1": heap("heap_v2/1"),
    "heap_v2_no_rate": heap("heap_v2"),
    "heapz_v2": heap("heapz_v2/4096", IN_USE_LINES, SAME),
    "heap_go": heap("heap/1048576"),
    "heap_exact": heap("heapprofile"),
    "heap_in_use": heap("heapprofile", IN_USE_LINES, SAME),
    "heap_zero": heap("heapprofile", IN_USE_LINES, "15: 13488 [ 0: 0]"),
    "heap_negative": heap(
        "heapprofile", "-3: -300 [3: 300] @ %s\n" % STACK, SAME),
    "heap_empty": heap("heapprofile", "", "0: 0 [0: 0]"),
    "heap_no_maps": "heap profile: 1: 2 [ 1: 2] @ heapprofile\n"
                    "1: 2 [1: 2] @ %s" % STACK,
    "heap_no_stack": heap("heapprofile", "1: 2 [1: 2] @\n", SAME),
    "heap_crlf": heap("heap_v2/524288").replace("\n", "\r\n"),
    "heap_in_a_log": heap("heap_v2/524288", maps="".join(
        "I0101 x.cc:12] %s\n" % line for line in MAPS.splitlines())),
    "heap_bytes_but_no_objects": heap(
        "heapprofile", "0: 2 [1: 2] @ %s\n" % STACK, SAME),
    "heap_not_a_sample": heap("heapprofile", "hello\n", SAME),
    "heap_of_what": heap("heapster"),
    "heap_large_number": heap(
        "heapprofile", "1: 99999999999999999999 [1: 2] @ 0x1\n", SAME),
    "heap_large_address": heap(
        "heapprofile", "1: 2 [1: 2] @ 0x10000000000000000\n", SAME),
    "growth": heap("growthz", IN_USE_LINES, SAME),
    "fragmentation": heap("fragmentationz", IN_USE_LINES, SAME),
    "goroutine": "goroutine profile: total 8\n3 @ %s\n#\t0x401135\tf+0x1\n\n"
                 "5 @ 0x%x\n" % (STACK, MAIN),
    "count_any_name": "# comment\n\nmy/own.kind profile: total 3\n"
                      "3 @ %s\n--- Memory map: ---\n%s" % (STACK, MAPS),
    "count_octal": "x profile: total 8\n010 @ %s\n" % STACK,
    "count_bad": "x profile: total 8\n10 @ 0x1,0x2\n",
    "count_no_stack": "x profile: total 8\n10 @\n",
    "count_none": "x profile: total 0\n",
    "threadz": """--- threadz 1 ---
threads: 4

--- Thread 7ff (name: main/1) stack: ---
  PC: 0x%x 0x%x
--- Thread 800 (name: worker/2) stack: ---
  PC: 0x%x 0x%x 0x%x
--- Thread 801 (name: worker/3) stack: ---
  [same as previous thread]
--- Thread 802 (name: (odd) na/me/4) stack: ---
   0x%x f()
   0x%x g()
   0x%x main

--- Memory map: ---
""" % (MAIN, MAIN, LEAF, WORK, MAIN, LIBC, LIBC + 1, MAIN) + MAPS,
    "threads_without_title": """--- Thread 7ff (name: main/1) stack: ---
  PC: 0x%x 0x%x
---- no stack trace for thread 12
--- Memory map: ---
  00400000-00452000: /usr/bin/demo
""" % (LEAF, MAIN),
    "threads_without_maps": """--- Thread 7ff (name: main/1) stack: ---
  PC: 0x%x 0x%x
""" % (LEAF, MAIN),
    "contention": """--- contentionz 1 ---
cycles/second = 3201000000
sampling period = 100
ms since reset = 16502830
discarded samples = 0
  19490304       27 @ %s
      5000        2 @ 0x%x 0x%x

--- Memory map: ---
  00400000-00452000: /usr/bin/demo
""" % (STACK, WORK, MAIN),
    "contention_go": "--- mutex:\ncycles/second=2400000000\n"
                     "sampling period=1\n1000 4 @ %s\n#\t0x1 f\n" % STACK,
    "contention_no_hertz": "--- contention:\n1000 4 @ %s\n" % STACK,
    "contention_joined": "--- contention:\n1000 @ %s\n" % STACK,
    "contention_unknown": "--- contentionz 1 ---\nfoo = 1\n1 1 @ 0x1\n",
    "contention_bad": "--- contentionz 1 ---\n1 1 0x1\n",
    "java_heap": """--- heapz 1 ---
format = java
resolution = bytes
   7048     1 @ 0x00000003 0x00000004 0x00000005
   9000     3 @ 0x00000003 0x00000006
 1048576    2 @ 0x00000007 0x00000008
   4752    16 @ 0x00000003

 0x00000003 com.example.function003 (Source003.java:103)
 0x00000004 com.example.function004(int) (Source004.java:-1)
 0x00000005 com.example.<init>  (Odd (name).java:12)
 0x00000006 native (/usr/lib/jvm/libjvm.so)
 0x00000007 generated stub/JIT
 0x00000009 never.sampled (Source009.java:9)
""",
    "java_contention": """--- contentionz 1 ---
format = java
resolution = microseconds
sampling period = 100
ms since reset = 6019923
            1     1 @ 0x00000003 0x00000004
           14     5 @ 0x00000003 0x00000006

 0x00000003 com.example.function003 (Source003.java:103)
 0x00000004 GC
 0x00000006 com.example.function003 (Other.java:7)""",
    "java_zero_objects": "--- heapz 1 ---\nformat = java\n"
                         "resolution = bytes\n 5 0 @ 0x1\n",
    "java_no_resolution": "--- heapz 1 ---\nformat = java\n 5 1 @ 0x1\n",
    "maps_brief": heap("heapprofile", IN_USE_LINES, SAME, """
build = /usr/local
  0x400000-0x452000: $build/bin/demo (@1000) abc123456
  7f5a80000000-7f5a801b0000 r-xp /usr/lib/libc.so.6
  7f5a90000000-7f5a901b0000 rw-p /usr/lib/data
 not a mapping at all
"""),
    "maps_split": heap("heapprofile", IN_USE_LINES, SAME, """
00402000-00452000 r-xp 00002000 08:02 173521 /usr/bin/demo
00452000-00453000 r-xp 00052000 08:02 173521 /usr/bin/demo
7f5a80020000-7f5a801b0000 r-xp 00020000 08:02 135522 /usr/lib/libc-2.15.so
"""),
    "maps_huge_page": heap("heapprofile", IN_USE_LINES, SAME, """
00400000-00401000 r-xp 00000000 00:00 14 /anon_hugepage (deleted)
00401000-00452000 r-xp 00001000 08:02 173521 /usr/bin/demo
"""),
    "maps_library_first": heap("heapprofile", IN_USE_LINES, SAME, """
7f5a80000000-7f5a801b0000 r-xp 00000000 08:02 135522 /usr/lib/libc.so.6
7fff3f2a3000-7fff3f2a4000 r-xp 00000000 00:00 0 [vdso]
00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/demo
"""),
    "maps_joined_numbers": heap("heapprofile", IN_USE_LINES, SAME,
                                "400000452000 r-xp /usr/bin/demo\nbeef\n"),
    "no_profile": "heap profile\n",
}


def cpu(order, width, stacks, end=True, maps=MAPS, java=0, period=10000):
    words = [0, 3, java, period, 0]
    for count, stack in stacks:
        words += [count, len(stack)] + stack
    words += [0, 1, 0] if end else []
    return struct.pack("%s%d%s" % (order, len(words), width),
                       *words) + maps.encode()


def cpus():
    wide = [(5, [LEAF, WORK, MAIN]), (2, [LIBC, LIBC + 9, WORK, MAIN]),
            (7, [WORK, WORK, MAIN]), (1, [MAIN])]
    narrow = [(n, [a & 0xffffffff for a in s]) for n, s in wide]
    rnd = random.Random(7)
    # A handler's two frames stand behind the leaf of nearly all samples.
    handler = [(rnd.randrange(1, 5),
                [LEAF + rnd.randrange(9), 0x7f5a80001000, 0x7f5a80002000,
                 WORK + rnd.randrange(9), MAIN]) for _ in range(100)]
    handler[50] = (3, [LEAF, WORK, MAIN])
    yield "cpu_64", cpu("<", "Q", wide)
    yield "cpu_64_big", cpu(">", "Q", wide)
    yield "cpu_32", cpu("<", "I", narrow)
    yield "cpu_32_big", cpu(">", "I", narrow)
    yield "cpu_handler", cpu("<", "Q", handler)
    yield "cpu_one", cpu("<", "Q", [(1, [LEAF, LIBC, WORK, MAIN])])
    yield "cpu_none", cpu("<", "Q", [])
    yield "cpu_no_maps", cpu("<", "Q", wide, maps="")
    yield "cpu_no_end", cpu("<", "Q", wide, end=False, maps="")
    yield "cpu_cut", cpu("<", "Q", wide, maps="")[:-28]
    yield "cpu_deep", cpu("<", "Q", [(1, [LEAF] + [WORK] * 500 + [MAIN])])
    yield "cpu_too_deep", cpu("<", "Q", [], end=False, maps="") + \
        struct.pack("<4Q", 1, 1 << 40, 1, 2)
    yield "cpu_large_count", cpu("<", "Q", [(1 << 63, [LEAF, MAIN])])
    yield "cpu_java", cpu("<", "Q", [(3, [3, 4]), (2, [5, 4])], java=1,
                          maps=" 0x3 a.b.c (C.java:5)\n 0x4 VM\n")


def main():
    out = sys.argv[1]
    made = [(name, text.encode()) for name, text in TEXTS.items()]
    for name, data in made + list(cpus()):
        with open(os.path.join(out, "old_%s.legacy" % name), "wb") as f:
            f.write(data)


main()
