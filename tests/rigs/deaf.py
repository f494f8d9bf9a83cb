#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts what answers nobody, and runs a command beside it.

  deaf.py autofs|fuse DIR SECONDS COMMAND...

In a mount namespace of its own only. Ends with the status of the command, 124
where that hangs, 125 where it made the automount ask for its file system, and
77 where such a thing cannot be mounted here.
"""
import ctypes
import os
import subprocess
import sys

kind, path, seconds, command = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4:]
libc = ctypes.CDLL(None, use_errno=True)


def mount(options):
    if libc.mount(b"deaf", os.fsencode(path), kind.encode(), 0, options.encode()):
        print(f"{kind}: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        sys.exit(77)


try:
    if kind == "autofs":
        # its own process group may look at it without asking
        os.setpgid(0, 0)
        asked, to_ask = os.pipe()
        os.set_blocking(asked, False)
        mount(f"fd={to_ask},pgrp={os.getpgrp()},minproto=5,maxproto=5,direct")
        os.close(to_ask)
    else:
        fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        mount(f"fd={fuse},rootmode=40000,user_id=0,group_id=0")
except OSError as e:
    print(f"{kind}: {e}", file=sys.stderr)
    sys.exit(77)
child = subprocess.Popen(command, start_new_session=True)
try:
    status = child.wait(seconds)
except subprocess.TimeoutExpired:
    child.kill()
    sys.exit(124)
if kind == "autofs":
    try:
        os.read(asked, 4096)
        status = 125
    except BlockingIOError:
        pass
sys.exit(status)
