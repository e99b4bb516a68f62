#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""serve_load.py - many clients of psample serve, good ones and bad ones.

    serve_load.py PORT SECONDS CLIENTS RANDOM_REQUESTS

CLIENTS ask all handlers for SECONDS; beside them there are slow ones, ones
that close half of a connection or all of it in the middle, ones with huge
heads and bad paths; then come RANDOM_REQUESTS of random bytes. Prints how many
answers of which status there were.
"""
import collections
import random
import socket
import sys
import threading
import time

port, seconds, n_clients, n_random = (int(a) for a in sys.argv[1:5])
counts = collections.Counter()
lock = threading.Lock()
end = time.time() + seconds

GOOD = ["/debug/pprof/", "/debug/pprof/cmdline",
        "/debug/pprof/profile?seconds=1",
        "/debug/pprof/profile?seconds=1&hz=250",
        "/debug/pprof/wall?seconds=1", "/debug/pprof/goroutine",
        "/debug/pprof/goroutine?debug=1", "/debug/pprof/goroutine?debug=2",
        "/debug/pprof/threadcreate?debug=1", "/debug/pprof/symbol?0x401000",
        "/debug/pprof/heap", "/debug/pprof/allocs?seconds=1",
        "/debug/pprof/mutex", "/debug/pprof/trace?seconds=1", "/metrics",
        "/healthz", "/pprof/profile?seconds=1", "/pprof/symbol"]
BAD = ["/debug/pprof/profile?seconds=x&hz=-1", "/%", "/debug/pprof/%00",
       "/pid/0/debug/pprof/", "/pid/99999999999/debug/pprof/profile",
       "/../../etc/passwd", "//debug/pprof/", "/debug/pprof/heap?seconds=-1",
       "/debug/pprof/profile?tid=1", "/debug/pprof/goroutine?seconds=1",
       "/debug/pprof/profile?seconds=99999"]


def count(what):
    with lock:
        counts[what] += 1


def connect():
    s = socket.create_connection(("127.0.0.1", port), 60)
    s.settimeout(90)
    return s


def status_of(s):
    data = b""
    while True:
        got = s.recv(65536)
        if not got:
            break
        data += got
    return data[9:12].decode("latin1") if data[:5] == b"HTTP/" else "none"


def request(path, extra=""):
    return ("GET %s HTTP/1.1\r\nHost: localhost\r\n%sConnection: close\r\n\r\n"
            % (path, extra)).encode("latin1")


def ask(path):
    with connect() as s:
        s.sendall(request(path))
        return status_of(s)


def client(n):
    rng = random.Random(n)
    while time.time() < end:
        bad = rng.random() < 0.1
        count(ask(rng.choice(BAD if bad else GOOD)))


def slow(n):
    while time.time() < end:
        with connect() as s:
            for byte in request("/debug/pprof/profile?seconds=1"):
                s.sendall(bytes([byte]))
                time.sleep(0.5)
        count("slow")


def leaver(n):
    rng = random.Random(n)
    while time.time() < end:
        with connect() as s:
            s.sendall(request("/debug/pprof/profile?seconds=30"))
            time.sleep(rng.random())
            if n % 2:
                s.shutdown(socket.SHUT_WR)
                status_of(s)
        count("left")


def huge(n):
    while time.time() < end:
        with connect() as s:
            try:
                s.sendall(request("/", "X: " + "a" * 100000 + "\r\n"))
            except OSError:
                pass
            count("huge " + status_of(s))
        time.sleep(0.2)


def guarded(work, n):
    while time.time() < end:
        try:
            work(n)
        except OSError as error:
            count("%s(%s)" % (type(error).__name__, work.__name__))


def run(threads):
    for thread in threads:
        thread.daemon = True
        thread.start()
    for thread in threads:
        thread.join()


run([threading.Thread(target=guarded, args=(work, n))
     for work, k in ((client, n_clients), (slow, 5), (leaver, 6), (huge, 2))
     for n in range(k)])

ALPHABET = (b"GETPOSTHEAD /debugpprofile?&=%+;:\r\n\r\nHost: localhost\x00\xff"
            b"0123456789Content-Length")


def random_request(rng):
    if rng.random() < 0.5:
        return bytes(rng.choice(ALPHABET) for _ in range(rng.randrange(200)))
    text = bytearray(request(rng.choice(GOOD + BAD).replace("seconds=1",
                                                            "seconds=0")))
    for _ in range(rng.randrange(1, 4)):
        text[rng.randrange(len(text))] = rng.randrange(256)
    return bytes(text)


def random_client(n):
    rng = random.Random(n)
    for _ in range(n_random // 20):
        try:
            with connect() as s:
                s.sendall(random_request(rng))
                s.settimeout(0.02)
                s.recv(100)
        except OSError:
            pass
        count("random")


run([threading.Thread(target=random_client, args=(n,)) for n in range(20)])
print(" ".join("%s:%d" % pair for pair in sorted(counts.items())))
