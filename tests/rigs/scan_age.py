#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the cache of bk-scan say that all was read SECONDS earlier.

  scan_age.py FILE SECONDS
"""
import struct
import sys

P1, P2, P3, P4, P5 = (11400714785074694791, 14029467366897019727,
                      1609587929392839161, 9650029242287828579,
                      2870177450012600261)
MASK = (1 << 64) - 1
VERSION, HEAD_SIZE, WHOLE = 12, 16, 96  # offsets, of image.h


def rotl(x, n):
    return (x << n | x >> 64 - n) & MASK


def step(acc, lane):
    return rotl((acc + lane * P2) & MASK, 31) * P1 & MASK


def xxh64(data, seed):
    """https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md"""
    accs = [(seed + P1 + P2) & MASK, (seed + P2) & MASK, seed, (seed - P1) & MASK]
    at = 0
    while len(data) - at >= 32:
        for i in range(4):
            lane, = struct.unpack_from("<Q", data, at)
            accs[i] = step(accs[i], lane)
            at += 8
    if len(data) >= 32:
        acc = sum(rotl(a, n) for a, n in zip(accs, (1, 7, 12, 18))) & MASK
        for a in accs:
            acc = ((acc ^ step(0, a)) * P1 + P4) & MASK
    else:
        acc = (seed + P5) & MASK
    acc = (acc + len(data)) & MASK
    while len(data) - at >= 8:
        lane, = struct.unpack_from("<Q", data, at)
        acc = (rotl(acc ^ step(0, lane), 27) * P1 + P4) & MASK
        at += 8
    assert at == len(data)
    acc = (acc ^ acc >> 33) * P2 & MASK
    acc = (acc ^ acc >> 29) * P3 & MASK
    return acc ^ acc >> 32


with open(sys.argv[1], "r+b") as f:
    size, = struct.unpack("<I", f.read(HEAD_SIZE + 4)[-4:])
    f.seek(0)
    head = bytearray(f.read(size))
    version, = struct.unpack_from("<I", head, VERSION)
    assert struct.unpack_from("<Q", head, size - 8)[0] == xxh64(
        bytes(head[:-8]), version), "not the checksum that it has"
    whole, = struct.unpack_from("<q", head, WHOLE)
    struct.pack_into("<q", head, WHOLE, whole - int(sys.argv[2]))
    struct.pack_into("<Q", head, size - 8, xxh64(bytes(head[:-8]), version))
    f.seek(0)
    f.write(head)
