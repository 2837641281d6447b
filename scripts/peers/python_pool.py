"""multiprocessing.Pool(2).map over the no-op task. Argument: items."""

import json
import sys
import time
from multiprocessing import Pool


def noop(item):
    return item


def main():
    items = range(1, int(sys.argv[1]) + 1)
    warmup = list(items)[: len(items) // 4]
    items = list(items)
    with Pool(2) as pool:
        pool.map(noop, warmup)
        start = time.perf_counter()
        results = pool.map(noop, items)
        ms = (time.perf_counter() - start) * 1000
    print(json.dumps({"items": len(results), "sum": str(sum(results)), "ms": ms}))


if __name__ == "__main__":
    main()
