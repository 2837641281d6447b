"""Runs tiny tasks that each read one number of a table, which joblib maps into its processes' memory.

The time is from making the pool to the last result. Arguments: how many numbers the table has, how
many items.
"""

import json
import sys
import time

import numpy
from joblib import Parallel, delayed


def read(table, item):
    return int(table[item])


def main():
    size, count = int(sys.argv[1]), int(sys.argv[2])
    table = numpy.arange(size, dtype=numpy.float64)
    start = time.perf_counter()
    results = Parallel(n_jobs=2)(delayed(read)(table, item) for item in range(1, count + 1))
    ms = (time.perf_counter() - start) * 1000
    print(json.dumps({"items": len(results), "sum": str(sum(results)), "ms": ms}))


if __name__ == "__main__":
    main()
