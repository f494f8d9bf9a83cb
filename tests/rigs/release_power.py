#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts the power of a machine that releases, with a kernel of its own; then
asks whether anything was lost.

release_power.py [CUTS [SEED]]: as root. The machine is a guest of QEMU
(Debian: qemu-system-x86) whose three disks hold the host's files and its
boxes. It lives once: pushes, releases, undoes, releases again and deletes.

  cut     at some time of that life qemu is killed; what the guest had not
          written to its disks is gone. CUTS times.
  flush   the life is led once on dm-log-writes, which notes each write and
          each flush in their order, of all three disks together. At each
          flush the disks are made that had all writes before it, and no
          others; and twice those that had all before it and, of what came
          after until the next flush, some, in no order: a disk may do so.

After each the disks are mounted here, and as in release_crash.py: the next
start, the question of cold_world.py, a push, releases and an undo, and the
question again. SIGTERM ends it with its counts. Prints how many there were;
exits 1 where one failed. Needs qemu-system-x86_64; says so and exits 0 where
there is none, or no kernel. BK_BIN: where bk-cold is (build); FS: xfs, btrfs
or ext4, of the host's files and catalog; KERNEL: see guest.py; CUTS 0: no cuts,
all flushes; LIMIT: seconds, of each of the two.
"""
import collections
import itertools
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time

from cold_world import (DAY, FILE_SYSTEMS, Lost, World, alone, copy, disk_fs,
                        here, limit, part, sealing)
from guest import MODULES, QEMU, Guest, Kernel, Root
from release_crash import ask_all

LIFE = [(0, "push"), (8, "release --yes"), (8, "undo"), (8, "push"),
        (16, "release --yes"), (24, "release --yes")]
LOG_MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
SECTOR = 512


class Machine:
    def __init__(self, w):
        self.w = w
        self.kernel = Kernel(w.path("kernel"))
        self.where, at = {}, 0  # of each disk: its place on the guest's one
        for d in ["disk"] + w.boxes:
            size = os.path.getsize(w.path(d + ".img"))
            self.where[d] = (at, size)
            at += size
        self.size = at

    def script(self, logged):
        w = self.w
        yield from (f"load /modules/{n}" for n, _ in self.modules)
        under = "/dev/vda"
        if logged:
            yield (f"dm log {self.size // SECTOR} log-writes /dev/vda "
                   "/dev/vdb")
            under = "/dev/dm-0"
        for i, d in enumerate(self.where):
            at, size = self.where[d]
            yield (f"dm {d} {size // SECTOR} linear {under} "
                   f"{at // SECTOR}")
            yield (f"mount {w.fs(d)} /dev/dm-{i + logged} {w.path(d)} "
                   + FILE_SYSTEMS[w.fs(d)][2])
        for k, v in w.env().items():
            yield f"set {k} {v}"
        for i, (days, args) in enumerate(LIFE):
            if logged:
                yield f"mark life{i}"
            yield f"run /bin/later {days * DAY}000000000 -q {args}"
        if logged:
            yield "mark over"
        yield from (f"umount {w.path(d)}" for d in self.where)

    def make_root(self, logged):
        """An archive for this kind of life; its path."""
        w, r = self.w, Root()
        self.modules = self.kernel.modules(MODULES + [w.fs("disk")])
        for n, data in self.modules:
            r.add("/modules/" + n, data)
        for p in ["/dev", "/proc", "/sys", "/tmp", w.path("run")] + [
                w.path(d) for d in self.where]:
            r.folder(p)
        subprocess.run(["cc", "-O2", "-o", w.path("init"),
                        os.path.join(here, "guest_init.c")], check=True)
        r.program(w.path("init"), "/init")
        for n in ["bk-cold", "bk-scan", "bk-secret"]:
            r.program(os.path.join(w.bin, n))
        r.program(os.path.realpath("/bin/sh"), "/bin/sh")
        r.program(w.clock)
        r.add("/bin/later", f"""#!/bin/sh
