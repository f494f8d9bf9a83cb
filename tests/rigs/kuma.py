#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the services that bk-notify tells, on loopback.

kuma.py --port-file FILE [--log FILE] [--control FILE] [--version 1.23|2.0|2.5]
        [--tls CERT KEY] [--token TOKEN]

Uptime Kuma at /api/push/TOKEN, healthchecks at /ping/TOKEN, ntfy at
/ntfy/TOPIC, any program at /hook; a TOKEN given makes ntfy and the hook want
it as a bearer. A line of JSON is logged for each request. The first line of
the control file, read for each request, is a fault:
  setup         an instance of Uptime Kuma that nobody has set up
  paused        the monitor is not active    broken    an exception in there
  status N      answer with status N         redirect URL
  slow SECONDS  answer late                  hang      never answer
  drop          close the connection         half      stop amid the answer
  echo          404, and a page that repeats the address
  endless       200, and a body without an end
  html          200, and a page              unknown   healthchecks of old
"""
import argparse
import http.server
import json
import os
import ssl
import sys
import threading
import time
import urllib.parse

PAGE = b"<!DOCTYPE html><html><body>Uptime Kuma</body></html>"
NOT_FOUND = "Monitor not found or not active."

args = argparse.ArgumentParser()
args.add_argument("--port-file", required=True)
args.add_argument("--log", default=os.devnull)
args.add_argument("--control", default=os.devnull)
args.add_argument("--version", default="2.5", choices=["1.23", "2.0", "2.5"])
args.add_argument("--tls", nargs=2)
args.add_argument("--token", default="")
A = args.parse_args()
lock = threading.Lock()


def fault():
    try:
        with open(A.control, encoding="ascii") as f:
            return f.readline().split() or [""]
    except FileNotFoundError:
        return [""]


def ping_of(text):
    """parseFloat, and null for what is none, or 0; or a complaint."""
    number = ""
    for c in text:
        if c not in "0123456789.e+-":
            break
        number += c
    try:
        value = float(number)
    except ValueError:
        return None, None
    if A.version == "2.5" and not 0 <= value <= 1e11:
        return None, "Invalid ping value. Must be between 0 and 100000000000"
    return value or None, None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, **more):
        line = {"method": self.command, "path": self.path,
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "body": self.body.decode("utf-8", "replace"),
                "time": time.time(), **more}
        with lock, open(A.log, "a", encoding="utf-8") as f:
            f.write(json.dumps(line) + "\n")

    def answer(self, status, body, kind="application/json", **headers):
        if isinstance(body, dict):
            body = json.dumps(body, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for k, v in headers.items():
            self.send_header(k, v)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def page(self, status=200, body=PAGE):
        self.answer(status, body, "text/html; charset=utf-8")

    def not_here(self):
        self.page(404, f"Cannot {self.command} {self.path}".encode())

    def play(self, name, *rest):
        """A fault; true where the request is done with."""
        if name in ("slow", "hang"):
            time.sleep(float(rest[0]) if rest else 3600)
            return name == "hang"
        if name == "drop":
            self.note(fault=name)
            self.close_connection = True
        elif name == "half":
            self.note(fault=name)
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
            self.close_connection = True
        elif name == "endless":
            self.note(fault=name)
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                self.wfile.write(b"x" * 65536)
        elif name == "redirect":
            self.note(fault=name)
            self.answer(302, b"", Location=rest[0] + self.path)
        elif name == "status":
            self.note(fault=name)
            self.page(int(rest[0]), b"as told")
        elif name == "echo":
            self.note(fault=name)
            self.not_here()
        elif name in ("setup", "html"):
            self.note(fault=name)
            self.page()
        else:
            return False
        return True

    def kuma(self, token, query):
        if not token:
            return self.page() if A.version == "2.5" else self.not_here()
        if self.command != "GET" and A.version != "2.5":
            return self.not_here()
        get = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        ping, complaint = ping_of(get.get("ping", ""))
        problem = complaint
        if token != (A.token or token) or fault()[0] == "paused":
            problem = NOT_FOUND
        elif fault()[0] == "broken":
            problem = "SQLITE_BUSY: database is locked"
        if problem:
            self.note(service="kuma", refused=problem)
            return self.answer(404, {"ok": False, "msg": problem})
        up = get.get("status", "up") == "up"
        self.note(service="kuma", up=up, msg=get.get("msg") or "OK", ping=ping)
        return self.answer(200, {"ok": True})

    def healthchecks(self, rest, query):
        token, _, action = rest.rpartition("/")
        if action not in ("start", "fail", "log") and not action.isdigit():
            token, action = rest, ""
        if token != (A.token or token):
            self.note(service="healthchecks", refused="not found")
            return self.answer(404, b"not found", "text/plain")
        if fault()[0] == "unknown":
            return self.answer(200, b"OK (not found)", "text/plain")
        rid = dict(urllib.parse.parse_qsl(query)).get("rid")
        self.note(service="healthchecks", token=token, action=action, rid=rid,
                  up=action != "fail", msg=self.body.decode())
        return self.answer(200, b"OK", "text/plain")

    def bearer_is_wrong(self):
        if not A.token or \
                self.headers.get("Authorization") == f"Bearer {A.token}":
            return False
        self.note(refused="bearer")
        self.answer(403, {"code": 40301, "http": 403, "error": "forbidden"})
        return True

    def ntfy(self, topic):
        if self.bearer_is_wrong():
            return
        self.note(service="ntfy", topic=topic, msg=self.body.decode())
        self.answer(200, {"id": "hwQ2YpKdmg", "time": int(time.time()),
                          "event": "message", "topic": topic,
                          "message": self.body.decode()})

    def hook(self):
        if self.bearer_is_wrong():
            return
        self.note(service="hook", json=json.loads(self.body))
        self.send_response(204)
        self.end_headers()

    def handle_any(self):
        n = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(n)
        if len(self.requestline) > 16384:
            return self.page(431, b"")
        if self.play(*fault()):
            return None
        url = urllib.parse.urlsplit(self.path)
        path = url.path
        for prefix, take in (("/api/push/", self.kuma),
                             ("/kuma/api/push/", self.kuma),
                             ("/ping/", self.healthchecks)):
            if path.startswith(prefix):
                rest = urllib.parse.unquote(path[len(prefix):])
                return take(rest, url.query)
        if path.startswith("/ntfy/") and self.command == "POST":
            return self.ntfy(path[len("/ntfy/"):])
        if path == "/hook" and self.command == "POST":
            return self.hook()
        self.note(refused="no such path")
        return self.not_here()

    do_GET = do_POST = do_PUT = do_HEAD = handle_any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Who hangs up is no news."""


server = Server(("127.0.0.1", 0), Handler)
if A.tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*A.tls)
    # A handshake that fails must not hold up the next one.
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
with open(A.port_file + ".new", "w", encoding="ascii") as f:
    f.write(f"{server.server_address[1]}\n")
os.rename(A.port_file + ".new", A.port_file)
try:
    server.serve_forever()
except KeyboardInterrupt:
    sys.exit(0)
