#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes a tree at random, and after each change compares the plan of a
re-scan with that of a full scan.

scan_random.py DIR STEPS SEED [mounts]: DIR is empty, on the file system to
try; "mounts" in a mount namespace of its own only. Prints what it did; exits
1 at the first difference, leaving the tree and both plans as they are. One
step in ten is also compared with the plan of the cache alone.

scan-random.bats runs some hundred steps on each file system. A long run, of
minutes, on what is mounted at DIR:

    unshare -m nice python3 tests/rigs/scan_random.py DIR 100000 7 mounts

Environment: BK_BIN (build), where bk-scan is; T, an empty folder of this user
alone for the configuration, state and cache (a new one in $TMPDIR). GRAIN: the
time stamps of this file system are that exact, in seconds. Then bk-scan is
made to believe what is twice that old, instead of reading all again that
changed in the last 3 seconds, which here is nearly everything. IMAGE: what is
mounted at DIR, with "-o loop", to be unmounted and mounted now and then. Who
is not root denies himself folders as well.
"""
import ctypes
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

base, steps, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
mounts = len(sys.argv) > 4
rnd = random.Random(seed)
top = os.path.join(base, "tree")
work = os.environ.get("T") or tempfile.mkdtemp(prefix="scan-random.")
bk = os.path.join(os.path.abspath(os.environ.get("BK_BIN", "build")), "bk-scan")
libc = ctypes.CDLL(None, use_errno=True)
MARKERS = [".backup", ".nobackup", ".coldstorage", ".coldstorage_redundant",
           ".coldstorage_delete"]
TEXTS = ["", "", "", "set = other\n", "set = home other\n", "set = nope\n",
         "exclude = *.o\n", "exclude = *.p\n", "boxes = a\n", "nonsense\n"]
NAMES = ["a", "b", "c", "d", "e\n", "\udcff", " x", "lib", ".backupx", "-r"]
RM = ["rm", "-rf", "--one-file-system", "--"]
mounted = []
counts = {}
grain = float(os.environ.get("GRAIN", "0"))
image = os.environ.get("IMAGE")
fstype = subprocess.run(["stat", "-f", "-c", "%T", base], check=True,
                        stdout=subprocess.PIPE, text=True).stdout.strip()

os.mkdir(top)
os.makedirs(os.path.join(top, "conf"))
with open(os.path.join(work, "bk.conf"), "w") as f:
    f.write(f"""[scan]
root = {top}
jobs = {rnd.choice([1, 3, 32])}
{f'root = {top}/a/b' if seed % 4 > 1 else ''}
{'cross-mounts = yes' if seed % 2 else ''}
{'fstype = tmpfs' if seed % 2 else ''}
[repo main]
url = {work}/repo
password = file:{work}/pw
[backup home]
repo = main
markers = yes
[backup other]
repo = main
path = {top}/conf
path = {top}/a/b
path = {base}/none
""")
os.chmod(os.path.join(work, "bk.conf"), 0o600)
env = dict(os.environ, BK_CONFIG=work + "/bk.conf", BK_STATE_DIR=work + "/s",
           BK_CACHE_DIR=work + "/c")


if grain:
    # its clock is ahead: changes are older to it than they are
    shim = os.path.join(work, "clock")
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o",
                    shim + ".so", os.path.join(os.path.dirname(
                        os.path.abspath(__file__)), "clock.c")], check=True)
    env["AHEAD_NS"] = str(3 * 10**9 - int(grain * 2e9))
    env["LD_PRELOAD"] = shim + ".so"
    env["ASAN_OPTIONS"] = "verify_asan_link_order=0"

for d in ("s", "c"):
    os.makedirs(os.path.join(work, d), mode=0o700, exist_ok=True)


def plan(name, *args):
    path = os.path.join(work, name)
    pid = os.posix_spawn(bk, [bk, *args], env, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
         0o600),
        (os.POSIX_SPAWN_OPEN, 2, path + ".err",
         os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)])
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with open(path, "rb") as f:
        text = f.read()
    return status, re.sub(rb'"time":"[^"]*"', b"", text)


def folders():
    found = []

    def walk(d):
        found.append(d)
        try:
            for e in os.scandir(d):
                if e.is_dir(follow_symlinks=False):
                    walk(e.path)
        except OSError:
            pass
    walk(top)
    return found


def rename(a, b, flags):
    if libc.renameat2(-100, os.fsencode(a), -100, os.fsencode(b), flags) < 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def pick():
    return rnd.choice(known)


def some_marker():
    for _ in range(20):
        d = pick()
        here = [m for m in MARKERS if os.path.lexists(os.path.join(d, m))]
        if here:
            return os.path.join(d, rnd.choice(here))
    raise OSError(0, "no marker")


def remove(d):
    """Not what is mounted in it: that may have moved along with a folder."""
    if mounted:
        subprocess.run(RM + [d], check=True, stderr=subprocess.DEVNULL)
    else:
        shutil.rmtree(d)


def inner():
    for _ in range(20):
        d = pick()
        if d != top and d not in (m for m in mounted):
            return d
    raise OSError(0, "no folder")


def put(path, text):
    """Fails, and does not wait, where a FIFO is in its place."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK,
                 0o666)
    with os.fdopen(fd, "w") as f:
        f.write(text)


