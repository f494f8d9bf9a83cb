#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person at a terminal: type.py [PROMPT TEXT]... -- COMMAND...

Runs the command on a terminal of its own, and each time that its output ends
in PROMPT, and the terminal shows nothing that is typed, types TEXT and a
newline ('^C': that key instead). Output goes to stdout, the exit status is
the command's; 124 after 60 seconds."""
import os
import pty
import select
import sys
import termios
import time

split = sys.argv.index("--")
script = list(zip(sys.argv[1:split:2], sys.argv[2:split:2]))
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
seen, end = b"", time.monotonic() + 60
while time.monotonic() < end:
    if select.select([fd], [], [], 0.02)[0]:
        try:
            got = os.read(fd, 4096)
        except OSError:
            break
        os.write(1, got)
        seen += got
    if (script and seen.rstrip().endswith(script[0][0].encode()) and
            not termios.tcgetattr(fd)[3] & termios.ECHO):
        text = script.pop(0)[1].encode()
        os.write(fd, b"\x03" if text == b"^C" else text + b"\n")
        seen = b""
else:
    os.kill(pid, 9)
    sys.exit(124)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