export AHEAD_NS=$1 LD_PRELOAD={w.clock}
shift
exec {w.bin}/bk-cold "$@"
""".encode())
        for p, mode in [(w.path("bk.conf"), 0o100600),
                        ("/etc/passwd", 0o100644), ("/etc/group", 0o100644)
                        ] + [(w.path(n), 0o100600) for n in ["to", "key"]
                             if sealing]:
            with open(p, "rb") as f:
                r.add(p, f.read(), mode)
        r.add("/script", "".join(line + "\n" for line in self.script(logged))
              .encode())
        r.write(w.path("root"))
        return w.path("root")

    def first(self):
        """Its disk as it was in the beginning."""
        for d, (at, size) in self.where.items():
            copy(self.w.path("kept", "planted." + d), 0,
                 self.w.path("guest.img"), at, size)
        return self.w.path("guest.img")

    def start(self, root, logged):
        """From that on."""
        w = self.w
        disks = [self.first()]
        if logged:
            with open(w.path("log.img"), "wb") as f:
                f.truncate(512 << 20)
            disks.append(w.path("log.img"))
        return Guest(self.kernel, root, disks)

    def take_disks(self, image):
        """They are this host's again, as the guest left them."""
        w = self.w
        w.umount()
        for d, (at, size) in self.where.items():
            copy(image, at, w.path(d + ".img"), 0, size)
            w.mount(d)

    def boot(self, root, logged):
        """A guest, and what it tells from its first run on. Where the host
        is too busy for a kernel that starts, it gets another try."""
        line = ""
        for _ in range(5):
            g = self.start(root, logged)
            lines = g.lines()
            for line in lines:
                if line.startswith("STEP run"):
                    return g, itertools.chain([line], lines)
            g.cut()
        raise Lost("no guest starts: " + line)

    def live(self, root, logged):
        """To the end; at which second each run began, and the last ended."""
        g, lines = self.boot(root, logged)
        times, status = [], []
        for line in lines:
            if line.startswith("STEP run"):
                times.append(time.monotonic())
            elif line.startswith("STATUS"):
                status.append((line, time.monotonic()))
            elif line.startswith(("FAILED", "END")):
                break
        g.cut(after=1 if line == "END" else 0)
        if line != "END" or [s for s, _ in status] != ["STATUS 0"] * len(LIFE):
            raise Lost(f"the guest: {line}, {status}")
        self.take_disks(self.w.path("guest.img"))
        self.w.judge("the life that is to be cut")
        if {e[0] for e in self.w.journal().values()} != {"gone"}:
            raise Lost(f"not all went: {self.w.journal()}")
        return times + [status[-1][1]]


# ---- power cuts --------------------------------------------------------------

def cut(m, root, durations, rnd):
    """Once; in which run."""
    k = rnd.randrange(len(LIFE))
    (g, lines), seen, line = m.boot(root, False), 0, ""
    for line in lines:
        seen += line.startswith("STEP run")
        if seen == k + 1:
            break
    g.cut(rnd.uniform(0, durations[k] * 1.1))
    if seen != k + 1:
        raise Lost("the guest ended: " + line)
    ask(m, m.w.path("guest.img"), k)
    return LIFE[k][1]


def ask(m, image, k):
    m.take_disks(image)
    m.w.ahead = LIFE[k][0] * DAY
    ask_all(m.w)


# ---- the log of all writes ---------------------------------------------------

def read_log(path):
    """[(flags, sector, data)]; of a mark data is its text."""
    found = []
    with open(path, "rb") as f:
        magic, _, n, size = struct.unpack("<QQQI", f.read(28))
        if magic != LOG_MAGIC:
            raise Lost("there is no log")
        at = size
        for _ in range(n):
            f.seek(at)
            head = f.read(size)
            sector, count, flags, length = struct.unpack("<QQQQ", head[:32])
            at += size
            if flags & MARK:
                found.append((flags, 0, head[32:32 + length]))
            elif flags & DISCARD:
                found.append((flags, sector, bytes(count * SECTOR)))
            else:
                found.append((flags, sector, f.read(count * SECTOR)))
                at += count * SECTOR
    return found