def op_mkdir():
    os.makedirs(os.path.join(pick(), *(rnd.choice(NAMES) for _ in
                range(rnd.randint(1, 3)))))


def op_mark():
    put(os.path.join(pick(), rnd.choice(MARKERS)), rnd.choice(TEXTS))


def op_unmark():
    os.unlink(some_marker())


def op_rename_marker():
    m = some_marker()
    os.rename(m, os.path.join(os.path.dirname(m), rnd.choice(MARKERS)))


def op_move_marker():
    os.rename(some_marker(), os.path.join(pick(), rnd.choice(MARKERS)))


def op_edit():
    m = some_marker()
    st = os.stat(m)
    with open(m, "r+b") as f:
        old = f.read()
        f.seek(0)
        f.write(old.replace(b"*.o", b"*.q") if b"*.o" in old else
                old.replace(b"home", b"othe"))
    os.utime(m, ns=(st.st_atime_ns, st.st_mtime_ns))


def op_replace():
    m = some_marker()
    os.unlink(m)
    put(m, rnd.choice(TEXTS))


def op_link_marker():
    os.link(some_marker(), os.path.join(pick(), rnd.choice(MARKERS)))


def op_odd_marker():
    m = os.path.join(pick(), rnd.choice(MARKERS))
    rnd.choice([lambda: os.symlink("x", m), lambda: os.mkdir(m),
                lambda: os.mkfifo(m), lambda: put(m, "x" * 70000)])()


def op_own():
    p = some_marker() if rnd.random() < .7 else inner()
    if rnd.random() < .5:
        os.chown(p, rnd.choice([0, 1234]), 0, follow_symlinks=False)
    else:
        os.chmod(p, rnd.choice([0o644, 0o666, 0o755]))


def op_rmtree():
    d = inner()
    if not any(m.startswith(d + "/") or m == d for m in mounted):
        remove(d)


def op_rename():
    os.rename(inner(), os.path.join(pick(), rnd.choice(NAMES)))


def op_exchange():
    rename(inner(), inner(), 2)


def op_recreate():
    d = inner()
    if any(m.startswith(d + "/") or m == d for m in mounted):
        return
    marks = [m for m in MARKERS if rnd.random() < .2]
    remove(d)
    os.mkdir(d)
    for m in marks:
        put(os.path.join(d, m), "")


def op_file():
    put(os.path.join(pick(), "f%d" % rnd.randint(0, 9)), "")


def op_unlink():
    os.unlink(os.path.join(pick(), "f%d" % rnd.randint(0, 9)))


def op_touch():
    p = inner() if rnd.random() < .6 else some_marker()
    t = rnd.choice([0, time.time_ns() - 10 ** 12, time.time_ns() + 10 ** 12])
    os.utime(p, ns=(t, t), follow_symlinks=False)


def op_swap_link():
    d = inner()
    e = os.path.join(pick(), "moved%d" % rnd.randint(0, 3))
    os.rename(d, e)
    os.symlink(os.path.relpath(e, os.path.dirname(d)), d)


def op_hide():
    """A change whose mtime is set back."""
    d = pick()
    st = os.stat(d)
    put(os.path.join(d, rnd.choice(MARKERS)), "")
    os.utime(d, ns=(st.st_atime_ns, st.st_mtime_ns))


def mount(*args):
    subprocess.run(["mount", *args], check=True, stderr=subprocess.DEVNULL)


def op_mount():
    if not mounts or len(mounted) > 3:
        return
    d = inner()
    if rnd.random() < .4:
        d = os.path.join(top, rnd.choice(["conf", "a", "a/b"]))
    if d in mounted:
        return
    kind = rnd.choice(["tmpfs", "bind", "same", "file"])
    if kind == "tmpfs":
        mount("-t", "tmpfs", "x", d)
        for name in "in", "b/in":
            os.makedirs(os.path.join(d, name))
            put(os.path.join(d, name, rnd.choice(MARKERS)), "")
    elif kind == "bind":
        mount("--bind", inner(), d)
    elif kind == "same":
        mount("--bind", d, d)
    else:
        d = some_marker()
        put(work + "/text", rnd.choice(TEXTS))
        mount("--bind", work + "/text", d)
    mounted.append(d)


