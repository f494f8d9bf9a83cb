#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyring files of keyrings.cryptfile, read and written without our code.

  cryptfile.py decode FILE [--user NAME]... [--cache FILE]
      the master on stdin; a line of JSON for each entry: service, user (as
      stored, in lower case), secret_hex; or error. Exit 1 where one does not
      open. --user: a name with capitals, which are under the seal.
  cryptfile.py encode [OPTION]...
      {"master": TEXT, "entries": [[SERVICE, USER, SECRET], ...]} on stdin, a
      store on stdout: any dialect that there is.
      --cache FILE: salt and key are kept there, which saves the derivation.
  cryptfile.py harm FILE SERVICE USER salt|nonce|mac|data
      the store with one bit of that part turned, on stdout.
"""
import argparse
import base64
import configparser
import json
import os
import re
import sys

from argon2.low_level import Type, hash_secret_raw
from Cryptodome.Cipher import AES

SETTING = ("keyring-setting", "password reference", "password reference value")
NONCES = {"GCM": 16, "EAX": 16, "CCM": 11, "OCB": 15}


def escape(name):
    return "".join(c if re.fullmatch("[A-Za-z0-9]", c) else
                   "".join("_%02X" % b for b in c.encode())
                   for c in name)


def unescape(name):
    raw = re.sub(b"_([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]),
                 name.encode())
    return raw.decode()


def derive(master, salt):
    return hash_secret_raw(master, salt, time_cost=15, memory_cost=65536,
                           parallelism=2, hash_len=16, type=Type.ID,
                           version=19)


def joiner_of(version):
    if version is None:
        return b"\0"
    v = tuple(int(n) for n in version.split("."))
    return b"\\0" if (1, 3, 6) <= v < (1, 3, 9) else b"\0"


class OCB:
    """RFC 7253, for PyCryptodome before 3.17 errs at nonces of 15 bytes."""

    def __init__(self, key, nonce):
        self.ecb = AES.new(key, AES.MODE_ECB)
        self.l_star = self.ecb.encrypt(bytes(16))
        self.l_dollar = self.double(self.l_star)
        n = bytes(15 - len(nonce)) + b"\1" + nonce
        bottom = n[15] & 63
        top = self.ecb.encrypt(n[:15] + bytes([n[15] & 192]))
        stretch = int.from_bytes(top + self.xor(top[:8], top[1:9]), "big")
        self.start = ((stretch >> (64 - bottom)) & (2**128 - 1)).to_bytes(
            16, "big")

    @staticmethod
    def xor(a, b):
        return bytes(x ^ y for x, y in zip(a, b))

    @staticmethod
    def double(block):
        n = int.from_bytes(block, "big") << 1
        return ((n ^ (0x87 if n >> 128 else 0)) % 2**128).to_bytes(16, "big")

    def l_of(self, i):
        block = self.double(self.l_dollar)
        while i % 2 == 0:
            block, i = self.double(block), i // 2
        return block

    @staticmethod
    def padded(rest):
        return rest + b"\x80" + bytes(15 - len(rest))

    def hash(self, aad):
        total, offset = bytes(16), bytes(16)
        whole = len(aad) // 16
        for i in range(whole):
            offset = self.xor(offset, self.l_of(i + 1))
            block = self.xor(aad[16 * i:16 * i + 16], offset)
            total = self.xor(total, self.ecb.encrypt(block))
        if len(aad) % 16:
            offset = self.xor(offset, self.l_star)
            block = self.xor(self.padded(aad[16 * whole:]), offset)
            total = self.xor(total, self.ecb.encrypt(block))
        return total

    def run(self, data, aad, seal):
        """The other text, and the tag."""
        offset, check, out = self.start, bytes(16), b""
        step = self.ecb.encrypt if seal else self.ecb.decrypt
        whole = len(data) // 16
        for i in range(whole):
            offset = self.xor(offset, self.l_of(i + 1))
            block = data[16 * i:16 * i + 16]
            got = self.xor(step(self.xor(block, offset)), offset)
            check = self.xor(check, block if seal else got)
            out += got
        rest = data[16 * whole:]
        if rest:
            offset = self.xor(offset, self.l_star)
            got = self.xor(rest, self.ecb.encrypt(offset))
            check = self.xor(check, self.padded(rest if seal else got))
            out += got
        tag = self.ecb.encrypt(self.xor(self.xor(check, offset),
                                        self.l_dollar))
        return out, self.xor(tag, self.hash(aad))


def cipher_of(mode, key, nonce):
    return AES.new(key, getattr(AES, "MODE_" + mode), nonce=nonce, mac_len=16)


def seal(mode, key, nonce, aad, data):
    if mode == "OCB":
        return OCB(key, nonce).run(data, aad, True)
    c = cipher_of(mode, key, nonce)
    if aad:
        c.update(aad)
    return c.encrypt_and_digest(data)


def unseal(mode, key, nonce, aad, data, mac):
    """The secret, or None."""
    if mode == "OCB":
        for n in (nonce, nonce[:14]):
            out, tag = OCB(key, n).run(data, aad, False)
            if tag == mac:
                return out
        return None
    c = cipher_of(mode, key, nonce)
    if aad:
        c.update(aad)
    try:
        return c.decrypt_and_verify(data, mac)
    except ValueError:
        return None


def read_store(path):
    parser = configparser.RawConfigParser()
    with open(path, encoding="utf-8", newline=None) as f:
        parser.read_file(f)
    return parser


def entry_of(value):
    o = json.loads(base64.b64decode(value))
    return {k: base64.b64decode(o[k]) for k in ("salt", "nonce", "mac",
                                                "data")}


def decode(a):
    master = sys.stdin.buffer.read()
    parser = read_store(a.file)
    setting = escape(SETTING[0])
    scheme = parser.get(setting, "scheme", fallback="[Argon2] AES128.GCM")
    version = parser.get(setting, "version", fallback=None)
    failed = False
    keys = dict([first_key(master, a)] if a.cache else [])
    for section in parser.sections():
        for option in parser.options(section):
            if section == setting and option in ("scheme", "version"):
                continue
            service, user = unescape(section), unescape(option)
            line = {"service": service, "user": user}
            e = entry_of(parser.get(section, option))
            key = keys.get(e["salt"]) or derive(master, e["salt"])
            names = [escape(n) for n in a.user if escape(n).lower() == option]
            for name in names + [escape(user), None]:
                aad = b"" if name is None else (
                    escape(service).encode() + joiner_of(version) +
                    name.encode())
                secret = unseal(scheme[-3:], key, e["nonce"], aad, e["data"],
                                e["mac"])
                if secret is not None:
                    break
            if secret is None:
                line["error"] = "mac"
                failed = True
            else:
                line["secret_hex"] = secret.hex()
            print(json.dumps(line))
    return failed


def pack(parts, a):
    encode64 = base64.b64encode if a.flat else base64.encodebytes
    text = {k: encode64(v).decode().rstrip("\n") for k, v in parts.items()}
    order = ["nonce", "mac", "data", "salt"] if a.order else [
        "salt", "data", "mac", "nonce"]
    blanks = (",", ":") if a.order else None
    return json.dumps({k: text[k] for k in order}, separators=blanks).encode()


def value_lines(raw, a):
    lines = base64.encodebytes(raw).decode().split("\n")[:-1]
    if a.single:
        return ["".join(lines)]
    if a.noise:
        lines = [x[:3] + "*" + x[3:] for x in lines]
    if a.comments:
        lines.insert(1, "")
        lines.insert(2, "# in between")
    return [""] + ["\t" + x if x else x for x in lines]


def first_key(master, a):
    """A salt and its key; --cache: those of an earlier run."""
    if a.cache and os.path.exists(a.cache):
        with open(a.cache, "rb") as f:
            kept = f.read()
        if kept[32:] == master:
            return kept[:16], kept[16:32]
    salt = os.urandom(16)
    key = derive(master, salt)
    if a.cache:
        with open(a.cache, "wb") as f:
            f.write(salt + key + master)
    return salt, key


def seal_all(doc, a):
    master = doc["master"].encode()
    salt, key = first_key(master, a)
    joiner = {"nul": b"\0", "odd": b"\\0"}.get(a.joiner) or joiner_of(a.version)
    size = a.nonce_size or NONCES[a.mode]
    entries = doc["entries"] + ([] if a.no_reference else [SETTING])
    for service, user, secret in entries:
        if not a.one_salt and not a.cache:
            salt = os.urandom(16)
            key = derive(master, salt)
        aad = escape(service).encode() + joiner + escape(user).encode()
        nonce = os.urandom(size)
        data, mac = seal(a.mode, key, nonce[:14] if a.ocb_old else nonce,
                         b"" if a.no_aad else aad, secret.encode())
        yield service, user, pack({"salt": salt, "nonce": nonce, "mac": mac,
                                   "data": data}, a)


def encode(a):
    doc = json.load(sys.stdin)
    sections = {}
    for service, user, raw in seal_all(doc, a):
        lines = value_lines(raw, a)
        lines[0] = escape(user).lower() + a.delimiter + lines[0]
        if a.upper:
            lines[0] = escape(user).upper() + a.delimiter
        sections.setdefault(escape(service), []).extend(lines)
    setting = sections.setdefault(escape(SETTING[0]), [])
    scheme = a.scheme or a.prefix + "[Argon2] AES128." + a.mode
    if not a.no_scheme:
        setting.append("scheme" + a.delimiter + scheme)
    if a.version is not None:
        setting.append("version" + a.delimiter + a.version)
    out = ["# a comment", "; another one", ""] if a.comments else []
    for name, lines in sections.items():
        out.append("[" + name + "]")
        for line in lines:
            deep = " " * a.indent if line else ""
            out.append(deep + line)
        if not a.dense:
            out.append("")
    text = "\n".join(out) + ("" if a.dense else "\n")
    if a.ends:
        text = text.replace("\n", {"crlf": "\r\n", "cr": "\r"}[a.ends])
    mark = b"\xef\xbb\xbf" if a.bom else b""
    sys.stdout.buffer.write(mark + text.encode())
    return False


def harm(a):
    """Only the value's own lines change."""
    parser = read_store(a.file)
    section, option = escape(a.service), escape(a.user).lower()
    parts = entry_of(parser.get(section, option))
    raw = parts[a.part]
    parts[a.part] = bytes([raw[0] ^ 1]) + raw[1:]
    a.flat = a.order = False
    value = "\n" + base64.encodebytes(pack(parts, a)).decode()
    parser.set(section, option, value)
    parser.write(sys.stdout)
    return False


