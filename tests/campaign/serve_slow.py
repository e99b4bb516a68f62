#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""serve_slow.py - clients that take their time after the request.

    serve_slow.py PSAMPLE TRUTH

One asks nothing more on its connection, one does not read its answer: the
first is dropped after 15 s, the other one after 30.
"""
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

psample, truth = sys.argv[1:3]
target = subprocess.Popen([truth, "sleep", "600"], stdout=subprocess.PIPE)
target.stdout.readline()
folder = tempfile.mkdtemp()
local = folder + "/socket"  # whose buffer is small
server = subprocess.Popen([psample, "serve", "-l", "127.0.0.1:0", "-l",
                           "unix:" + local, "-p", str(target.pid)],
                          stderr=subprocess.PIPE, text=True)
port = int(re.search(r":(\d+)/", server.stderr.readline()).group(1))
results = {}


def idle():
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    s.settimeout(60)
    start = time.time()
    try:
        while s.recv(4096):
            pass
        results["idle"] = time.time() - start
    except OSError:
        pass


def n_connections():
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
                  b"Connection: close\r\n\r\n")
        text = b""
        while got := s.recv(65536):
            text += got
    return int(re.search(rb"^psample_http_connections (\d+)", text,
                         re.M).group(1)) - 1


def unread():
    with urllib.request.urlopen("http://127.0.0.1:%d/debug/pprof/goroutine"
                                "?debug=1" % port) as answer:
        address = re.search(rb"@ .*(0x[0-9a-f]+) 0x", answer.read())
    address = address.group(1).decode()
    body = "+".join(70000 * [address]).encode()[:1000000]
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(local)
    s.sendall(b"POST /debug/pprof/symbol HTTP/1.1\r\nHost: localhost\r\n"
              b"Content-Length: %d\r\n\r\n" % len(body) + body)
    s.recv(100)  # it has begun
    start = time.time()
    while n_connections() and time.time() < start + 60:
        time.sleep(0.2)
    results["unread"] = time.time() - start


def run(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


try:
    run(idle).join()
    run(unread).join()
finally:
    server.terminate()
    target.kill()
    server.wait()
    os.rmdir(folder)
print("1..2")
failed = 0
for n, (name, low, high) in enumerate((("idle", 13, 20),
                                       ("unread", 25, 40)), 1):
    got = results.get(name, 0)
    good = low <= got <= high
    failed |= not good
    print("%sok %d - the %s client is dropped after %.1f s"
          % ("" if good else "not ", n, name, got))
sys.exit(failed)
