#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""While root releases the files of a user, that user fights: he swaps files
for links to files of others, renames folders, writes through descriptors and
maps, replaces markers, the quarantine and the index; somebody else makes hard
links to others' files there, and mounts other folders over his.

release_enemy.py ROUNDS [SEED]: as root. A round: the disks as they were, the
enemies, and one release, slowed down at the calls that matter so that they
meet; sometimes it deletes at once, sometimes it deletes what lies in
quarantine. Then: files outside the folder are as they were; every file that
is no more had, when it went, the bytes that are on both boxes; nothing lies
in another's place. Timing is not repeated by a seed, what the enemies try is.
Prints what was tried and what came of it; exits 1 at the first loss. BK_BIN:
where bk-cold is (build).
"""
import collections
import ctypes
import errno
import json
import mmap
import os
import random
import signal
import sys
import time
import traceback

from cold_world import Lost, World, alone, limit, picture, sha256

USER = 1234
EXCHANGE, NOREPLACE = 2, 1  # of renameat2
PR_SET_PDEATHSIG = 1
MS_BIND, DETACH, NOFOLLOW = 4096, 2, 8  # of mount and umount2
libc = ctypes.CDLL(None, use_errno=True)
FILES = ["f0", "f1", "f2", "sub/f3", "sub/f4", "sub/deep/f5", "g/f6", "g/f7"]


def rename(a, b, flags=NOREPLACE):
    if libc.renameat2(-100, os.fsencode(a), -100, os.fsencode(b), flags) < 0:
        raise OSError(ctypes.get_errno(), "renameat2")


class Enemy:
    """In a process of its own until it is killed; tells in a pipe what it
    wrote where, before anybody may rely on it."""

    def __init__(self, w, seed):
        self.w, self.rnd = w, random.Random(seed)
        self.secret = os.path.join(w.disk, "others", "secret")
        self.n = 0
        self.counts = collections.Counter()
        self.stop = False

    def file(self):
        return os.path.join(self.w.a, self.rnd.choice(FILES))

    def folder(self):
        return os.path.join(self.w.a, self.rnd.choice(["sub", "g",
                                                       "sub/deep"]))

    def other_name(self, p):
        return p + ".away"

    def symlink(self):
        p = self.file()
        os.symlink(self.rnd.choice([self.secret, "../b/theirs"]), p + ".l")
        try:
            rename(p, p + ".l", EXCHANGE)
            self.pause()
            rename(p, p + ".l", EXCHANGE)
        finally:
            self.settle(p)

    def settle(self, p):
        """The link goes, wherever it is."""
        for q in [p + ".l", p]:
            if os.path.islink(q):
                os.unlink(q)
        if os.path.lexists(p + ".l") and not os.path.lexists(p):
            rename(p + ".l", p)

    def folder_link(self):
        p = self.folder()
        os.symlink(os.path.dirname(self.secret), p + ".l")
        try:
            rename(p, p + ".l", EXCHANGE)
            self.pause()
            rename(p, p + ".l", EXCHANGE)
        finally:
            self.settle(p)

    def folder_away(self):
        p = self.folder()
        rename(p, self.other_name(p))
        self.pause()
        rename(self.other_name(p), p)

    def folders_swap(self):
        a, b = [os.path.join(self.w.a, n) for n in ["sub", "g"]]
        rename(a, b, EXCHANGE)
        self.pause()
        rename(a, b, EXCHANGE)

    def files_swap(self):
        a, b = self.file(), self.file()
        rename(a, b, EXCHANGE)

    def write(self):
        self.n += 1
        p = self.file()
        fd = os.open(p, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if os.fstat(fd).st_nlink:
                self.pause()
                os.pwrite(fd, b"written %d" % self.n, 0)
        finally:
            os.close(fd)

    def wait_and_write(self):
        """In open() until the lease is let go."""
        fd = os.open(self.file(), os.O_RDWR | os.O_NOFOLLOW)
        try:
            if os.fstat(fd).st_nlink:
                self.n += 1
                os.pwrite(fd, b"waited %d" % self.n, 0)
        finally:
            os.close(fd)

    def map(self):
        fd = os.open(self.file(), os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            gone = not os.fstat(fd).st_nlink
            m = mmap.mmap(fd, 0)
        finally:
            os.close(fd)
        self.n += 1
        for i in range(0 if gone else 5):
            n = min(10, len(m))
            m[:n] = (b"map%7d" % (self.n * 10 + i))[-n:]
            time.sleep(0.001)
        m.close()

    def truncate(self):
        p = self.file()
        fd = os.open(p, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if os.fstat(fd).st_nlink:
                os.ftruncate(fd, self.rnd.choice([0, 5, 100]))
        finally:
            os.close(fd)

    def chmod(self):
        p = self.file()
        if not os.path.islink(p):
            os.chmod(p, self.rnd.choice([0o600, 0o644]))

    def marker(self):
        p = os.path.join(self.w.a, ".coldstorage_delete")
        rename(p, p + ".x")
        self.pause()
        if self.rnd.random() < 0.5:
            open(p, "x").close()
            os.unlink(p)
        rename(p + ".x", p)

    def keep(self):
        p = os.path.join(self.folder(), ".nobackup")
        open(p, "x").close()
        self.pause()
        os.unlink(p)

    def quarantine(self):
        p = os.path.join(self.w.a, ".bk-quarantine")
        rename(p, p + ".x")
        how = self.rnd.randrange(3)
        if how == 0:
            os.symlink(os.path.dirname(self.secret), p)
        elif how == 1:
            os.mkdir(p)
        self.pause()
        if how == 0:
            os.unlink(p)
        elif how == 1:
            os.rmdir(p)
        rename(p + ".x", p)

    def index(self):
        p = os.path.join(os.path.dirname(self.file()), ".coldstorage-index")
        os.symlink(self.secret, p + ".l")
        rename(p + ".l", p)
        self.pause()
        if os.path.islink(p):
            os.unlink(p)

    def hard_link(self):
        """Of another's file, where the kernel lets him; of his, elsewhere."""
        p = os.path.join(self.w.a, "evil")
        os.link(self.secret, p)
        self.pause()
        os.unlink(p)

    def hard_link_out(self):
        p = os.path.join(self.w.disk, "others", "his")
        os.link(self.file(), p, follow_symlinks=False)
        self.pause()
        os.unlink(p)

    def mount(self):
        p = self.folder()
        where = self.rnd.choice([os.path.dirname(self.secret),
                                 os.path.join(self.w.src, "b")])
        # never over what a link leads to
        fd = os.open(p, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY)
        try:
            if libc.mount(os.fsencode(where), b"/proc/self/fd/%d" % fd, None,
                          MS_BIND, None) < 0:
                raise OSError(ctypes.get_errno(), "mount")
        finally:
            os.close(fd)
        self.pause()
        libc.umount2(os.fsencode(p), DETACH | NOFOLLOW)

    def pause(self):
        time.sleep(self.rnd.choice([0, 0, 0.001, 0.01, 0.05]))

    USER_TRIES = ["symlink", "symlink", "folder_link", "folder_link",
                  "folder_away", "folders_swap", "files_swap", "write",
                  "write", "wait_and_write", "map", "truncate", "chmod",
                  "marker", "keep", "quarantine", "index"]
    ROOT_TRIES = ["hard_link", "hard_link_out", "mount"]

    def fight(self, tries, out):
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stop", True))
        while not self.stop:
            name = self.rnd.choice(tries)
            try:
                getattr(self, name)()
                self.counts[name] += 1
            except (OSError, ValueError) as e:
                if getattr(e, "errno", None) == errno.EWOULDBLOCK:
                    self.counts["held up by a lease"] += 1
                else:
                    self.counts["in vain"] += 1
            time.sleep(self.rnd.random() * 0.004)
        os.write(out, json.dumps(self.counts).encode())


