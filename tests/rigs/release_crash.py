#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts the power of a host at every change that a push, a release, the
deletion after it and an undo make to its disks; then asks whether anything
was lost.

release_crash.py [SAMPLE [SEED]]: as root. Two ways to lose what was not
synced:

  ext4   bk-cold is killed at a call; the images below its file systems, on
         which nothing is but what ext4 has written there by then, are copied
         and mounted, and ext4 replays its journal. Runs before the one that
         is cut are not synced either.
  model  what the runs did is recorded once. At each call a part of it is
         done again to the disks of before: all that an fsync of that very
         file or folder has made durable by then, and of the rest nothing,
         everything, names without bytes, bytes without names, and some at
         random: names of a folder in their order, writes in any. That is
         worse than ext4, XFS or Btrfs are; and it is what a preloaded library
         would do that keeps writes from the disk until they are synced, for
         names as well, at more places, and whoever makes the call.

The power of a machine with a kernel of its own: release_power.py.

After a cut: the next start, the question of cold_world.py, a push, a release
and an undo, and the question again. SAMPLE: only so many cases of each way,
chosen by SEED. SIGTERM ends it with its counts. Prints how many there were;
exits 1 where one failed. BK_BIN: where bk-cold is (build).
"""
import collections
import errno
import os
import random
import re
import signal
import sys
import time

from cold_world import Lost, World, alone, limit, part

CHANGES = re.compile(r"(write|pwrite64|ftruncate|fsync|fdatasync|syncfs|"
                     r"rename|renameat2|unlink|unlinkat|mkdir|mkdirat|linkat|"
                     r"fchmod|fchown|utimensat|fsetxattr|fallocate|"
                     r"copy_file_range)\(|openat2?\(.*O_CREAT")
RANDOM = 3  # ways at each cut
LIVES = {
    "push": [["-q", "push"]],
    "release": [["-q", "push"], 8, ["-q", "release", "--yes"]],
    "delete": [["-q", "push"], 8, ["-q", "release", "--yes"], 8,
               ["-q", "release", "--yes"]],
    "undo": [["-q", "push"], 8, ["-q", "release", "--yes"],
             ["-q", "undo"]],
}


def ask_all(w):
    """The host is up again."""
    w.recover()
    w.judge("after the next start")
    for args, days in [(["-q", "push"], 8), (["-q", "release", "--yes"], 8),
                       (["-q", "release", "--yes"], 0), (["-q", "undo"], 0)]:
        got = w.bk(*args)
        if got.returncode != 0:
            raise Lost(f"{args}: {got.returncode}: " + got.stderr.decode())
        w.judge(f"after {args}")
        w.days(days)
    left = [p for (p, sha), e in w.journal().items() if e[0] != "gone"]
    if len(left) > 0 or len(w.journal()) != len(w.files):
        raise Lost(f"not all were released in the end: {left}")


# ---- ext4 -------------------------------------------------------------------

def run_life(w, steps, last=None):
    """All of a life; last: options of strace for its last step."""
    for i, s in enumerate(steps):
        if isinstance(s, int):
            w.days(s)
        else:
            w.bk(*s, strace=last if last and i == len(steps) - 1 else None)


def cuts_of(w, steps):
    """(call, which of that name), of all changes in the last step."""
    w.put_back("planted")
    log = w.path("calls")
    run_life(w, steps, ["-y", "-s", "64", "-o", log])
    seen, found = collections.Counter(), []
    with open(log, encoding="latin-1") as f:
        for line in f:
            m = re.match(r"(\w+)\(", line)
            if not m:
                continue
            seen[m[1]] += 1
            if w.top + "/" in line and CHANGES.match(line):
                found.append((m[1], seen[m[1]]))
    return found


def cut_ext4(w, steps, call, n):
    w.put_back("planted")
    run_life(w, steps, ["-o", "/dev/null", "-e", f"trace={call}", "-e",
                        f"inject={call}:signal=KILL:when={n}"])
    for d in ["disk"] + w.boxes:
        w.copy(d + ".img", d + ".cut")
    w.umount()
    for d in ["disk"] + w.boxes:
        w.copy(d + ".cut", d + ".img")
        w.mount(d)
    ask_all(w)


# ---- the model --------------------------------------------------------------

class Node:
    """A file or folder as the runs saw it."""

    def __init__(self, path=None, folder=False):
        self.path = path  # where it was in the beginning; None: it is new
        self.names = {} if folder else None


class Record:
    """What the runs did: a list of changes, each a tuple

    ("make", folder, name, node), ("drop", folder, name),
    ("move", folder, name, to folder, its name),
    ("write", node, offset, bytes), ("cut", node, size), ("mode", node, mode),
    ("sync", node), and the time ahead at which it was done.
    """

    def __init__(self, w):
        self.w = w
        self.root = self.read(w.top)
        self.did = []
        self.ahead = []

    def read(self, path):
        n = Node(path, folder=True)
        for name in os.listdir(path):
            p = os.path.join(path, name)
            if os.path.isdir(p) and not os.path.islink(p):
                n.names[name] = self.read(p)
            else:
                n.names[name] = Node(p)
        return n

    def add(self, *change):
        self.did.append(change)
        self.ahead.append(self.w.ahead)

    def run(self, args):
        log = self.w.path("record")
        got = self.w.bk(*args, strace=["-y", "-xx", "-s", "2000000",
                                       "-o", log])
        if got.returncode != 0:
            raise Lost(f"{args}: {got.returncode}: " + got.stderr.decode())
        fds, at = {}, {}
        with open(log, encoding="latin-1") as f:
            for line in f:
                m = re.match(r"(\w+)\((.*)\)\s+= (-?\d+)(?:<.*>)?(?: |$)",
                             line.rstrip("\n"))
                if m and int(m[3]) >= 0:
                    self.call(m[1], m[2], int(m[3]), fds, at)

    def find(self, fds, where, path):
        """(folder, name, node) that a path leads to, or three None."""
        top = self.w.top
        if path.startswith("/"):
            if not (path + "/").startswith(top + "/"):
                return None, None, None
            node, path = self.root, path[len(top):]
        else:
            node = fds.get(where)
        parts = [p for p in path.split("/") if p not in ("", ".")]
        if node is None or not parts:
            return None, None, node
        for p in parts[:-1]:
            node = node.names.get(p) if node and node.names is not None \
                else None
        if node is None or node.names is None:
            return None, None, None
        return node, parts[-1], node.names.get(parts[-1])

    def call(self, name, args, got, fds, at):
        text = [os.fsdecode(bytes.fromhex(t.replace("\\x", "")))
                for t in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', args)] \
            if name not in ("write", "pwrite64") else []
        bare = re.sub(r"<[^>]*>", "", re.sub(r'"[^"]*"', "", args))
        nums = [int(n) for n in re.findall(r"(?:^|[ ,=])(\d+)(?=[ ,)}]|$)",
                                           bare)]
        first = re.match(r"(AT_FDCWD|\d+)", args)
        where = int(first[1]) if first and first[1] != "AT_FDCWD" else None
        node = fds.get(where)
        if name in ("openat", "openat2"):
            folder, base, node = self.find(fds, where, text[0])
            if node is None and folder is not None and "O_CREAT" in args:
                node = folder.names[base] = Node()
                self.add("make", folder, base, node)
            elif node is not None and "O_TRUNC" in args:
                self.add("cut", node, 0)
            fds[got], at[got] = node, 0
        elif name == "fcntl" and "F_DUPFD" in args:
            fds[got], at[got] = node, at.get(where, 0)
        elif name == "close":
            fds.pop(where, None)
        elif name == "lseek":
            at[where] = got
        elif name == "read":
            at[where] = at.get(where, 0) + got
        elif name in ("mkdir", "mkdirat"):
            folder, base, node = self.find(fds, where, text[0])
            if folder is not None:
                folder.names[base] = Node(folder=True)
                self.add("make", folder, base, folder.names[base])
        elif name in ("unlink", "unlinkat", "rmdir"):
            folder, base, node = self.find(fds, where, text[0])
            if folder is not None:
                del folder.names[base]
                self.add("drop", folder, base)
        elif name in ("rename", "renameat", "renameat2"):
            second = re.search(r'", (\d+)[<,]', args)
            a, x, node = self.find(fds, where, text[0])
            b, y, other = self.find(
                fds, int(second[1]) if second else None, text[1])
            if a is not None and b is not None:
                b.names[y] = a.names.pop(x)
                if "RENAME_EXCHANGE" in args:
                    a.names[x] = other
                    self.add("swap", a, x, b, y)
                else:
                    self.add("move", a, x, b, y)
        elif node is not None:
            self.to_node(name, args, got, node, where, at, nums)

    def to_node(self, name, args, got, node, fd, at, nums):
        if name in ("write", "pwrite64"):
            data = bytes.fromhex(re.search(r'"((?:\\x[0-9a-f]{2})*)"',
                                           args)[1].replace("\\x", ""))[:got]
            off = nums[-1] if name == "pwrite64" else at[fd]
            self.add("write", node, off, data)
            if name == "write":
                at[fd] += got
        elif name == "ftruncate":
            self.add("cut", node, nums[-1])
        elif name == "fchmod":
            self.add("mode", node, int(args.rsplit(",", 1)[1], 8))
        elif name in ("fsync", "fdatasync", "syncfs"):
            self.add("sync" if name != "syncfs" else "syncfs", node)
        elif name in ("fallocate", "copy_file_range", "writev", "sendfile",
                      "linkat", "symlinkat", "truncate"):
            raise Lost(f"the model does not know {name}")


def folders_of(change):
    if change[0] in ("make", "drop"):
        return [change[1]]
    if change[0] in ("move", "swap"):
        return [change[1], change[3]]
    return []


def durable(did, k):
    """Numbers of those changes before k that must survive."""
    kept, names = set(), collections.defaultdict(list)
    data = collections.defaultdict(list)

    def keep_folder(folder):
        for i in names.pop(folder, []):
            kept.add(i)
            for other in folders_of(did[i]):
                # what came before it in the other folder, too
                if other in names:
                    upto = [j for j in names[other] if j <= i]
                    names[other] = [j for j in names[other] if j > i]
                    for j in upto:
                        kept.add(j)
    for i in range(k):
        c = did[i]
        if c[0] == "syncfs":
            kept.update(range(i))
            names.clear()
            data.clear()
        elif c[0] == "sync" and c[1].names is not None:
            keep_folder(c[1])
        elif c[0] == "sync":
            kept.update(data.pop(c[1], []))
        elif folders_of(c):
            for f in folders_of(c):
                names[f].append(i)
        else:
            data[c[1]].append(i)
    return kept


def survivors(did, k, rnd):
    """Sets of changes that may have survived a cut before the k-th."""
    must = durable(did, k)
    open_ = [i for i in range(k) if i not in must
             and did[i][0] not in ("sync", "syncfs")]
    names = [i for i in open_ if folders_of(did[i])]
    data = [i for i in open_ if not folders_of(did[i])]
    yield must
    yield must | set(open_)
    yield must | set(names)
    yield must | set(data)
    for _ in range(RANDOM if open_ else 0):
        some = {i for i in data if rnd.random() < 0.5}
        ends = {f: rnd.choice(names + [k]) for i in names
                for f in folders_of(did[i])}
        stopped = set()
        for i in names:
            fs = folders_of(did[i])
            if any(f in stopped or i >= ends[f] for f in fs):
                stopped.update(fs)
            else:
                some.add(i)
        yield must | some


def redo(w, did, some):
    """Do these changes to the disks of before."""
    fds = {}

    def fd(node):
        if node not in fds and node.path and os.path.exists(node.path):
            fds[node] = os.open(node.path, os.O_RDONLY if node.names
                                is not None else os.O_RDWR)
        return fds.get(node)

    def inside(folder, name):
        return f"/proc/self/fd/{fd(folder)}/{name}"
    # what is moved away is found by its inode
    for i in some:
        for part in did[i]:
            if isinstance(part, Node):
                fd(part)
    try:
        redo_all(did, sorted(some), fds, fd, inside)
    finally:
        for f in fds.values():
            os.close(f)


def redo_all(did, some, fds, fd, inside):
    for i in some:
        c = did[i]
        try:
            if c[0] == "make" and c[3].names is not None:
                os.mkdir(inside(c[1], c[2]), 0o700)
                fds[c[3]] = os.open(inside(c[1], c[2]), os.O_RDONLY)
            elif c[0] == "make":
                fds[c[3]] = os.open(inside(c[1], c[2]), os.O_RDWR |
                                    os.O_CREAT | os.O_EXCL, 0o600)
            elif c[0] == "drop":
                p = inside(c[1], c[2])
                (os.rmdir if os.path.isdir(p) else os.unlink)(p)
            elif c[0] == "move":
                os.rename(inside(c[1], c[2]), inside(c[3], c[4]))
            elif c[0] == "swap":
                a, b = inside(c[1], c[2]), inside(c[3], c[4])
                os.rename(a, a + ".swap")
                os.rename(b, a)
                os.rename(a + ".swap", b)
            elif fd(c[1]) is None:
                pass  # its name did not survive
            elif c[0] == "write":
                os.pwrite(fd(c[1]), c[3], c[2])
            elif c[0] == "cut":
                os.ftruncate(fd(c[1]), c[2])
            elif c[0] == "mode":
                os.fchmod(fd(c[1]), c[2])
        except FileNotFoundError:
            # in a folder that did not survive
            if c[0] not in ("make", "drop", "move", "swap"):
                raise
        except OSError as e:
            # a folder goes when it is empty on the disk, too, or not at all
            if c[0] != "drop" or e.errno != errno.ENOTEMPTY:
                raise


def record(w):
    w.put_back("planted")
    r = Record(w)
    for s in LIVES["delete"][:-2] + [["-q", "undo"], 0, ["-q", "push"], 8,
                                     ["-q", "release", "--yes"], 8,
                                     ["-q", "release", "--yes"]]:
        if isinstance(s, int):
            w.days(s)
        else:
            r.run(s)
    w.judge("the runs that are recorded")
    return r


def all_models(r, seed):
    seen, found = set(), []
    for k in range(len(r.did) + 1):
        for some in survivors(r.did, k, random.Random(f"{seed}.{k}")):
            key = frozenset(some)
            if key not in seen:
                seen.add(key)
                found.append((k, key))
    return found


def cut_model(w, r, k, some):
    w.put_back("planted")
    redo(w, r.did, some)
    w.ahead = r.ahead[min(k, len(r.did) - 1)]
    ask_all(w)


# ----

def main():
    alone()
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    sample = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rnd, bad = random.Random(seed), 0
    w = World()
    w.plant_all()
    w.keep("planted")
    cases = [("ext4: " + name, lambda s=steps, c=cut: cut_ext4(w, s, *c), cut)
             for name, steps in LIVES.items() for cut in cuts_of(w, steps)]
    r = record(w)
    models = [("model", lambda c=c: cut_model(w, r, *c),
               (c[0], len(c[1]), str(r.did[c[0] - 1][:1] if c[0] else "")))
              for c in all_models(r, seed)]
    total = collections.Counter(c[0] for c in cases + models)
    if sample:
        cases = rnd.sample(cases, min(sample, len(cases)))
        models = rnd.sample(models, min(sample, len(models)))
    both = part(cases + models)
    if sample:
        rnd.shuffle(both)
    began = time.time()
    done = collections.Counter()
    for name, run, what in both:
        if stop or time.time() - began > limit:
            break
        try:
            run()
        except (Lost, OSError) as e:
            bad += 1
            print(f"FAILED {name}: {what}: {e}", flush=True)
        done[name] += 1
        if sum(done.values()) % 500 == 0:
            print(f"{sum(done.values())} cuts of {len(both)}, "
                  f"{time.time() - began:.0f} s", flush=True)
    for name in total:
        print(f"{name}: {done[name]} cuts, of {total[name]}")
    print(f"{sum(done.values())} cuts, {bad} failed, {len(r.did)} changes "
          f"recorded, seed {seed}, {time.time() - began:.0f} s")
    w.close()
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
