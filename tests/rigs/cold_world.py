# SPDX-License-Identifier: GPL-3.0-or-later
"""A small world for bk-cold: a disk with marked folders and the catalog, two
boxes that are disks of their own, a clock that can be set ahead, and the
question that all runs of release_*.py ask: is every byte where the catalog
says that it is?

Disks are images of ext4 that can be kept and put back with all their inodes,
or tmpfs where that is not needed. Everything is below one folder, mounted in
a mount namespace that dies with us.
"""
import atexit
import ctypes
import fcntl
import glob
import hashlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile

DAY = 86400
STATES = ["moving", "held", "deleting", "gone", "returning", "back", "lost"]
LOOP_CTL_ADD, LOOP_CTL_REMOVE = 0x4C80, 0x4C81
PUNCH_HOLE = 3  # with KEEP_SIZE
# What the host's disk has, $FS; the boxes have ext4. How to make it, its
# size in MiB, and how it is mounted: nothing reaches a disk unless somebody
# asks for it.
FILE_SYSTEMS = {
    "ext4": (["mkfs.ext4", "-q", "-b", "1024", "-I", "256", "-J", "size=2",
              "-N", "512", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
             24, "commit=300"),
    "xfs": (["mkfs.xfs", "-q"], 320, ""),
    "btrfs": (["mkfs.btrfs", "-q", "-M"], 64, "commit=300"),
}
disk_fs = os.environ.get("FS", "ext4")
# Are the copies encrypted? $AGE.
sealing = "AGE" in os.environ
HELD = 1
UNSETTLED = {"moving", "deleting", "returning"}
here = os.path.dirname(os.path.abspath(__file__))
libc = ctypes.CDLL(None, use_errno=True)
# Of a run's cases, after it was made ready: seconds, $LIMIT.
limit = float(os.environ.get("LIMIT", "inf"))
# Which part of them, I/N of 1/N to N/N: runs side by side, $PART.
which, parts = map(int, os.environ.get("PART", "1/1").split("/"))
tools = os.path.abspath(os.environ.get("BK_BIN", "build"))


def part(cases):
    """Those of them that are this part's."""
    return cases[which - 1::parts]


class Lost(Exception):
    """The invariant is broken."""


def alone():
    """Run again as root of a mount namespace of our own."""
    if os.geteuid() != 0:
        sys.exit("needs root")
    if sealing and not shutil.which("age"):
        print("skipped: no age")
        sys.exit()
    if os.environ.get("COLD_WORLD") != "alone":
        os.environ["COLD_WORLD"] = "alone"
        os.execvp("unshare", ["unshare", "-m", sys.executable] + sys.argv)


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def facts(path):
    """What must survive of a file, wherever it lies."""
    s = os.lstat(path)
    names = sorted(os.listxattr(path, follow_symlinks=False))
    return (sha256(path), stat.S_IMODE(s.st_mode), s.st_uid, s.st_gid,
            s.st_mtime_ns,
            tuple((n, os.getxattr(path, n)) for n in names))


def copy(a, at, b, to, size):
    """A part of an image, its holes too, over what is there: that may be a
    loop device's."""
    with open(a, "rb") as f, open(os.open(b, os.O_RDWR | os.O_CREAT, 0o600),
                                  "r+b") as g:
        g.truncate(max(os.fstat(g.fileno()).st_size, to + size))
        # else a journal is found to go on with what an older one left
        if libc.fallocate(g.fileno(), PUNCH_HOLE, ctypes.c_long(to),
                          ctypes.c_long(size)) < 0:
            raise OSError(ctypes.get_errno(), f"cannot empty {b}")
        end, off = at + size, to - at
        while at < end:
            try:
                at = os.lseek(f.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            last = min(os.lseek(f.fileno(), at, os.SEEK_HOLE), end)
            while at < last:
                data = os.pread(f.fileno(), min(last - at, 1 << 20), at)
                at += os.pwrite(g.fileno(), data, at + off)


def picture(top):
    """Everything below a folder, inodes and change times too."""
    found = {}
    for folder, dirs, names in os.walk(top):
        for n in dirs + names:
            p = os.path.join(folder, n)
            s = os.lstat(p)
            what = None
            if stat.S_ISREG(s.st_mode):
                what = sha256(p)
            elif stat.S_ISLNK(s.st_mode):
                what = os.readlink(p)
            found[p] = (s.st_mode, s.st_uid, s.st_gid, s.st_ino,
                        s.st_nlink, what) + (
                (s.st_mtime_ns, s.st_ctime_ns)
                if not stat.S_ISDIR(s.st_mode) else ())
    return found


class World:
    """top: where it is made; images: on ext4, or on tmpfs."""

    def __init__(self, images=True, quarantine="7d"):
        self.top = tempfile.mkdtemp(prefix="cold-world.",
                                    dir=os.environ.get("TMPDIR", "/var/tmp"))
        self.images = images
        self.loops, self.first = {}, 100 + os.getpid() % 9000
        atexit.register(self.close)
        self.ahead = 0
        self.boxes = ["one", "two"]
        self.files = {}      # (path, hash): facts, of what must not be lost
        self.outside = {}    # picture of what nobody may touch
        self.exempt = set()  # (box, hash) that we broke once it was gone
        self.opened = {}     # what was seen to open: hash to hash
        self.disk = self.path("disk")
        self.src = os.path.join(self.disk, "src")
        self.a = os.path.join(self.src, "a")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs",
                        self.top], check=True)
        self.bin = tools
        self.clock = self.build("clock")
        self.short = self.build("short")
        os.mkdir(self.path("kept"))
        for d in ["disk"] + self.boxes:
            os.mkdir(self.path(d))
            self.make_disk(d)
        for d in ["state", "cache"]:
            os.mkdir(os.path.join(self.disk, d), 0o700)
        os.mkdir(self.path("run"), 0o700)
        if sealing:
            self.make_key()
        self.configure(quarantine)
        for b in self.boxes:
            self.good("-q", "init", b)

    def path(self, *names):
        return os.path.join(self.top, *names)

    def build(self, name):
        so = self.path(name + ".so")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", so,
                        os.path.join(here, name + ".c"), "-ldl"], check=True)
        return so

    # ---- disks ----

    def make_disk(self, d):
        if not self.images:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs",
                            self.path(d)], check=True)
            return
        self.loops[d] = self.loop()
        make, size, _ = FILE_SYSTEMS[self.fs(d)]
        with open(self.path(d + ".img"), "wb") as f:
            f.truncate((size if d == "disk" else 96) << 20)
        subprocess.run(make + [self.path(d + ".img")], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run(["losetup", self.loops[d], self.path(d + ".img")],
                       check=True)
        self.mount(d)

    def loop(self):
        """A loop device for us alone: boxes are told apart by its number."""
        control = os.open("/dev/loop-control", os.O_RDWR)
        try:
            for n in range(self.first, self.first + 1000):
                try:
                    fcntl.ioctl(control, LOOP_CTL_ADD, n)
                except FileExistsError:
                    continue
                dev = f"/dev/loop{n}"
                if not os.path.exists(dev):
                    os.mknod(dev, 0o600 | stat.S_IFBLK, os.makedev(7, n))
                return dev
        finally:
            os.close(control)
        raise OSError("no loop device")

    def fs(self, d):
        return disk_fs if d == "disk" else "ext4"

    def mount(self, d):
        if libc.mount(self.loops[d].encode(), self.path(d).encode(),
                      self.fs(d).encode(), 0,
                      FILE_SYSTEMS[self.fs(d)][2].encode()) < 0:
            raise OSError(ctypes.get_errno(), f"cannot mount {d}")

    def umount(self, check=True):
        for d in ["disk"] + self.boxes:
            if libc.umount2(self.path(d).encode(), 0) < 0 and check:
                raise OSError(ctypes.get_errno(), f"cannot unmount {d}")

    def keep(self, name):
        """Keep the disks as they are now, under a name."""
        self.umount()
        for d in ["disk"] + self.boxes:
            self.copy(d + ".img", os.path.join("kept", f"{name}.{d}"))
            self.mount(d)
        self.kept = getattr(self, "kept", {})
        self.kept[name] = (self.ahead, dict(self.files), dict(self.outside))

    def put_back(self, name):
        self.umount()
        for d in ["disk"] + self.boxes:
            self.copy(os.path.join("kept", f"{name}.{d}"), d + ".img")
            self.mount(d)
        self.ahead, files, outside = self.kept[name]
        self.files, self.outside = dict(files), dict(outside)

    def copy(self, a, b):
        size = os.path.getsize(self.path(a))
        copy(self.path(a), 0, self.path(b), 0, size)

    def close(self):
        atexit.unregister(self.close)
        os.chdir("/")
        self.umount(check=False)
        control = os.open("/dev/loop-control", os.O_RDWR)
        for dev in self.loops.values():
            subprocess.run(["losetup", "-d", dev], check=False)
            try:
                fcntl.ioctl(control, LOOP_CTL_REMOVE,
                            int(dev[len("/dev/loop"):]))
            except OSError:
                pass
        os.close(control)
        subprocess.run(["umount", "-R", "-l", self.top], check=False)
        os.rmdir(self.top)

    # ---- commands ----

    def make_key(self):
        subprocess.run(["age-keygen", "-o", self.path("key")], check=True,
                       stderr=subprocess.DEVNULL)
        subprocess.run(["age-keygen", "-y", "-o", self.path("to"),
                        self.path("key")], check=True)

    def configure(self, quarantine):
        sealed = (f"encrypt = age:{self.path('to')}\n"
                  f"identity = file:{self.path('key')}\n"
                  if sealing else "")
        with open(self.path("bk.conf"), "w") as f:
            f.write(f"""[host]
name = h
[scan]
root = {self.src}
[box one]
url = dir:{self.path("one")}
[box two]
url = dir:{self.path("two")}
[cold]
boxes = one two
redundant = one two
max-percent = 100
quarantine = {quarantine}
{sealed}""")
        os.chmod(self.path("bk.conf"), 0o600)

    def env(self):
        return {"PATH": self.bin + ":/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL": "C", "TZ": "UTC", "HOME": self.path("run"),
                "BK_STATE_DIR": os.path.join(self.disk, "state"),
                "BK_CACHE_DIR": os.path.join(self.disk, "cache"),
                "BK_RUN_DIR": self.path("run"),
                "BK_CONFIG": self.path("bk.conf")}

    def fake(self):
        return {"LD_PRELOAD": self.clock,
                "AHEAD_NS": str(self.ahead * 10**9)}

    def bk(self, *args, strace=None, short=None, timeout=60):
        """Run bk-cold; strace: its options, of that process alone; short:
        the call and which of it, for short.c."""
        if strace is None:
            argv, env = [os.path.join(self.bin, "bk-cold")], self.fake()
            if short:
                env["LD_PRELOAD"] += " " + self.short
                env.update({"SHORT_CALL": short[0], "SHORT_AT": str(short[1]),
                            "SHORT_TELL": self.path("short")})
        else:
            argv, env = ["strace", "-qq"], {}
            for k, v in self.fake().items():
                argv += ["-E", f"{k}={v}"]
            argv += strace + [os.path.join(self.bin, "bk-cold")]
        return subprocess.run(argv + list(args), env={**self.env(), **env},
                              stdin=subprocess.DEVNULL, cwd=self.top,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=timeout)

    def good(self, *args):
        got = self.bk(*args)
        if got.returncode != 0:
            raise Lost(f"bk-cold {args}: {got.returncode}: "
                       f"{got.stderr.decode(errors='replace')}")
        return got

    def days(self, n):
        self.ahead += int(n * DAY)

    # ---- what is in it ----

    def plant(self, path, data, mode=0o644, own=True):
        p = os.path.join(self.src, path)
        os.makedirs(os.path.dirname(p), exist_ok=True)
        with open(p, "wb") as f:
            f.write(data)
        os.chmod(p, mode)
        if own:
            self.own(p)
        return p

    def own(self, p):
        """What is there now must not be lost."""
        f = facts(p)
        self.files[p, f[0]] = f

    def plant_all(self):
        """What is released, what must stay, and what is not ours."""
        self.plant("a/.coldstorage_delete", b"", own=False)
        self.plant("a/.coldstorage_redundant", b"", own=False)
        self.plant("a/hello", b"hello\n")
        p = self.plant("a/sub/new\nline", bytes(range(256)) * 1200, 0o640,
                       own=False)
        os.setxattr(p, "user.note", b"x")
        self.own(p)
        self.plant("a/sub/empty", b"")
        self.plant("a/keep/.nobackup", b"", own=False)
        self.plant("a/keep/mine", b"mine\n", own=False)
        self.plant("b/theirs", b"theirs\n", own=False)
        os.symlink("../b/theirs", os.path.join(self.a, "link"))
        self.plant("a/twice", b"twice\n", own=False)
        os.link(os.path.join(self.a, "twice"), os.path.join(self.a, "twin"))
        self.look()

    def stays(self, p):
        """Is it none of what a release may touch?"""
        if not os.path.realpath(os.path.dirname(p)).startswith(self.a):
            return True
        return (os.path.basename(p) != ".coldstorage-index" and
                "/.bk-quarantine" not in p)

    def others(self):
        ours = {p for p, _ in self.files}
        return {p: v for p, v in picture(self.src).items()
                if p not in ours and self.stays(p)
                and not stat.S_ISDIR(v[0])}

    def look(self):
        self.outside = self.others()

    # ---- the catalog ----

    def ask(self, sql):
        """Of a copy of the catalog: nobody repairs it by our asking."""
        at = self.path("asked.db")
        real = os.path.join(self.disk, "state", "cold", "catalog.db")
        for end in ["", "-wal", "-shm"]:
            if os.path.exists(at + end):
                os.unlink(at + end)
        for end in ["", "-wal"]:
            if os.path.exists(real + end):
                shutil.copyfile(real + end, at + end)
        if not os.path.exists(at):
            return []
        db = sqlite3.connect(at)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def journal(self):
        """(path, hash): (state, place, file, top), the last of each."""
        last = {}
        for path, sha, state, place, file, top in self.ask(
                "SELECT r.path, n.sha256, state, place, file, top"
                " FROM release r LEFT JOIN file f ON f.id = r.file"
                " LEFT JOIN content n ON n.id = f.content ORDER BY r.id"):
            last[os.fsdecode(path), sha] = (STATES[state], place, file,
                                            os.fsdecode(top))
        return last

    def copies(self, file):
        return self.ask(
            "SELECT b.name, c.object, n.sha256, c.sealed FROM file f"
            " JOIN content n ON n.id = f.content"
            " JOIN copy c ON c.content = n.id JOIN box b ON b.id = c.box"
            f" WHERE f.id = {int(file)}")

    def on_boxes(self, file, want):
        """Why a file of this hash is not on all boxes; None: it is."""
        found = {}
        for box, obj, sha, sealed in self.copies(file):
            obj = obj.decode() if isinstance(obj, bytes) else obj
            if sha == want:
                found[box] = obj, sealed or want
        for b in self.boxes:
            if b not in found:
                return f"box {b} has no copy of it in the catalog"
            if (b, want) in self.exempt:
                continue
            obj, there = found[b]
            p = self.path(b, obj)
            if not os.path.exists(p) or sha256(p) != there:
                return f"box {b} has not its bytes"
            if sealing and self.open_copy(p, there) != want:
                return f"box {b} has what opens to other bytes"
            if not any(f"{there}  {obj}" in open(s).read()
                       for s in glob.glob(self.path(b, "h", "SHA256SUMS.*"))):
                return f"no list on box {b} names it"
        return None

    def open_copy(self, p, sha):
        if sha not in self.opened:
            self.opened[sha] = hashlib.sha256(subprocess.run(
                ["age", "-d", "-i", self.path("key"), p], check=True,
                stdout=subprocess.PIPE).stdout).hexdigest()
        return self.opened[sha]

    # ---- the question ----

    def trouble_of(self, path, want, entry):
        """What is wrong with one file; None: it is where it is said to be."""
        state, place, file, top = entry or (None, None, None, None)
        at_home = os.path.isfile(path) and sha256(path) == want[0]
        if state in UNSETTLED:
            return f"unsettled: {state}"
        if state == "held":
            p = os.path.join(top, ".bk-quarantine", place)
            if not os.path.exists(p):
                return "held, and not in the quarantine"
            return None if facts(p) == want else "held, and not as it was"
        if state == "gone" and not at_home:
            return self.on_boxes(file, want[0])
        if not at_home:
            return f"lost: {state}"
        return None if facts(path) == want else "at home, and not as it was"

    def trouble(self):
        """All that is wrong, after a run that settled everything."""
        journal = self.journal()
        found = []
        for (path, sha), want in self.files.items():
            why = self.trouble_of(path, want, journal.get((path, sha)))
            if why:
                found.append(f"{path!r}: {why}")
        known = {p.decode() if isinstance(p, bytes) else p for p, in self.ask(
            f"SELECT place FROM release WHERE state = {HELD}")}
        for folder, _, names in os.walk(self.a):
            if os.path.basename(folder) == ".bk-quarantine":
                found += [f"in quarantine, and unknown: {n}"
                          for n in names if n not in known and n != "index"]
        now = self.others()
        found += [f"changed: {p!r}: {self.outside.get(p)} {now.get(p)}"
                  for p in sorted(set(self.outside) | set(now))
                  if self.outside.get(p) != now.get(p)]
        return found

    def settled(self):
        """Is no step of the journal open? What a good run leaves."""
        return [p for p, e in self.journal().items() if e[0] in UNSETTLED]

    def recover(self, n=0):
        """The next start, of any kind (n): it replays the journal, and finds
        nothing to do."""
        nowhere = self.path("nowhere")
        args, want = [(["undo", nowhere], 66), (["init", "one"], 0),
                      (["get", "--yes", "--to", nowhere, nowhere], 66)][n % 3]
        got = self.bk("-q", *args)
        if got.returncode != want:
            raise Lost(f"{args}: {got.returncode}: {got.stderr.decode()}")

    def judge(self, what):
        found = self.trouble()
        if found:
            raise Lost("\n".join([what] + found))


def records(got):
    return [json.loads(line) for line in got.stdout.splitlines()]