def let_fight(w, seed, uid, tries):
    back, out = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(back)
            if uid:
                os.setgid(uid)
                os.setuid(uid)
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            Enemy(w, seed).fight(tries, out)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(out)
    return pid, back


def end(enemy, counts):
    pid, back = enemy
    os.kill(pid, signal.SIGTERM)
    text = b""
    while True:
        piece = os.read(back, 65536)
        if not piece:
            break
        text += piece
    os.close(back)
    status = os.waitpid(pid, 0)[1]
    if status == 0:
        counts.update(json.loads(text))
    # before it had begun, and by a map of what the other cut off
    elif status not in (signal.SIGTERM, signal.SIGBUS):
        raise Lost(f"an enemy broke down: {status}")


def plant(w):
    w.plant("a/.coldstorage_delete", b"", own=False)
    w.plant("a/.coldstorage_redundant", b"", own=False)
    for i, f in enumerate(FILES):
        w.plant("a/" + f, b"%d\n" % i * 20000, own=False)
    w.plant("b/theirs", b"theirs\n", own=False)
    for folder, _, names in os.walk(w.a):
        os.chown(folder, USER, USER)
        for n in names:
            os.chown(os.path.join(folder, n), USER, USER)
    os.mkdir(os.path.join(w.disk, "others"), 0o755)
    for n in ["secret", "f0", "f3", "f5", "f6"]:
        with open(os.path.join(w.disk, "others", n), "w") as f:
            f.write("canary " + n)
    w.good("-q", "push")
    w.days(8)
    w.keep("pushed")
    w.good("-q", "release", "--yes")
    w.days(8)
    w.keep("held")


