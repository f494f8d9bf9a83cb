#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny TCP fault proxy: faultproxy.py LISTEN TARGET [--cut N] [--stall N] [--rate BYTES_PER_S] [--delay S] [--flip N] [--rst] [--conns K]
cut: close after N bytes client->server; stall: stop forwarding after N; flip: flip one bit at byte N; rst: close with RST;
conns: apply the fault only to the first K connections (0 = all)."""
import argparse, asyncio, socket, struct
a = argparse.ArgumentParser(); a.add_argument('listen', type=int); a.add_argument('target', type=int)
for o in ('cut', 'stall', 'flip', 'rate', 'conns'): a.add_argument('--' + o, type=int, default=0)
a.add_argument('--delay', type=float, default=0); a.add_argument('--rst', action='store_true'); A = a.parse_args()
seen = 0
async def pump(r, w, up, armed, both):
    n = 0
    try:
        while b := await r.read(16384):
            if A.delay: await asyncio.sleep(A.delay)
            if A.rate: await asyncio.sleep(len(b) / A.rate)
            if up and armed:
                if A.flip and n <= A.flip < n + len(b):
                    i = A.flip - n; b = b[:i] + bytes([b[i] ^ 1]) + b[i+1:]
                if A.stall and n + len(b) > A.stall: await asyncio.sleep(3600)
                if A.cut and n + len(b) > A.cut:
                    w.write(b[:A.cut - n]); await w.drain(); break
            n += len(b); w.write(b); await w.drain()
    except (ConnectionError, asyncio.CancelledError): pass
    for x in both:
        try:
            if A.rst: x.get_extra_info('socket').setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        except OSError: pass
        x.close()
async def conn(r, w):
    global seen; seen += 1; armed = not A.conns or seen <= A.conns
    tr, tw = await asyncio.open_connection('127.0.0.1', A.target)
    await asyncio.gather(pump(r, tw, True, armed, (w, tw)), pump(tr, w, False, armed, (w, tw)))
async def main():
    s = await asyncio.start_server(conn, '127.0.0.1', A.listen); await s.serve_forever()
asyncio.run(main())
