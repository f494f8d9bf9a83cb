#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random lives of a host with cold storage: somebody edits files, time
passes, pushes, checks, releases, undos and gets run, are killed and fail,
boxes are damaged and repaired. After each run of bk-cold: is every byte where
the catalog says that it is?

release_random.py STEPS [SEED [LIFE]]: as root. Steps are taken in lives of
some hundred, each in a new world; a life is told by its number in a line
"life N", and is lived again alone with LIFE. Prints how many steps of which
kind there were; exits 1 at the first loss, telling the last steps before it.
SIGTERM ends it after the step, with its counts. Environment: BK_BIN.
"""
import collections
import mmap
import os
import random
import signal
import sys
import time

from cold_world import Lost, World, alone, limit, parts, sha256, which

LIFE = 250
NAMES = ["a", "b", "c\n", "-d", "e f", "\udcff", "g%", "h"]
FOLDERS = ["a", "a", "a/sub", "a/sub/deep", "a/o"]
CALLS = ["openat", "openat2", "renameat2", "unlinkat", "fsync", "fdatasync",
         "pwrite64", "write", "ftruncate", "fcntl", "statx", "newfstatat",
         "getdents64", "mkdirat", "read", "pread64"]
GOOD = {0, 1, 3, 66, 73, 74, 75, 77, 78}
STRUCK = {-9, 65, 71, 127}  # 127: what fails is before main()
stop = []


class Life:
    def __init__(self, seed, counts):
        self.rnd = random.Random(seed)
        self.counts = counts
        self.log = collections.deque(maxlen=60)
        self.w = w = World(images=False,
                           quarantine=self.rnd.choice(["7d", "7d", "1h", "0"]))
        self.broken = {}  # path on a box: what was there, what is now
        self.open = []    # descriptors and maps of programs that write
        self.serial = 0
        w.plant("a/.coldstorage_delete", b"", own=False)
        w.plant("a/.coldstorage_redundant", b"", own=False)
        w.plant("b/theirs", b"theirs", own=False)
        w.plant("a/keep/.nobackup", b"", own=False)
        w.plant("a/keep/mine", b"mine", own=False)
        os.symlink("../b/theirs", os.path.join(w.a, "link"))
        for _ in range(6):
            self.create()
        w.look()

    # ---- somebody ----

    def place(self):
        return os.path.join(self.w.src, self.rnd.choice(FOLDERS),
                            self.rnd.choice(NAMES))

    def text(self):
        """Bytes that were nowhere before."""
        self.serial += 1
        size = self.rnd.choice([0, 10, 1000, 1000, 300000])
        return b"%d %d\n" % (self.rnd.getrandbits(60), self.serial) + bytes(
            size)

    def some(self):
        """A file that is at home."""
        here = sorted(p for p in {p for p, _ in self.w.files}
                      if os.path.isfile(p))
        return self.rnd.choice(here) if here else None

    def forget(self, p):
        """It is changed or deleted by who may: the old bytes are his.
        Unless it came from a box, and lies in the quarantine too."""
        sha = sha256(p)
        if self.w.journal().get((p, sha), [""])[0] != "held":
            self.w.files.pop((p, sha), None)

    def create(self):
        p = self.place()
        if not os.path.lexists(p):
            self.w.plant(os.path.relpath(p, self.w.src), self.text())
        return p

    def edit(self):
        p = self.some()
        if not p:
            return None
        s = os.stat(p)
        self.forget(p)
        with open(p, self.rnd.choice(["wb", "r+b", "ab"])) as f:
            f.write(self.text())
        if self.rnd.random() < 0.3:
            os.utime(p, ns=(s.st_atime_ns, s.st_mtime_ns))
        self.w.own(p)
        return p

    def remove(self):
        p = self.some()
        if p:
            self.forget(p)
            os.unlink(p)
        return p

    def rename(self):
        p, to = self.some(), self.place()
        if p and os.path.isdir(os.path.dirname(to)) and \
                not os.path.lexists(to):
            self.forget(p)
            os.rename(p, to)
            self.w.own(to)
        return p, to

    def chmod(self):
        p = self.some()
        if p:
            self.forget(p)
            if (p, sha256(p)) in self.w.files:
                return None
            os.chmod(p, self.rnd.choice([0o600, 0o644, 0o400]))
            self.w.own(p)
        return p

    def write_on(self):
        """A program that has it open, or mapped, for the next while."""
        p = self.some()
        if p and os.path.getsize(p):
            fd = os.open(p, os.O_RDWR)
            if self.rnd.random() < 0.5:
                self.open.append(mmap.mmap(fd, 0))
                os.close(fd)
            else:
                self.open.append(fd)
        return p

    def let_go(self):
        for o in self.open:
            os.close(o) if isinstance(o, int) else o.close()
        self.open = []

    def marker(self):
        p = os.path.join(self.w.src, self.rnd.choice(
            ["a/sub/.nobackup", "a/o/.coldstorage", "a/.coldstorage_delete",
             "a/.coldstorage_delete"]))
        if os.path.exists(p):
            os.unlink(p)
        elif os.path.isdir(os.path.dirname(p)):
            open(p, "w").close()
        return p

    def time(self):
        n = self.rnd.choice([1 / 24, 1, 1, 3, 8, 8])
        self.w.days(n)
        return n

    def clock_back(self):
        n = self.rnd.choice([1, 2])
        if self.w.ahead > n * 86400:
            self.w.days(-n)
        return n

    # ---- the boxes ----

    def objects(self):
        found = []
        for b in self.w.boxes:
            for folder, _, names in os.walk(self.w.path(b, "h", "DATA")):
                found += [os.path.join(folder, n) for n in names]
        return sorted(found)

    def gone(self):
        """Hashes of what is on boxes alone."""
        return {sha for (_, sha), e in self.w.journal().items()
                if e[0] == "gone"}

    def damage(self):
        """Right size and other bytes, less of it, none, another file."""
        all_ = self.objects()
        if not all_ or len(self.broken) > 3:
            return None
        p, how = self.rnd.choice(all_), self.rnd.randrange(4)
        if p in self.broken:
            return None
        with open(p, "rb") as f:
            old = f.read()
        if sha256(p) in self.gone():
            self.w.exempt.add(self.copy(p))
        with open(self.rnd.choice(all_), "rb") as f:
            other = f.read()
        now = [None, old[:-1], old[:-1] + b"!", other][how]
        self.broken[p] = old, now
        self.put(p, now)
        return p, how

    def copy(self, p):
        return os.path.relpath(p, self.w.top).split("/")[0], sha256(p)

    def is_used(self, p):
        if not os.path.exists(p):
            return False
        sha = sha256(p)
        box, obj = os.path.relpath(p, self.w.top).split("/", 1)
        return any(o in (obj, obj.encode()) for o, in self.w.ask(
            "SELECT c.object FROM copy c JOIN content n ON n.id = c.content"
            " JOIN box b ON b.id = c.box WHERE c.state = 0"
            f" AND b.name = '{box}' AND n.sha256 = '{sha}'"))

    def put(self, p, data):
        if os.path.exists(p):
            os.unlink(p)
        if data is not None:
            with open(p, "wb") as f:
                f.write(data)

    def damage_list(self):
        p = self.w.path(self.rnd.choice(self.w.boxes), "h")
        lists = sorted(n for n in os.listdir(p) if n.startswith("FILES."))
        if not lists:
            return None
        p = os.path.join(p, self.rnd.choice(lists))
        if p not in self.broken:
            with open(p, "rb") as f:
                old = f.read()
            self.broken[p] = old, old.replace(b"1", b"2", 1)
            self.put(p, self.broken[p][1])
        return p

    def swap_ids(self):
        a, b = [self.w.path(n, ".bk-box-id") for n in self.w.boxes]
        os.rename(a, a + ".x")
        os.rename(b, b + ".x")
        self.w.bk("-q", "push")
        self.release()
        os.rename(a + ".x", a)
        os.rename(b + ".x", b)
        # the one shows the other's
        with open(a, "rb") as f, open(b, "rb") as g:
            x, y = f.read(), g.read()
        for p, t in [(a, y), (b, x)]:
            with open(p, "wb") as f:
                f.write(t)
        got = self.release()
        for p, t in [(a, x), (b, y)]:
            with open(p, "wb") as f:
                f.write(t)
        return got

    def repair(self):
        for p, (old, left) in self.broken.items():
            now = None
            if os.path.exists(p):
                with open(p, "rb") as f:
                    now = f.read()
            # unless a push came to use the name, or found there what it had
            if now == left and not self.is_used(p):
                self.put(p, old)
                self.w.exempt.discard(self.copy(p))
        self.broken = {}

    # ---- bk-cold ----

    def run(self, *args, strace=None):
        got = self.w.bk("-q", *args, strace=strace)
        code = got.returncode
        if code not in GOOD and not (strace and code in STRUCK):
            raise Lost(f"bk-cold {args} {strace}: {code}: "
                       + got.stderr.decode(errors="replace"))
        if strace:
            self.w.recover(self.rnd.randrange(3))
        self.w.judge(f"bk-cold {args} {strace}: {code}")
        return args, code

    def push(self):
        return self.run("push")

    def check(self):
        return self.run("check")

    def release(self):
        return self.run("release", "--yes")

    def undo(self):
        p = self.rnd.choice(sorted(self.w.files))[0] if self.w.files else "/"
        return self.run("undo", *([p] if self.rnd.random() < 0.5 else []))

    def get(self):
        if not self.w.files:
            return None
        p = self.rnd.choice(sorted(self.w.files))[0]
        return self.run("get", "--yes", "--in-place", p)

    def fault(self):
        call, n = self.rnd.choice(CALLS), int(self.rnd.expovariate(1 / 40)) + 1
        how = self.rnd.choice(["signal=KILL", "signal=KILL", "error=EIO",
                               "error=ENOSPC"])
        return self.run(*self.rnd.choice([
            ["release", "--yes"], ["release", "--yes"], ["undo"], ["push"]]),
            strace=["-o", "/dev/null", "-e", f"trace={call}", "-e",
                    f"inject={call}:{how}:when={n}"])

    # ----

    STEPS = {
        "create": 12, "edit": 6, "remove": 4, "rename": 3, "chmod": 2,
        "write_on": 3, "let_go": 3, "marker": 2, "time": 18, "clock_back": 1,
        "damage": 3, "damage_list": 1, "swap_ids": 0.2, "repair": 4,
        "push": 10, "check": 2, "release": 12, "undo": 4, "get": 4,
        "fault": 6,
    }

    def step(self):
        name = self.rnd.choices(list(self.STEPS), self.STEPS.values())[0]
        self.log.append([name])
        self.log[-1].append(getattr(self, name)())
        self.counts[name] += 1
        if name not in ("push", "check", "release", "undo", "get", "fault",
                        "swap_ids", "time"):
            self.w.look()

    def end(self):
        self.let_go()
        self.w.close()


def live(number, seed, steps, counts):
    life = Life(f"{seed}.{number}", counts)
    try:
        for _ in range(steps):
            if stop:
                break
            life.step()
    except (Lost, OSError) as e:
        print(f"LOST in life {number} of seed {seed}: {e}")
        for line in life.log:
            print("  ", *map(repr, line))
        sys.exit(1)
    finally:
        for s in life.w.journal().values():
            counts["in the end: " + s[0]] += 1
        life.end()


def main():
    alone()
    steps = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    # $PART: lives one after the other, side by side with those of others
    steps = steps // parts
    first = int(sys.argv[3]) if len(sys.argv) > 3 else (
        (which - 1) * -(-steps // LIFE))
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    counts, began, n = collections.Counter(), time.time(), first
    print(f"seed {seed}", flush=True)

    def done():
        return sum(v for k, v in counts.items() if ":" not in k)
    while done() < steps and not stop and time.time() - began < limit:
        print(f"life {n}, {done()} steps, {time.time() - began:.0f} s",
              flush=True)
        live(n, seed, min(LIFE, steps - done()), counts)
        n += 1
        if len(sys.argv) > 3:
            break
    for name, count in sorted(counts.items()):
        print(f"{count:8} {name}")
    print(f"{done()} steps, {n - first} lives, seed {seed}, nothing lost, "
          f"{time.time() - began:.0f} s")


main()
