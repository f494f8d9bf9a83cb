#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SFTP server with faults: the real one, and what goes to and fro changed.

  sftpfault.py DIR SERVER [ARG...]

DIR/rules has a rule a line: "REQUEST N ACTION [ARG]". REQUEST is open, close,
read, write, lstat, setstat, opendir, readdir, remove, mkdir, rmdir, rename,
fsync, statvfs, limits, other, or any. N counts such requests, over all
connections (DIR/count keeps that): 5, 5+ (from there on) or * (each).

  fail CODE    not done, and answered by this status
  late CODE    done, and answered by this status
  lie          not done, and answered by OK
  flip         a bit of what is written, or was read, is another one
  cut          the connection ends before it is done
  cutafter     ... after it was done, without an answer
  hang         nothing is answered any more
  garbage      the answer is no packet
  short        the answer ends in its middle, and so does the connection
  badid        the answer is one to another request
  badtype      the answer is of a type that does not exist
  empty        the answer ends behind its id
  half         half of what was read (which a server may do)
  strip NAME   with "version 1": this extension is not offered
"""
import json
import os
import struct
import subprocess
import sys
import threading
import time

NAMES = {3: "open", 4: "close", 5: "read", 6: "write", 7: "lstat",
         9: "setstat", 11: "opendir", 12: "readdir", 13: "remove",
         14: "mkdir", 15: "rmdir", 18: "rename"}
EXTENDED = {b"fsync@openssh.com": "fsync", b"statvfs@openssh.com": "statvfs",
            b"limits@openssh.com": "limits"}
STATUS, DATA = 101, 103

top = sys.argv[1]
lock = threading.Lock()
answers = {}  # id: what is to happen to its reply
to_client = sys.stdout.buffer
server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE)


def rules():
    try:
        with open(top + "/rules") as f:
            return [line.split() for line in f if line.strip()]
    except FileNotFoundError:
        return []


RULES = rules()


def end():
    server.kill()
    os._exit(0)


def count(name):
    """How many of these and of all there were, this one among them."""
    path = top + "/count"
    try:
        with open(path) as f:
            n = json.load(f)
    except (FileNotFoundError, ValueError):
        n = {}
    for k in name, "any":
        n[k] = n.get(k, 0) + 1
    with open(path + ".new", "w") as f:
        json.dump(n, f)
    os.rename(path + ".new", path)
    return n


def action(name):
    if not RULES:
        return None
    n = count(name)
    for what, when, *how in RULES:
        if what not in (name, "any"):
            continue
        if (when == "*" or when == str(n[what]) or
                (when[-1] == "+" and n[what] >= int(when[:-1]))):
            return how
    return None


def send(body):
    with lock:
        to_client.write(struct.pack(">I", len(body)) + body)
        to_client.flush()


def status(rid, code):
    text = b"it was told to fail"
    send(struct.pack(">BII", STATUS, rid, code) +
         struct.pack(">I", len(text)) + text + struct.pack(">I", 0))


def request_name(body):
    if body[0] == 200:
        (n,) = struct.unpack(">I", body[5:9])
        return EXTENDED.get(body[9:9 + n], "other")
    return NAMES.get(body[0], "other")


def on_request(body):
    """What goes on to the server, or None."""
    if body[0] == 1:
        return body
    (rid,) = struct.unpack(">I", body[1:5])
    name = request_name(body)
    how = action(name)
    if not how:
        return body
    if how[0] == "fail":
        status(rid, int(how[1]))
        return None
    if how[0] == "lie":
        status(rid, 0)
        return None
    if how[0] == "cut":
        end()
    if how[0] == "hang":
        while True:
            time.sleep(1000)
    if how[0] == "flip" and name == "write":
        return body[:-1] + bytes([body[-1] ^ 1])
    answers[rid] = how
    return body


def on_reply(body):
    if body[0] == 2:
        for what, _, *how in RULES:
            if what == "version" and how[0] == "strip":
                n = how[1].encode()
                at = body.find(struct.pack(">I", len(n)) + n)
                if at >= 0:
                    (m,) = struct.unpack_from(">I", body, at + 4 + len(n))
                    body = body[:at] + body[at + 8 + len(n) + m:]
        return send(body)
    (rid,) = struct.unpack(">I", body[1:5])
    how = answers.pop(rid, None)
    if not how:
        return send(body)
    if how[0] == "late":
        return status(rid, int(how[1]))
    if how[0] == "cutafter":
        end()
    if how[0] == "garbage":
        with lock:
            to_client.write(b"Segmentation fault\n" * 20)
            to_client.flush()
        return None
    if how[0] == "short":
        with lock:
            to_client.write(struct.pack(">I", len(body)) + body[:len(body) // 2])
            to_client.flush()
        end()
    if how[0] == "badid":
        return send(body[:1] + struct.pack(">I", rid ^ 0x4000) + body[5:])
    if how[0] == "badtype":
        return send(b"\x99" + body[1:])
    if how[0] == "empty":
        return send(body[:5])
    if how[0] == "flip" and body[0] == DATA:
        return send(body[:-1] + bytes([body[-1] ^ 1]))
    if how[0] == "half" and body[0] == DATA:
        n = max(1, (len(body) - 9) // 2)
        return send(body[:5] + struct.pack(">I", n) + body[9:9 + n])
    return send(body)


def packets(f):
    while True:
        head = f.read(4)
        if len(head) < 4:
            return
        (n,) = struct.unpack(">I", head)
        body = f.read(n)
        if len(body) < n:
            return
        yield body


def replies():
    for body in packets(server.stdout):
        on_reply(body)
    os._exit(0)


threading.Thread(target=replies, daemon=True).start()
for request in packets(sys.stdin.buffer):
    request = on_request(request)
    if request is not None:
        server.stdin.write(struct.pack(">I", len(request)) + request)
        server.stdin.flush()
server.stdin.close()
server.wait()
time.sleep(0.1)