def op_umount():
    if mounted:
        d = mounted.pop(rnd.randrange(len(mounted)))
        subprocess.run(["umount", "-l", "--", d], check=False,
                       stderr=subprocess.DEVNULL)


def btrfs(*args):
    subprocess.run(["btrfs", "-q", "subvolume", *args], check=True,
                   stderr=subprocess.DEVNULL)


def op_subvolume():
    btrfs("create", os.path.join(pick(), rnd.choice(NAMES)))


def some_subvolume():
    found = [d for d in known if os.path.lexists(d) and os.stat(d).st_ino == 256]
    return rnd.choice(found or [base])


def op_snapshot():
    btrfs("snapshot", some_subvolume(), os.path.join(top, "c%d" % rnd.randint(0, 3)))


def op_delete_subvolume():
    d = some_subvolume()
    if d != base and not any(m.startswith(d + "/") or m == d for m in mounted):
        btrfs("delete", d)


def op_sync():
    subprocess.run(["sync", "-f", base], check=True)


def op_remount():
    """Other device numbers, and all that was in memory alone is gone."""
    if image and not mounted:
        subprocess.run(["umount", base], check=True, stderr=subprocess.DEVNULL)
        mount("-o", "loop", image, base)


def op_deny():
    os.chmod(inner(), rnd.choice([0, 0o311, 0o444, 0o600]))


def op_allow():
    for d in folders():
        os.chmod(d, 0o755)


def op_wait():
    time.sleep(rnd.choice([0, .001, .01]))


OPS = [(op_mkdir, 14), (op_mark, 14), (op_unmark, 6), (op_rename_marker, 4),
       (op_move_marker, 4), (op_edit, 6), (op_replace, 4), (op_link_marker, 2),
       (op_odd_marker, 1), (op_own, 3), (op_rmtree, 3), (op_rename, 12),
       (op_exchange, 5), (op_recreate, 4), (op_file, 6), (op_unlink, 3),
       (op_touch, 4), (op_swap_link, 1), (op_hide, 4), (op_mount, 5),
       (op_umount, 3), (op_wait, 4)]
if fstype == "btrfs":
    OPS += [(op_subvolume, 3), (op_snapshot, 2), (op_delete_subvolume, 2)]
if image:
    OPS += [(op_sync, 2), (op_remount, 1)]
if os.geteuid() != 0:
    OPS += [(op_deny, 8), (op_allow, 3)]
OPS, WEIGHTS = zip(*OPS)
known = [top]
for _ in range(min(200, steps)):
    known.append(os.path.join(rnd.choice(known[-50:]), "i%d" % len(known)))
    os.mkdir(known[-1])
start = time.time()
proved = total = 0
for step in range(steps):
    if step % 1000 == 999:
        print(f"{step + 1} steps, {time.time() - start:.0f} s", flush=True)
    if step % 20 == 0:
        known = folders()
        if len(known) > 400:
            victim = rnd.choice(os.listdir(top))
            if not any(m.startswith(os.path.join(top, victim)) for m in mounted):
                subprocess.run(RM + [os.path.join(top, victim)],
                               check=False, stderr=subprocess.DEVNULL)
    for _ in range(rnd.choice([0, 1, 1, 1, 2, 5])):
        op = rnd.choices(OPS, WEIGHTS)[0]
        try:
            op()
            counts[op.__name__] = counts.get(op.__name__, 0) + 1
        except (OSError, subprocess.CalledProcessError):
            pass
    want = plan("full", "-n", "--full", "--json", "list")
    got = plan("fresh", "--json", "-v", "list")
    if want != got:
        print(f"seed {seed}, step {step}: the plans differ "
              f"({want[0]}, {got[0]})", flush=True)
        os._exit(1)
    if step % 10 == 0 and plan("cached", "--cached", "--json", "list") != got:
        print(f"seed {seed}, step {step}: the cache says something else",
              flush=True)
        os._exit(1)
    with open(work + "/fresh.err", "rb") as f:
        n = re.search(rb"of (\d+) known folders, (\d+) were", f.read())
    if n:
        total += int(n[1])
        proved += int(n[2])
while mounted:
    op_umount()
print(f"{steps} steps in {time.time() - start:.0f} s, "
      f"{len(folders())} folders at the end, {100 * proved / max(total, 1):.0f} % of "
      "those known proved:",
      ", ".join(f"{k[3:]} {v}" for k, v in sorted(counts.items())))
