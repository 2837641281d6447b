"""The article's sum of squares. Arguments: one|pool, first number, how many numbers."""

import json
import sys
import time
from multiprocessing import Pool


def cpu_bound(number):
    return sum(i * i for i in range(number))


def main():
    mode, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    numbers = [first + x for x in range(count)]
    if mode == "pool":
        with Pool(2) as pool:
            pool.map(cpu_bound, [10, 10])
            start = time.perf_counter()
            results = pool.map(cpu_bound, numbers)
            ms = (time.perf_counter() - start) * 1000
    else:
        start = time.perf_counter()
        results = [cpu_bound(number) for number in numbers]
        ms = (time.perf_counter() - start) * 1000
    print(json.dumps({"items": len(results), "sum": str(sum(results)), "ms": ms}))


if __name__ == "__main__":
    main()
