#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes every system call of a release fail, and kills it there; then asks
whether anything was lost.

release_fault.py [SAMPLE [SEED [RUN...]]]: as root. Each call of bk-cold that
touches its files, catalog or boxes is one case for each of some errors, and
one for kill -9; and each that reads or writes is one that moves but half of
what it was asked to (short.c). SAMPLE: only so many of all cases, chosen by
SEED; RUN: these runs alone. SIGTERM ends it, with its counts.

A case: the disks as they were before, the run with the fault, the next start,
the question of cold_world.py, then a release and an undo without faults, and
the question again. The runs: a release into quarantine, one that deletes at
once, the delayed deletion, undo, and the replay of what a kill left of each of
them. Prints how many cases of which run there were; exits 1 where one failed,
after telling each. BK_BIN: where bk-cold is (build).
"""
import collections
import os
import random
import re
import signal
import sys
import time

from cold_world import Lost, World, alone, limit, part

ERRORS = {
    "default": ["EIO"],
    "openat": ["EMFILE"],
    "openat2": ["ENOENT"],
    "renameat2": ["EIO", "ENOSPC", "ENOENT", "EEXIST", "EINVAL"],
    "unlinkat": ["EIO", "ENOENT", "EPERM"],
    "mkdirat": ["EEXIST", "ENOSPC"],
    "fcntl": ["EAGAIN"],
    "newfstatat": ["EIO"],  # that a file is not there would be a lie
    "write": ["EIO", "ENOSPC", "EINTR"],
    "pwrite64": ["EIO", "ENOSPC"],
    "ftruncate": ["EIO", "ENOSPC"],
    "fsync": ["EIO", "ENOSPC"],
    "fdatasync": ["EIO", "ENOSPC"],
    "mmap": ["ENOMEM"],
    "munmap": [],
    "close": [],
    "execve": [],
    "fadvise64": [],
}
GOING = ["-q", "release", "--yes"]
WORDS = {"KILL": "killed", "SHORT": "short"}
# Only these faults of all, as KILL,EIO: $FAULTS.
only = [f for f in os.environ.get("FAULTS", "").split(",") if f]


def bases(w):
    """The disks as they are before each kind of run."""
    w.plant_all()
    w.good("-q", "push")
    w.days(8)
    w.keep("pushed")
    w.good(*GOING)
    w.judge("release")
    w.days(8)
    w.keep("held")
    for name, base, args, fault in [
            ("moving", "pushed", GOING, "fsync:signal=KILL:when="),
            ("deleting", "held", GOING, "unlinkat:signal=KILL:when="),
            ("returning", "held", ["-q", "undo"],
             "renameat2:signal=KILL:when=")]:
        stopped = stops(w, base, args, fault, name)
        # one that was done, in the midst of the others
        w.put_back(base)
        w.bk(*args, strace=["-o", "/dev/null", "-e",
                            f"inject={fault}{stopped[-1]}"])
        w.keep(name)


def stops(w, base, args, fault, state):
    """At which of the calls does a kill leave a step in this state?"""
    found = []
    for n in range(1, 1000):
        w.put_back(base)
        got = w.bk(*args, strace=["-o", "/dev/null", "-e",
                                  f"inject={fault}{n}"])
        if got.returncode == 0:
            break
        if any(e[0] == state for e in w.journal().values()):
            found.append(n)
    return found


def calls(w, base, args):
    """(name, which of that name) of all calls that touch what is ours."""
    w.put_back(base)
    log = w.path("calls")
    w.bk(*args, strace=["-y", "-s", "4096", "-o", log])
    seen, found = collections.Counter(), []
    with open(log, encoding="latin-1") as f:
        for line in f:
            m = re.match(r"(\w+)\(", line)
            if not m:
                continue
            seen[m[1]] += 1
            if w.top + "/" in line and m[1] != "execve":
                found.append((m[1], seen[m[1]]))
    return found


def shorts(w, base, args):
    """(name, which of that name) of those that may move less than all; 0:
    each of them at once."""
    w.put_back(base)
    w.bk(*args, short=("none", 0))
    with open(w.path("short"), encoding="ascii") as f:
        return [(line.split()[0], n) for line in f
                for n in range(int(line.split()[1]) + 1)]


def attempt(w, run, base, args, call, n, how):
    w.put_back(base)
    before = set(w.settled())
    fault = "signal=KILL" if how == "KILL" else "error=" + how
    if how == "SHORT":
        got = w.bk(*args, short=(call, n))
    else:
        got = w.bk(*args, strace=["-o", "/dev/null", "-e", f"trace={call}",
                                  "-e", f"inject={call}:{fault}:when={n}"])
    code = got.returncode
    if code < 0 or code > 125:
        if how != "KILL":
            raise Lost(f"ended with status {code}")
    elif code == 70:
        raise Lost("a bug: " + got.stderr.decode())
    elif code == 0 and set(w.settled()) - before:
        raise Lost("status 0, and a step is open")
    w.recover(n)
    w.judge("after the next start")
    again = w.bk(*GOING)
    if again.returncode not in (0, 3):
        raise Lost(f"the next release: {again.returncode}: "
                   + again.stderr.decode())
    w.judge("after the next release")
    again = w.bk("-q", "undo")
    if again.returncode != 0:
        raise Lost(f"undo: {again.returncode}: " + again.stderr.decode())
    w.judge("after undo")


def main():
    alone()
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    sample = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    w = World()
    bases(w)
    cases = []
    for run, base, args, quarantine in [
            ("release", "pushed", GOING, "7d"),
            ("at once", "pushed", GOING, "0"),
            ("delete", "held", GOING, "7d"),
            ("undo", "held", ["-q", "undo"], "7d"),
            ("replay of a move", "moving", ["-q", "undo", "/nowhere"], "7d"),
            ("replay of a deletion", "deleting", GOING, "7d"),
            ("replay of an undo", "returning", ["-q", "undo"], "7d")]:
        if sys.argv[3:] and run not in sys.argv[3:]:
            continue
        w.configure(quarantine)
        for call, n in calls(w, base, args):
            cases += [(run, base, args, quarantine, call, n, how)
                      for how in ["KILL"] + ERRORS.get(call,
                                                       ERRORS["default"])
                      if not only or how in only]
        if not only or "SHORT" in only:
            cases += [(run, base, args, quarantine, call, n, "SHORT")
                      for call, n in shorts(w, base, args)]
    total = collections.Counter(c[0] for c in cases)
    if sample:
        cases = random.Random(seed).sample(cases, min(sample, len(cases)))
    cases = part(cases)
    done, bad, began = collections.Counter(), 0, time.time()
    for run, base, args, quarantine, call, n, how in cases:
        if stop or time.time() - began > limit:
            break
        try:
            w.configure(quarantine)
            attempt(w, run, base, args, call, n, how)
        except (Lost, OSError) as e:
            bad += 1
            print(f"FAILED {run}: {call} {n} {how}: {e}", flush=True)
        done[run, WORDS.get(how, "failing")] += 1
        if sum(done.values()) % 500 == 0:
            print(f"{sum(done.values())} cases of {len(cases)}, "
                  f"{time.time() - began:.0f} s", flush=True)
    for run in total:
        print(f"{run}: {done[run, 'killed']} killed, "
              f"{done[run, 'failing']} failing, {done[run, 'short']} short, "
              f"of {total[run]} cases")
    print(f"{sum(done.values())} cases, {bad} failed, seed {seed}, "
          f"{time.time() - began:.0f} s")
    w.close()
    sys.exit(bad > 0)


main()
