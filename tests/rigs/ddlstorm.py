#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes definitions at random while bk-dbdump dumps, and judges the dumps.

ddlstorm.py SOCKET TWIN DIR SEED SECONDS

One session works on the database storm of the server at SOCKET, a statement
after the other, of which a list is kept. Each dump that ended with 0 is loaded
into the server at TWIN, and must be what storm was between two statements that
were done while it ran: the list is done again there, to see what that was.
Any other dump must have left no trailer, no folder, and a status that says
why. Prints how many dumps ended how; exit 1 with the first that is wrong.
"""
import os
import random
import shutil
import subprocess
import sys
import threading
import time

SOCKET, TWIN, DIR = sys.argv[1:4]
seed = int(sys.argv[4])
deadline = time.monotonic() + float(sys.argv[5])
NOTHING = "DROP DATABASE IF EXISTS storm; CREATE DATABASE storm; USE storm"
# 1 a change was found, 66 nothing there, 75 a lock: each is an answer
ANSWERS = (0, 1, 66, 75)


class Session:
    def __init__(self, sock):
        self.p = subprocess.Popen(
            ["mariadb", "--no-defaults", "-S", sock, "-N", "--batch", "--raw",
             "--force", "--unbuffered"], stdin=subprocess.PIPE, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def do(self, sql):
        self.p.stdin.write(sql + ";\nSELECT 'all done';\n")
        self.p.stdin.flush()
        lines = []
        while (line := self.p.stdout.readline()) != "all done\n":
            if not line:
                sys.exit("the server went away")
            lines.append(line)
        return lines

    def end(self):
        self.p.stdin.close()
        self.p.wait()


def portrait(s):
    """All of storm, as text."""
    where = "SCHEMA = 'storm' ORDER BY BINARY "
    names = s.do("SELECT TABLE_NAME FROM information_schema.TABLES WHERE "
                 f"TABLE_TYPE = 'BASE TABLE' AND TABLE_{where} TABLE_NAME")
    sql = ["SHOW CREATE DATABASE storm"]
    for n in map(str.strip, names):
        sql += [f"SHOW CREATE TABLE storm.{n}",
                f"SELECT * FROM storm.{n} ORDER BY id"]
    sql += ["SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_STATEMENT FROM "
            f"information_schema.TRIGGERS WHERE TRIGGER_{where} TRIGGER_NAME",
            "SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS "
            f"WHERE TABLE_{where} TABLE_NAME",
            "SELECT ROUTINE_NAME, ROUTINE_DEFINITION FROM information_schema."
            f"ROUTINES WHERE ROUTINE_{where} ROUTINE_NAME"]
    return "".join(s.do(";\n".join(sql)))


def statement(r):
    """What may be done next; that it fails now and then does no harm."""
    n, k = r.randrange(10**6), r.randrange(4)
    a, b = r.sample(["t0", "t1", "t2", "t3"], 2)
    rows = (f"SELECT seq, seq * {n % 97}, REPEAT('{n}', 20) FROM "
            f"seq_1_to_{r.randrange(200, 2000)}")
    return r.choice([
        f"CREATE TABLE IF NOT EXISTS {a} (id INT PRIMARY KEY, v INT, w "
        f"VARCHAR(200)); INSERT IGNORE INTO {a} (id, v, w) {rows}",
        f"CREATE OR REPLACE TABLE {a} (id INT PRIMARY KEY, v INT, "
        f"w VARCHAR(200)) AS {rows.replace('seq,', 'seq AS id,', 1)}",
        f"DROP TABLE IF EXISTS {a}",
        f"RENAME TABLE {a} TO x, {b} TO {a}, x TO {b}",
        f"RENAME TABLE {a} TO {b}",
        f"ALTER TABLE {a} ADD COLUMN c{k} INT DEFAULT {n}",
        f"ALTER TABLE {a} DROP COLUMN c{k}",
        f"ALTER TABLE {a} DROP COLUMN v; ALTER TABLE {a} ADD COLUMN v INT",
        f"ALTER TABLE {a} ADD KEY k{k} (v)",
        f"ALTER TABLE {a} ENGINE=InnoDB",
        f"ALTER TABLE {a} ENGINE={r.choice(['MyISAM', 'Aria', 'InnoDB'])}",
        f"TRUNCATE TABLE {a}",
        f"DELETE FROM {a} WHERE id % 7 = {n % 7}",
        f"UPDATE {a} SET v = {n} WHERE id % 5 = 0",
        f"INSERT IGNORE INTO {a} (id) VALUES ({n})",
        "ALTER TABLE p EXCHANGE PARTITION p1 WITH TABLE e",
        "ALTER TABLE p EXCHANGE PARTITION p1 WITH TABLE e; "
        "ALTER TABLE p EXCHANGE PARTITION p1 WITH TABLE e",
        "ALTER TABLE p TRUNCATE PARTITION p1",
        f"INSERT IGNORE INTO p VALUES ({n}, {n}), ({n % 500}, {n})",
        f"START TRANSACTION; INSERT IGNORE INTO base VALUES ({n}, 0); UPDATE "
        f"base SET v = v + 1; UPDATE {a} SET v = v + 1; COMMIT",
        f"CREATE OR REPLACE TRIGGER g{k} BEFORE INSERT ON {a} FOR EACH ROW "
        f"SET NEW.v = {n}",
        f"DROP TRIGGER IF EXISTS g{k}",
        f"CREATE OR REPLACE VIEW v{k} AS SELECT id, {n} AS n FROM base",
        f"DROP VIEW IF EXISTS v{k}",
        f"CREATE OR REPLACE FUNCTION f{k}() RETURNS INT RETURN {n}",
        f"DROP FUNCTION IF EXISTS f{k}",
    ]).split("; ")


class Storm(threading.Thread):
    def __init__(self):
        super().__init__()
        self.random = random.Random(seed)
        self.done = []  # statements, in order
        self.begun = 0
        self.stop = False
        self.session = Session(SOCKET)
        for s in FIRST:
            self.session.do(s)

    def run(self):
        while not self.stop:
            for s in statement(self.random):
                self.begun += 1
                self.session.do(s)
                self.done.append(s)
            # in bursts, with time to end a dump between them
            time.sleep(self.random.choice(
                [0, 0, 0.02, 0.05, 0.1, 0.2, 0.5, 2]))
        self.session.end()


FIRST = [
    *NOTHING.split("; "),
    "CREATE TABLE base (id INT PRIMARY KEY, v INT)",
    "INSERT INTO base SELECT seq, seq FROM seq_1_to_500",
    "CREATE TABLE e (id INT PRIMARY KEY, v INT)",
    "INSERT INTO e SELECT seq, -seq FROM seq_1_to_300",
    "CREATE TABLE p (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) "
    "(PARTITION p1 VALUES LESS THAN (500), "
    "PARTITION p2 VALUES LESS THAN MAXVALUE)",
    "INSERT INTO p SELECT seq, seq FROM seq_1_to_900",
]


def dump(i, r):
    """One dump: its status, and the file or folder."""
    path = os.path.join(DIR, f"dump{i}")
    argv = ["bk-dbdump", "dump", "-j", str(1 + i % 2), "main", "storm"]
    if i % 3 == 2:
        argv[2:2] = ["-o", path]
        p = subprocess.run(argv, stderr=subprocess.PIPE, check=False)
        return p.returncode, path, p.stderr.decode()
    with subprocess.Popen(argv, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as p, open(path, "wb") as f:
        while data := p.stdout.read1(1 << 14):
            f.write(data)
            time.sleep(r.choice([0, 0, 0.05]))
        said = p.stderr.read().decode()
    return p.returncode, path, said


def wrong(text, *more):
    print(f"seed {seed}: {text}", *more, sep="\n")
    os._exit(1)


def text_of(path):
    if os.path.isdir(path):
        files = subprocess.run(["jq", "-r", ".files[].path",
                                path + "/manifest.json"], check=True,
                               capture_output=True, text=True).stdout.split()
        return b"".join(open(os.path.join(path, f), "rb").read()
                        for f in files)
    with open(path, "rb") as f:
        return f.read()


def check_failed(status, path, said):
    if status not in ANSWERS or not said:
        wrong(f"status {status}", said)
    if os.path.isdir(path):
        wrong(f"a folder, and status {status}", said)
    if os.path.exists(path):
        if b"-- bk-dbdump: complete" in text_of(path):
            wrong(f"a trailer, and status {status}", said)
        os.unlink(path)


storm = Storm()
storm.start()
r = random.Random(seed + 1)
good, failed = [], 0
while time.monotonic() < deadline:
    before = len(storm.done)
    status, path, said = dump(len(good) + failed, r)
    if status == 0:
        good.append((path, before, storm.begun, said))
    else:
        check_failed(status, path, said)
        failed += 1
storm.stop = True
storm.join()

# what each has, and what there was
twin = Session(TWIN)
has = []
for path, *_ in good:
    twin.do(NOTHING)
    got = subprocess.run(["mariadb", "--no-defaults", "--binary-mode", "-S",
                          TWIN], input=text_of(path), check=False,
                         capture_output=True)
    if got.returncode:
        wrong(f"{path} does not load", got.stderr.decode())
    has.append(portrait(twin))
    (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)
wanted = {k for _, a, b, _ in good for k in range(a, b + 1)}
for s in FIRST:
    twin.do(s)
was = {}
for k in range(len(storm.done) + 1):
    if k in wanted:
        was[k] = portrait(twin)
    if k < len(storm.done):
        twin.do(storm.done[k])
for (path, a, b, said), text in zip(good, has):
    if "all the time" in said:
        continue  # it says itself that it is not so exact
    if text not in (was[k] for k in range(a, b + 1) if k in was):
        last = was[min(b, len(storm.done))]
        with open(os.path.join(DIR, "has"), "w") as f:
            f.write(text)
        with open(os.path.join(DIR, "was"), "w") as f:
            f.write(last)
        wrong(f"{path} is of no moment, of statements {a} to {b}:",
              *storm.done[a:b + 1], said)
twin.end()
print(f"seed {seed}: {len(storm.done)} statements, {len(good)} dumps, "
      f"{failed} failed")
sys.exit(not good)
