"""The article's downloads with aiohttp.

Arguments: address, how many, connections at most (0: no limit), downloads in flight at most
(0: no limit).
"""

import asyncio
import contextlib
import json
import sys
import time

import aiohttp


async def download_site(session, url, gate):
    async with gate, session.get(url) as response:
        response.raise_for_status()
        return len(await response.read())


async def main():
    url, count = sys.argv[1], int(sys.argv[2])
    connections, in_flight = int(sys.argv[3]), int(sys.argv[4])
    gate = asyncio.Semaphore(in_flight) if in_flight else contextlib.nullcontext()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:
        start = time.perf_counter()
        tasks = [download_site(session, url, gate) for _ in range(count)]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        ms = (time.perf_counter() - start) * 1000
    sizes = [result for result in results if isinstance(result, int)]
    print(json.dumps({"items": len(sizes), "sum": str(sum(sizes)), "ms": ms}))


if __name__ == "__main__":
    asyncio.run(main())
