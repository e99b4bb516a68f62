#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make_profiles.py - profiles by hand, one for each corner of the format.

    make_profiles.py DIRECTORY

Deterministic; needs nothing but Python. Each function below whose name
starts with "p_" makes the profile DIRECTORY/NAME.pb.gz.
"""
import gzip
import os
import random
import sys


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def number(field, n, always=False):
    return varint(field << 3) + varint(n) if n or always else b""


def blob(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


class Profile:
    """Tables as in profile.proto; strings are numbered when written."""

    def __init__(self, types, period=("cpu", "nanoseconds", 10000000)):
        self.table = {"": 0}
        self.types = types
        self.period = period
        self.samples, self.mappings = [], []
        self.locations, self.functions = [], []
        self.known = {}
        self.comments = []
        self.time = 1700000000123456789
        self.duration = 10 * 10**9
        self.default = self.doc = self.drop = self.keep = ""
        self.packed = True
        self.reverse = False
        self.location_id = lambda i: i
        self.function_id = lambda i: i

    def s(self, text):
        return self.table.setdefault(text, len(self.table))

    def mapping(self, start, limit, offset, name, build="", flags=15):
        self.mappings.append((start, limit, offset, name, build, flags))
        return len(self.mappings)

    def function(self, name, file="", system=None, start=0):
        key = (name, file, system, start)
        if key not in self.known:
            self.functions.append(
                (name, name if system is None else system, file, start))
            self.known[key] = len(self.functions)
        return self.known[key]

    def location(self, address, mapping, lines, folded=0):
        key = (address, mapping, tuple(lines), folded)
        if key not in self.known:
            self.locations.append((address, mapping, lines, folded))
            self.known[key] = len(self.locations)
        return self.known[key]

    def at(self, name, line=0, file=None, address=0, mapping=0, start=0):
        """A location with one function; its name makes the address."""
        file = name.split("(")[0].lower() + ".c" if file is None else file
        function = self.function(name, file, start=start)
        return self.location(address or 0x1000 + 16 * function + line,
                             mapping, [(function, line, 0)])

    def sample(self, stack, values, **labels):
        """Stack root first, as people think; labels: str, int, (int, unit)
        or a list of them."""
        self.samples.append((stack[::-1], values, labels))

    def numbers(self, field, values):
        if self.packed and len(values) > 1:
            return blob(field, b"".join(varint(v) for v in values))
        return b"".join(number(field, v, True) for v in values)

    def label(self, key, value):
        out = number(1, self.s(key))
        if isinstance(value, str):
            out += number(2, self.s(value))
        elif isinstance(value, tuple):
            out += number(3, value[0]) + number(4, self.s(value[1]))
        else:
            out += number(3, value)
        return blob(3, out)

    def fields(self):
        for t, u in self.types:
            yield blob(1, number(1, self.s(t)) + number(2, self.s(u)))
        for stack, values, labels in self.samples:
            out = self.numbers(1, [self.location_id(i) for i in stack])
            out += self.numbers(2, values)
            for key, value in labels.items():
                for v in value if isinstance(value, list) else [value]:
                    out += self.label(key, v)
            yield blob(2, out)
        for i, m in enumerate(self.mappings):
            out = number(1, i + 1) + number(2, m[0]) + number(3, m[1])
            out += number(4, m[2]) + number(5, self.s(m[3]))
            out += number(6, self.s(m[4]))
            for bit in range(4):
                out += number(7 + bit, m[5] >> bit & 1)
            yield blob(3, out)
        for i, (address, mapping, lines, folded) in enumerate(
                self.locations):
            out = number(1, self.location_id(i + 1)) + number(2, mapping)
            out += number(3, address)
            for function, line, column in lines:
                out += blob(4, number(1, self.function_id(function)) +
                            number(2, line) + number(3, column))
            yield blob(4, out + number(5, folded))
        for i, (name, system, file, start) in enumerate(self.functions):
            yield blob(5, number(1, self.function_id(i + 1)) +
                       number(2, self.s(name)) + number(3, self.s(system)) +
                       number(4, self.s(file)) + number(5, start))
        yield number(7, self.s(self.drop)) + number(8, self.s(self.keep))
        yield number(9, self.time) + number(10, self.duration)
        if self.period:
            yield blob(11, number(1, self.s(self.period[0])) +
                       number(2, self.s(self.period[1])))
            yield number(12, self.period[2])
        yield self.numbers(13, [self.s(c) for c in self.comments])
        yield number(14, self.s(self.default)) + number(15, self.s(self.doc))

    def encode(self):
        fields = list(self.fields())
        strings = [blob(6, s.encode()) for s in self.table]
        fields += strings
        if self.reverse:  # keep the order of strings and of tables
            groups = {}
            for f in fields:
                groups.setdefault(f[:1], []).append(f)
            fields = [f for key in reversed(list(groups))
                      for f in groups[key]]
        return b"".join(fields)


CPU = [("samples", "count"), ("cpu", "nanoseconds")]
HEAP = [("alloc_objects", "count"), ("alloc_space", "bytes"),
        ("inuse_objects", "count"), ("inuse_space", "bytes")]


def cpu(n):
    return [n, n * 10000000]


def p_simple():
    p = Profile(CPU)
    m = p.mapping(0x400000, 0x500000, 0, "/usr/bin/demo", "abc123")
    main = p.at("main", 10, mapping=m)
    work = p.at("work", 20, mapping=m)
    leaf = p.at("leaf", 30, mapping=m)
    p.sample([main, work, leaf], cpu(60))
    p.sample([main, work], cpu(25))
    p.sample([main, leaf], cpu(10))
    p.sample([main], cpu(5))
    return p


def p_inlines():
    p = Profile(CPU)
    m = p.mapping(0x400000, 0x500000, 0x1000, "/opt/a b/prog", "")
    outer = p.function("outer", "/src/./x/../outer.c", start=5)
    mid = p.function("mid", "/src/mid.h", start=50)
    inner = p.function("inner", "/src/inner.h", "_Z5innerv", 70)
    a = p.location(0x401000, m, [(inner, 71, 3), (mid, 55, 8), (outer, 9, 1)])
    b = p.location(0x401010, m, [(mid, 56, 0), (outer, 12, 4)])
    c = p.location(0x401020, m, [(inner, 72, 9)])
    d = p.location(0x401030, m, [(outer, 14, 2)])
    main = p.at("main", 3, mapping=m)
    p.sample([main, a], cpu(7))
    p.sample([main, b, c], cpu(11))
    p.sample([main, d, c], cpu(13))
    p.sample([main, d], cpu(2))
    p.sample([main, d, a], cpu(1))
    return p


def p_recursion():
    p = Profile(CPU)
    f, g, main = p.at("f", 1), p.at("g", 2), p.at("main", 3)
    f2 = p.at("f", 7)
    for depth in range(1, 9):
        p.sample([main] + [f] * depth, cpu(depth))
        p.sample([main] + [f, g, f2] * depth, cpu(3))
    p.sample([main, g, g, g], cpu(4))
    return p


def p_addresses():
    p = Profile(CPU)
    a = p.mapping(0x400000, 0x410000, 0, "/usr/bin/stripped", "", 0)
    b = p.mapping(0x7f0000000000, 0x7f0000010000, 0, "/lib/libx.so.6",
                  "beef", 0)
    c = p.mapping(0x7fff00000000, 0x7fff00001000, 0, "[vdso]", "", 0)
    d = p.mapping(0x1000, 0x2000, 0, "", "", 0)
    at = [p.location(0x400010 + 32 * i, a, []) for i in range(6)]
    lib = [p.location(0x7f0000000100 + i, b, []) for i in range(4)]
    vdso = p.location(0x7fff00000800, c, [])
    anon = p.location(0x1800, d, [])
    nowhere = p.location(0xdead, 0, [])
    zero = p.location(0, 0, [])
    p.sample([at[0], at[1], lib[0]], cpu(10))
    p.sample([at[0], at[2], lib[1], lib[2]], cpu(20))
    p.sample([at[0], vdso], cpu(5))
    p.sample([at[0], anon], cpu(3))
    p.sample([at[0], nowhere, lib[3]], cpu(2))
    p.sample([zero, at[5]], cpu(1))
    return p


def p_labels():
    p = Profile(CPU)
    main, a, b = p.at("main", 1), p.at("a", 2), p.at("b", 3)
    p.sample([main, a], cpu(10), thread="main", request=4096,
             size=(512, "kilobytes"))
    p.sample([main, b], cpu(20), thread="worker", request=65536,
             size=(3, "megabytes"))
    p.sample([main, b], cpu(5), thread=["worker", "second"], other="x y")
    p.sample([main, a, b], cpu(7), size=[(1, "bytes"), (2, ""), 3],
             latency=(1500, "microseconds"))
    p.sample([main], cpu(1))
    p.sample([main, a], cpu(2), key="thread:main", latency=(2, "s"),
             count=[7, 8])
    p.sample([main, a], cpu(4), bytes=64)
    p.sample([main, b], cpu(3), bytes=1024, both=["t", 5])
    return p


def p_heap():
    p = Profile(HEAP, ("space", "bytes", 524288))
    p.duration = 0
    fs = [p.at(n, i) for i, n in enumerate(
        ["main.main", "main.alloc", "runtime.mallocgc", "bufio.NewReaderSize",
         "strings.(*Builder).grow"])]
    for i, size in enumerate([8, 64, 1024, 40960, 1 << 20, 5 << 30]):
        n = 7 - i
        p.sample(fs[:2 + i % 3] + [fs[2]],
                 [n * 3, n * 3 * size, n, n * size], bytes=size)
    p.sample([fs[0], fs[3]], [1000, 4096000, 0, 0], bytes=4096)
    return p


def p_default_type():
    p = p_heap()
    p.default = "alloc_space"
    p.doc = "https://example.org/doc"
    p.comments = ["made by hand", "#hidden", "made by hand"]
    return p


def p_big():
    """Enough functions that trimming drops some, with ties."""
    rnd = random.Random(7)
    p = Profile(CPU)
    m = p.mapping(0x400000, 0x900000, 0, "/srv/big", "0123456789abcdef")
    n = [p.at("ns%d::fn_%03d(int)" % (i % 5, i), i % 90,
              "/build/src/dir%d/file%d.cc" % (i % 3, i % 17), mapping=m)
         for i in range(300)]
    for _ in range(1500):
        depth = rnd.randrange(1, 25)
        stack, at = [n[0]], 0
        for _ in range(depth):
            at = min(299, at + rnd.randrange(1, 25))
            stack.append(n[at])
        p.sample(stack, cpu(rnd.choice([1, 1, 1, 2, 3, 5, 40])))
    return p


def p_many_small():
    """All of one weight: the order is by name alone."""
    p = Profile(CPU)
    main = p.at("main", 1)
    for i in range(400):
        p.sample([main, p.at("f%d" % (i * 37 % 400), i)], cpu(1))
    return p


def p_negative():
    p = Profile(CPU)
    main, a, b, c = (p.at(x, 1) for x in ("main", "a", "b", "c"))
    p.sample([main, a], cpu(-30))
    p.sample([main, b], cpu(50))
    p.sample([main, a, c], cpu(30))
    p.sample([main, b, c], cpu(-30))
    p.sample([main, c], cpu(-7))
    return p


def p_before():
    p = Profile(CPU)
    m = p.mapping(0x500000, 0x600000, 0, "/usr/bin/demo", "abc123")
    p.comments = ["before"]
    main, work, old = (p.at(x, 10 * (i + 1), mapping=m)
                       for i, x in enumerate(("main", "work", "old")))
    leaf = p.at("leaf", 30, mapping=m)
    p.time -= 10**12
    p.sample([main, work, leaf], cpu(40))
    p.sample([main, old], cpu(30))
    p.sample([main], cpu(5))
    return p


def p_milliseconds():
    p = Profile([("samples", "count"), ("cpu", "milliseconds")],
                ("cpu", "milliseconds", 10))
    main, work = p.at("main", 10), p.at("work", 20)
    p.sample([main, work], [3, 30])
    p.sample([main], [2, 20])
    return p


def p_reordered():
    p = Profile([("wall", "microseconds"), ("cpu", "nanoseconds"),
                 ("samples", "count")])
    main, a, b = p.at("main", 1), p.at("a", 2), p.at("b", 3)
    p.sample([main, a, b], [4000, 30000000, 3])
    p.sample([main, a], [4, 3, 1])
    p.sample([main], [0, 0, 9])
    return p


def p_zero_values():
    p = p_simple()
    p.sample([p.at("never", 1)], cpu(0))
    p.sample([p.at("main", 10), p.at("counted", 5)], [5, 0])
    return p


def p_empty():
    return Profile(CPU)


def p_one():
    p = Profile([("events", "count")], None)
    p.time = p.duration = 0
    p.sample([p.at("only", 1)], [1])
    return p


def p_no_stack():
    p = p_simple()
    p.sample([], cpu(9))
    return p


def p_all_zero():
    p = Profile(CPU)
    p.sample([p.at("main", 1), p.at("idle", 2)], cpu(0))
    return p


def p_unpacked():
    p = p_inlines()
    p.packed = False
    return p


def p_reverse():
    p = p_labels()
    p.reverse = True
    return p


def p_sparse_ids():
    p = p_inlines()
    p.location_id = lambda i: i * 1000003 + (1 << 40)
    p.function_id = lambda i: (1 << 63) - i * 17
    return p


def p_drop_frames():
    p = Profile(HEAP[2:], ("space", "bytes", 524288))
    p.drop = r"malloc|operator new(\[\])?|tc::.*|helper"
    p.keep = r"tc::keep"
    main, user = p.at("main", 1), p.at("user", 2)
    malloc = p.at("malloc(unsigned long)", 3, "m.c")
    new = p.at("operator new", 4, "n.c")
    deep = p.at("tc::alloc<(anonymous namespace)::T>(int)", 5, "t.c")
    keep = p.at("tc::keep", 6, "k.c")
    helper, body = p.function("helper", "h.h"), p.function("body", "b.c")
    mixed = p.location(0x9000, 0, [(helper, 3, 0), (body, 4, 0)])
    p.sample([main, user, malloc, deep], [1, 100])
    p.sample([main, user, new, malloc], [2, 200])
    p.sample([main, user, keep, malloc], [3, 300])
    p.sample([malloc, deep], [4, 400])
    p.sample([main, mixed, deep], [5, 500])
    p.sample([main, p.at(".malloc", 8), deep], [6, 600])
    p.sample([main, p.at("operator()(malloc)", 9, "o.c")], [7, 700])
    return p


def p_units():
    units = ["seconds", "hours", "kilobyte", "GB", "nanogcu", "GCU",
             "widgets", "", "count", "Microseconds", "ms"]
    p = Profile([("t%d" % i, u) for i, u in enumerate(units)], None)
    main, a = p.at("main", 1), p.at("a", 2)
    p.sample([main, a], [3 * 10**i for i in range(len(units))])
    p.sample([main], [7] * len(units))
    return p


def p_huge():
    p = Profile(CPU)
    big = (1 << 62) + 12345
    main, a, b = p.at("main", 1), p.at("a", 2), p.at("b", 3)
    p.sample([main, a], [big, big])
    p.sample([main, b], [1, 1])
    p.sample([main, a, b], [big // 3, -big])
    return p


def p_names():
    p = Profile(CPU)
    names = ["std::vector<int, std::allocator<int> >::push_back(int const&)",
             "(anonymous namespace)::Foo::operator()(int) const",
             "github.com/org/repo/v2/pkg.(*Type).Method",
             "org.example.Main$Inner.run(java.lang.String)",
             "\u00fcn\u00efc\u00f6de::\u51fd\u6570", "name with  blanks",
             "<closure at src/main.rs:12>", "0x1234", "-dash", "a\\b\"c"]
    main = p.at("main", 1)
    for i, name in enumerate(names):
        file = ["/proc/self/cwd/a.cc", "./b.cc", "../up/c.cc", "/d//e/f.go",
                "/srv/me/project/sub/g.java", ""][i % 6]
        p.sample([main, p.at(name, i, file)], cpu(i + 1))
    return p


def p_same_name():
    """One function name in several files and mappings."""
    p = Profile(CPU)
    a = p.mapping(0x10000, 0x20000, 0, "/bin/a", "")
    b = p.mapping(0x30000, 0x40000, 0, "/bin/b", "")
    main = p.at("main", 1, mapping=a)
    for i, (m, file) in enumerate([(a, "x.c"), (b, "x.c"), (b, "y.c")]):
        p.sample([main, p.at("init", i, file, 0x10000 + i, m, i)],
                 cpu(10 - i))
    return p


def p_no_names():
    """Functions without a name, and lines without a number."""
    p = Profile(CPU)
    m = p.mapping(0x10000, 0x20000, 0, "/bin/a", "")
    f = p.function("", "lonely.c")
    g = p.function("", "")
    h = p.function("h", "")
    p.sample([p.location(0x10001, m, [(f, 3, 0)]),
              p.location(0x10002, m, [(g, 0, 0)]),
              p.location(0x10003, m, [(h, 12, 5)], 1)], cpu(3))
    p.sample([p.location(0x10004, 0, [(g, 0, 0)])], cpu(2))
    return p


def p_columns():
    """Locations that only the column of an inlined call tells apart."""
    p = Profile(CPU)
    m = p.mapping(0x10000, 0x20000, 0, "/bin/a", "")
    inner = p.function("inner", "a.c")
    outer = p.function("outer", "a.c")
    for column, value in [(5, 3), (8, 4)]:
        p.sample([p.location(0x10001, m,
                             [(inner, 3, column), (outer, 7, 9)])],
                 cpu(value))
    return p


def p_twice_a_type():
    p = Profile([("samples", "count"), ("cpu", "nanoseconds"),
                 ("samples", "count")])
    p.sample([p.at("main", 1)], [1, 2, 3])
    return p


def p_thread_labels():
    p = Profile(CPU)
    rnd = random.Random(3)
    main = p.at("main", 1)
    fs = [p.at("task%d" % i, i) for i in range(12)]
    for tid in range(1, 9):
        for f in fs:
            p.sample([main, f, rnd.choice(fs)], cpu(rnd.randrange(1, 9)),
                     thread_id=(tid, "id"), thread_name="t%d" % (tid % 3))
    return p


def main():
    out = sys.argv[1]
    for name, make in sorted(globals().items()):
        if not name.startswith("p_"):
            continue
        path = os.path.join(out, name[2:] + ".pb")
        data = make().encode()
        with open(path + ".gz", "wb") as f:
            f.write(gzip.compress(data, mtime=0))
        if name == "p_simple":
            with open(path, "wb") as f:
                f.write(data)


main()
