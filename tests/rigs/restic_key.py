#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of a restic repository that cost nothing to open, for tests.

  restic_key.py reseal REPO
      Seals the one key of a new repository anew; its password is on stdin.
  restic_key.py OPTION... key add OPTION...
      As restic does it, as far as bk-restic asks for it.

Restic chooses how hard a password is to guess by how fast the machine is, so
that each of its runs takes half a second for that alone. Here it is the least
that restic takes. The format of a key is in restic's doc/design.rst, "Keys,
Encryption and MAC".

Exit 69 where Python's Cryptodome is missing; nothing is changed then.
"""
import argparse
import base64
import datetime
import hashlib
import json
import os
import sys

try:
    from Cryptodome.Cipher import AES
    from Cryptodome.Hash import Poly1305
except ImportError:
    sys.exit(69)


def derive(password, key):
    return hashlib.scrypt(password, salt=base64.b64decode(key["salt"]),
                          n=key["N"], r=key["r"], p=key["p"], dklen=64,
                          maxmem=1 << 30)


def crypt(key, nonce, data):
    return AES.new(key[:32], AES.MODE_CTR, nonce=b"",
                   initial_value=nonce).encrypt(data)


def mac(key, nonce, data):
    return Poly1305.new(key=key[32:], cipher=AES, nonce=nonce,
                        data=data).digest()


def unseal(password, key):
    derived = derive(password, key)
    sealed = base64.b64decode(key["data"])
    nonce, data = sealed[:16], sealed[16:-16]
    if mac(derived, nonce, data) != sealed[-16:]:
        return None
    return crypt(derived, nonce, data)


def store(folder, password, plain, user, host):
    key = {
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "username": user, "hostname": host,
        "kdf": "scrypt", "N": 2, "r": 1, "p": 1,
        "salt": base64.b64encode(os.urandom(64)).decode(),
    }
    derived, nonce = derive(password, key), os.urandom(16)
    data = crypt(derived, nonce, plain)
    key["data"] = base64.b64encode(nonce + data +
                                   mac(derived, nonce, data)).decode()
    text = json.dumps(key).encode()
    name = hashlib.sha256(text).hexdigest()
    fd = os.open(os.path.join(folder, name),
                 os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(fd, "wb") as f:
        f.write(text)
    return name


def keys(folder):
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            yield name, json.load(f)


def reseal(repo):
    folder = os.path.join(repo, "keys")
    password = sys.stdin.buffer.read()
    [(name, key)] = keys(folder)
    store(folder, password, unseal(password, key), key["username"],
          key["hostname"])
    os.unlink(os.path.join(folder, name))


def first_line(file):
    with open(file, "rb") as f:
        return f.read().rstrip(b"\r\n")


def add():
    p = argparse.ArgumentParser()
    p.add_argument("-r", "--repo", required=True)
    p.add_argument("--password-file", required=True)
    p.add_argument("--new-password-file", required=True)
    p.add_argument("--user", default="root")
    p.add_argument("--host", default="host")
    p.add_argument("words", nargs="*")
    a, _ = p.parse_known_args()
    folder = os.path.join(a.repo, "keys")
    password = first_line(a.password_file)
    opened = [unseal(password, key) for _, key in keys(folder)]
    plain = next((o for o in opened if o), None)
    if not plain:
        sys.exit("Fatal: wrong password or no key found")
    name = store(folder, first_line(a.new_password_file), plain, a.user,
                 a.host)
    print("saved new key with ID", name)


if sys.argv[1] == "reseal":
    reseal(sys.argv[2])
else:
    add()
