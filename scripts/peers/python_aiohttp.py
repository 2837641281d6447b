"""Downloads a page many times with aiohttp, as the article does.

Arguments: the page's address, how many downloads, the most connections (0: no limit), the most
downloads in flight (0: no limit), and optionally `load`. With `load` each slot downloads one page
after another, there are as many slots and connections as downloads may be in flight, and the
reading also tells the time of slow requests, the peak memory, and how many connections there were.
"""

import asyncio
import contextlib
import json
import resource
import sys
import urllib.parse
import time

import aiohttp


async def download_site(session, url, gate):
    async with gate, session.get(url) as response:
        response.raise_for_status()
        return len(await response.read())


async def load(url, count, slots):
    """Downloads `count` pages in loops, one in each slot, and prints the reading."""
    times, sizes, left = [], [], iter(range(count))
    nothing = contextlib.nullcontext()

    async def slot(session):
        for _ in left:
            start = time.perf_counter()
            sizes.append(await download_site(session, url, nothing))
            times.append((time.perf_counter() - start) * 1000)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=slots)) as session:
        start = time.perf_counter()
        await asyncio.gather(*(slot(session) for _ in range(slots)))
        ms = (time.perf_counter() - start) * 1000
        async with session.get(urllib.parse.urljoin(url, "/connections")) as response:
            connections = int(await response.text())
    reading = {
        "items": len(sizes),
        "sum": str(sum(sizes)),
        "ms": ms,
        "p99Ms": sorted(times)[int(0.99 * count)],
        "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "connections": connections,
    }
    print(json.dumps(reading))


async def main():
    url, count = sys.argv[1], int(sys.argv[2])
    if sys.argv[5:] == ["load"]:
        return await load(url, count, int(sys.argv[4]))
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
