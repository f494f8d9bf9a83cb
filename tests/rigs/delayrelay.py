#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP relay on 127.0.0.1 that adds latency and does not limit throughput.

delayrelay.py LISTEN TARGET ONE_WAY_SECONDS
Each chunk is delivered that long after it arrived, in order; only the windows
of the peers bound what is under way. Ends at SIGTERM.
"""
import asyncio
import signal
import sys

listen, target, delay = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])


async def deliver(queue, writer):
    loop = asyncio.get_running_loop()
    while (item := await queue.get()) is not None:
        when, data = item
        if (left := when - loop.time()) > 0:
            await asyncio.sleep(left)
        writer.write(data)
        await writer.drain()
    writer.close()


async def pump(reader, writer):
    queue = asyncio.Queue()
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(deliver(queue, writer))
    try:
        while data := await reader.read(262144):
            queue.put_nowait((loop.time() + delay, data))
    except ConnectionError:
        pass
    queue.put_nowait(None)
    try:
        await task
    except ConnectionError:
        pass


async def connection(reader, writer):
    there, back = await asyncio.open_connection("127.0.0.1", target)
    await asyncio.gather(pump(reader, back), pump(there, writer))


async def main():
    server = await asyncio.start_server(connection, "127.0.0.1", listen)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with server:
        await stop.wait()


asyncio.run(main())
