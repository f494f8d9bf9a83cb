#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person in a dialogue: answer.py [PROMPT TEXT]... -- COMMAND...

Runs the command on a terminal of its own, and each time that its output ends
in PROMPT types TEXT and a newline. '^C' is that key and '^D' that key, instead;
'!SCRIPT' runs SCRIPT in a shell first, then types a newline alone. Questions
come in the order given. Output goes to stdout, the exit status is the
command's; 124 after 60 seconds, 125 where a question was not asked."""
import os
import pty
import select
import subprocess
import sys
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
    if script and seen.rstrip().endswith(script[0][0].encode()):
        text = script.pop(0)[1]
        if text.startswith("!"):
            subprocess.run(["sh", "-c", text[1:]], check=False)
            text = ""
        keys = {"^C": b"\x03", "^D": b"\x04"}
        os.write(fd, keys.get(text, text.encode() + b"\n"))
        seen = b""
else:
    os.kill(pid, 9)
    sys.exit(124)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if script and status == 0:
    sys.exit(125)
sys.exit(status if status >= 0 else 128 - status)