def epochs(log):
    """[(entries before it, after it until the next, which run it is in)] of
    each flush."""
    flushes = [i for i, e in enumerate(log) if e[0] & FLUSH] + [len(log)]
    found = []
    for i, following in zip(flushes, flushes[1:]):
        marks = [e[2] for e in log[:i] if e[0] & MARK]
        if marks and marks[-1].startswith(b"life"):
            found.append((i, following, int(marks[-1][4:])))
    return found


def survivors(log, at, following, rnd):
    """What a disk may have that was cut off after the flush before entry
    at, and before the next one has ended."""
    yield range(at)
    for share in [0.5, 0.9]:
        end = rnd.randint(at, following)
        yield list(range(at)) + [i for i in range(at, end)
                                 if log[i][0] & FUA or rnd.random() < share]


def replay(m, log, some):
    image = m.first()
    with open(image, "r+b") as f:
        for i in some:
            flags, sector, data = log[i]
            if not flags & MARK:
                os.pwrite(f.fileno(), data, sector * SECTOR)
    return image


# ----

class Tally:
    def __init__(self):
        self.done, self.bad = collections.Counter(), 0
        self.stop = False
        self.began = time.time()

    def over(self):
        return self.stop or time.time() - self.began > limit

    def case(self, what, run):
        try:
            what = run() or what
        except (Lost, OSError) as e:
            self.bad += 1
            print(f"FAILED {what}: {e}", flush=True)
        self.done[what] += 1
        n = sum(self.done.values())
        if n % 50 == 0:
            print(f"{n} cases, {time.time() - self.began:.0f} s", flush=True)


def all_cuts(m, cuts, rnd, tally):
    root = m.make_root(False)
    times = m.live(root, False)
    durations = [b - a for a, b in zip(times, times[1:])]
    tally.began = time.time()
    for _ in part(range(cuts)):
        if tally.over():
            break
        tally.case("cut", lambda: "cut: " + cut(m, root, durations, rnd))


def all_flushes(m, rnd, tally):
    w = m.w
    root = m.make_root(True)
    m.live(root, True)
    os.unlink(root)
    log = read_log(w.path("log.img"))
    os.unlink(w.path("log.img"))
    cases = [(k, some) for at, following, k in epochs(log)
             for some in survivors(log, at, following, rnd)]
    if limit < float("inf"):
        rnd.shuffle(cases)
    print(f"{len(log)} writes and flushes, {len(epochs(log))} flushes, "
          f"{len(cases)} disks to try", flush=True)
    tally.began = time.time()
    for k, some in part(cases):
        if tally.over():
            break
        tally.case("flush: " + LIFE[k][1],
                   lambda k=k, some=some: ask(m, replay(m, log, some), k))


def main():
    alone()
    cuts = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for needed in [QEMU, FILE_SYSTEMS[disk_fs][0][0]]:
        if not shutil.which(needed):
            print(f"skipped: no {needed}")
            return
    tally, rnd, began = Tally(), random.Random(seed), time.time()
    signal.signal(signal.SIGTERM, lambda *_: setattr(tally, "stop", True))
    w = World()
    os.mkdir(w.path("kernel"))
    m = Machine(w)
    if not m.kernel.top:
        print("skipped: no kernel for a guest")
        w.close()
        return
    print(f"kernel {m.kernel.version}, {w.fs('disk')}", flush=True)
    w.plant_all()
    w.keep("planted")
    all_cuts(m, cuts, rnd, tally)
    all_flushes(m, rnd, tally)
    for what, n in sorted(tally.done.items()):
        print(f"{what}: {n}")
    print(f"{sum(tally.done.values())} cases, {tally.bad} failed, seed {seed},"
          f" {time.time() - began:.0f} s")
    w.close()
    sys.exit(tally.bad > 0)


main()
