# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest of QEMU, without hardware support for it: the distribution's kernel,
a root of the host's own programs, and guest_init.c, which does what a script
says and tells each line. The power can be cut at any time."""
import glob
import lzma
import os
import re
import shutil
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
QEMU = "qemu-system-x86_64"
MODULES = ["virtio_pci", "virtio_blk", "ext4", "dm-log-writes"]


class Kernel:
    """$KERNEL: the root of a package that was unpacked; or the one of this
    host, or the package is fetched into folder. top: None where it is not."""

    def __init__(self, folder):
        self.top = None
        for top in [os.environ.get("KERNEL"), "/", folder]:
            if top == folder and not self.fetch(folder):
                break
            if top and glob.glob(top + "/boot/vmlinuz-*"):
                self.image = sorted(glob.glob(top + "/boot/vmlinuz-*"))[-1]
                self.version = self.image.split("vmlinuz-")[1]
                self.top = top
                break

    def fetch(self, folder):
        """Debian's smallest kernel."""
        if not shutil.which("apt-get"):
            return False
        found = subprocess.run(
            ["apt-cache", "depends", "linux-image-cloud-amd64"],
            capture_output=True, text=True, check=False).stdout
        name = re.search(r"Depends: (linux-image-\S+)", found)
        if not name or subprocess.run(
                ["apt-get", "-qq", "download", name[1]], cwd=folder,
                stderr=subprocess.DEVNULL, check=False).returncode != 0:
            return False
        return subprocess.run(
            ["dpkg-deb", "-x"] + glob.glob(folder + "/*.deb") + [folder],
            check=False).returncode == 0

    def modules(self, names):
        """[(name, bytes)], what a module needs before it."""
        found, files = {}, {}
        for p in glob.glob(f"{self.top}/lib/modules/{self.version}/kernel/"
                           "**/*.ko*", recursive=True):
            files[os.path.basename(p).split(".ko")[0].replace("-", "_")] = p

        def add(name):
            name = name.replace("-", "_")
            if name in found or name not in files:
                return  # it is there, or a part of the kernel
            with open(files[name], "rb") as f:
                data = f.read()
            if files[name].endswith(".xz"):
                data = lzma.decompress(data)
            needs = re.search(rb"\0depends=([^\0]*)\0", data)
            for n in (needs[1].decode().split(",") if needs else []):
                add(n)
            found[name] = data
        for n in names:
            add(n)
        return list(found.items())


class Root:
    """Files for a root in memory, as an archive of cpio."""

    def __init__(self):
        self.parts, self.seen = [], set()

    def folder(self, path):
        if path != "/" and path not in self.seen:
            self.folder(os.path.dirname(path))
            self.add(path, b"", 0o40755)

    def add(self, path, data, mode=0o100755):
        if path in self.seen:
            return
        self.folder(os.path.dirname(path))
        self.seen.add(path)
        name = path.lstrip("/").encode() + b"\0"
        self.put(b"070701" + b"".join(b"%08X" % n for n in [
            len(self.seen), mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0,
            len(name), 0]) + name)
        self.put(data)

    def put(self, data):
        self.parts += [data, bytes(-len(data) % 4)]

    def program(self, path, to=None):
        """With the libraries that it needs."""
        with open(path, "rb") as f:
            self.add(to or path, f.read())
        libs = subprocess.run(["ldd", path], capture_output=True, text=True,
                              check=False).stdout
        for lib in re.findall(r"(/\S+) \(0x", libs):
            with open(lib, "rb") as f:
                self.add(lib, f.read())

    def write(self, path):
        self.add("/TRAILER!!!", b"")
        with open(path, "wb") as f:
            f.write(b"".join(self.parts))


class Guest:
    """One that runs. Lines: what it tells."""

    def __init__(self, kernel, root, disks):
        argv = [QEMU, "-machine", "pc", "-accel", "tcg", "-cpu", "max", "-m",
                "384", "-nodefaults", "-display", "none", "-no-reboot",
                "-kernel", kernel.image, "-initrd", root, "-serial", "stdio",
                "-append", "console=ttyS0 quiet loglevel=3 panic=-1 "
                "no_timer_check mitigations=off random.trust_cpu=on "
                "rdinit=/init"]
        for d in disks:
            argv += ["-drive", f"file={d},if=virtio,format=raw"]
        self.run = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT)

    def lines(self):
        for line in self.run.stdout:
            text = line.decode(errors="replace").strip()
            if os.environ.get("VERBOSE"):
                print("  ", text, file=sys.stderr, flush=True)
            yield text

    def cut(self, after=0.0):
        """The power, so many seconds from now."""
        time.sleep(after)
        self.run.kill()
        self.run.wait()
        self.run.stdout.close()
