"""Sums squares, as the article does.

Arguments: one|pool|threads|processes|interpreters|joblib, the first number, how many numbers.
"""

import contextlib
import json
import sys
import time


def cpu_bound(number):
    return sum(i * i for i in range(number))


@contextlib.contextmanager
def mapping(mode):
    """Gives a map function over two lanes of that kind, or over none for `one`.

    Each kind's module is imported only if it is used, because joblib may not be installed.
    """
    if mode == "one":
        yield map
    elif mode == "joblib":
        from joblib import Parallel, delayed

        with Parallel(n_jobs=2) as parallel:
            yield lambda f, numbers: parallel(delayed(f)(number) for number in numbers)
    elif mode == "pool":
        from multiprocessing import Pool

        with Pool(2) as pool:
            yield pool.map
    else:
        from concurrent import futures

        name = {"threads": "Thread", "processes": "Process", "interpreters": "Interpreter"}[mode]
        with getattr(futures, f"{name}PoolExecutor")(max_workers=2) as executor:
            yield executor.map


def main():
    mode, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    numbers = [first + x for x in range(count)]
    with mapping(mode) as run:
        list(run(cpu_bound, [10, 10]))
        start = time.perf_counter()
        results = list(run(cpu_bound, numbers))
        ms = (time.perf_counter() - start) * 1000
    print(json.dumps({"items": len(results), "sum": str(sum(results)), "ms": ms}))


if __name__ == "__main__":
    main()