def canaries(w):
    """Of others: what may be changed by a link to it is left out."""
    return {p: (v[0], v[1], v[2], v[3], v[5])
            for top in [os.path.join(w.disk, "others"),
                        os.path.join(w.src, "b")]
            for p, v in picture(top).items() if os.path.basename(p) != "his"}


def on_boxes(w):
    """Hashes that are on both."""
    found = []
    for b in w.boxes:
        found.append({sha256(os.path.join(folder, n))
                      for folder, _, names in os.walk(w.path(b, "h", "DATA"))
                      for n in names})
    return set.intersection(*found)


def held(w):
    """Descriptors of all files of the user, by which we see them later."""
    return [os.open(os.path.join(folder, n), os.O_RDONLY)
            for folder, _, names in os.walk(w.a) for n in names
            if n[0] == "f" or os.path.basename(folder) == ".bk-quarantine"]


def unmount_all(w):
    """What is mounted in the user's folder, whatever it is called by now."""
    with open("/proc/self/mountinfo") as f:
        tops = [line.split()[4] for line in f]
    for p in reversed(tops):
        if p.startswith(w.a + "/"):
            libc.umount2(os.fsencode(p), DETACH | NOFOLLOW)


def round_(w, rnd, counts):
    base = rnd.choice(["pushed", "pushed", "held"])
    w.put_back(base)
    w.configure(rnd.choice(["0", "0", "7d"]))
    before, fds = canaries(w), held(w)
    good = on_boxes(w)
    enemies = [let_fight(w, rnd.random(), USER, Enemy.USER_TRIES),
               let_fight(w, rnd.random(), USER, Enemy.USER_TRIES),
               let_fight(w, rnd.random(), 0, Enemy.ROOT_TRIES)]
    delay = rnd.choice([0, 500, 1000, 3000])
    calls = rnd.choice(["renameat2", "unlinkat", "statx", "openat2", "fcntl",
                        "renameat2,unlinkat,statx,fsync"])
    try:
        got = w.bk("-q", "--json", "release", "--yes", strace=[
            "-o", "/dev/null", "-e", f"trace={calls}", "-e",
            f"inject={calls}:delay_enter={delay}"] if delay else None)
    finally:
        for e in enemies:
            end(e, counts)
        unmount_all(w)
    try:
        if got.returncode < 0 or got.returncode > 78 or got.returncode == 70:
            raise Lost(f"status {got.returncode}: {got.stderr.decode()}")
        if canaries(w) != before:
            raise Lost(f"canaries: {before} {canaries(w)}")
        for fd in fds:
            gone = os.fstat(fd).st_nlink == 0
            counts["went" if gone else "stayed"] += 1
            if gone and sha256(f"/proc/self/fd/{fd}") not in good:
                with open(f"/proc/self/fd/{fd}", "rb") as f:
                    raise Lost(f"deleted, and nowhere else: {f.read(40)}")
        w.recover()
        open_ = w.settled()
        if open_:
            raise Lost(f"open steps: {open_}")
    finally:
        for fd in fds:
            os.close(fd)


def main():
    alone()
    rounds = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began, counts = time.time(), collections.Counter()
    w = World()
    plant(w)
    for n in range(rounds):
        if time.time() - began > limit:
            rounds = n
            break
        try:
            round_(w, random.Random(f"{seed}.{n}"), counts)
        except Lost as e:
            print(f"LOST in round {n} of seed {seed}: {e}")
            sys.exit(1)
    for name, n in sorted(counts.items()):
        print(f"{n:8} {name}")
    print(f"{rounds} rounds, nothing lost, seed {seed}, "
          f"{time.time() - began:.0f} s")


main()