def arguments():
    top = argparse.ArgumentParser()
    verbs = top.add_subparsers(required=True)
    p = verbs.add_parser("decode")
    p.set_defaults(run=decode)
    p.add_argument("file")
    p.add_argument("--user", action="append", default=[])
    p.add_argument("--cache", help="of the one who made it, by encode")
    p = verbs.add_parser("harm")
    p.set_defaults(run=harm)
    p.add_argument("file")
    p.add_argument("service")
    p.add_argument("user")
    p.add_argument("part", choices=["salt", "nonce", "mac", "data"])
    p = verbs.add_parser("encode")
    p.set_defaults(run=encode)
    p.add_argument("--mode", choices=NONCES, default="GCM")
    p.add_argument("--scheme", help="any text")
    p.add_argument("--prefix", default="", help="of the scheme")
    p.add_argument("--no-scheme", action="store_true")
    p.add_argument("--version", default=None, help="default: none written")
    p.add_argument("--joiner", choices=["nul", "odd"],
                   help="default: the one of the version")
    p.add_argument("--no-aad", action="store_true", help="releases 0.1")
    p.add_argument("--nonce-size", type=int)
    p.add_argument("--ocb-old", action="store_true",
                   help="14 bytes of a nonce of 15 are used")
    p.add_argument("--no-reference", action="store_true")
    p.add_argument("--one-salt", action="store_true", help="saves time")
    p.add_argument("--cache")
    p.add_argument("--delimiter", default=" = ")
    p.add_argument("--single", action="store_true", help="a value: one line")
    p.add_argument("--flat", action="store_true", help="no \\n in the JSON")
    p.add_argument("--order", action="store_true", help="JSON of 1.0")
    p.add_argument("--noise", action="store_true", help="'*' in the base64")
    p.add_argument("--comments", action="store_true")
    p.add_argument("--ends", choices=["crlf", "cr"])
    p.add_argument("--bom", action="store_true")
    p.add_argument("--indent", type=int, default=0, help="of options")
    p.add_argument("--dense", action="store_true",
                   help="no blank lines, no newline at the end")
    p.add_argument("--upper", action="store_true", help="options in capitals")
    return top.parse_args()


if __name__ == "__main__":
    args = arguments()
    sys.exit(1 if args.run(args) else 0)
