#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that takes a stream, and can be made to behave badly.

consumer.py NAME [--hold BYTES] [--keep SIGNAL]... [--quit BYTES] [--exit N]

Writes stdin to NAME. --hold: having so many bytes it makes NAME.held and takes
no more until NAME.go is there. --quit: having so many it ends. Each signal to
end is a line in NAME.signals, the end of stdin one in NAME.eof, which says how
many signals came before; after a signal it ends, unless it is to --keep on.
"""
import argparse
import os
import signal
import sys
import time

p = argparse.ArgumentParser()
p.add_argument("name")
p.add_argument("--hold", type=int)
p.add_argument("--quit", type=int)
p.add_argument("--exit", type=int, default=0)
p.add_argument("--keep", action="append", default=[])
a = p.parse_args()
seen = []


def note(number, _frame):
    name = signal.Signals(number).name[3:]
    seen.append(name)
    with open(a.name + ".signals", "a") as f:
        f.write(name + "\n")
    if name not in a.keep:
        os._exit(128 + number)


for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(s, note)
with open(a.name + ".pid", "w") as f:
    f.write(str(os.getpid()))
total = 0
with open(a.name, "wb", buffering=0) as out:
    while True:
        if a.quit is not None and total >= a.quit:
            sys.exit(a.exit)
        if a.hold is not None and total >= a.hold:
            a.hold = None
            open(a.name + ".held", "w").close()
            while not os.path.exists(a.name + ".go"):
                time.sleep(0.02)
        data = os.read(0, 65536)
        if not data:
            break
        out.write(data)
        total += len(data)
with open(a.name + ".eof", "w") as f:
    f.write(f"{len(seen)} signals before\n")
sys.exit(a.exit)
