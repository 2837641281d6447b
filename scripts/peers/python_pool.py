"""Maps a task over numbers by a pool of Python's own, with two lanes.

Arguments: the task, noop or squares (which sums them, as the article does); one (a plain loop), pool,
threads, processes, interpreters or joblib; the first number, and how many numbers.
"""

import contextlib
import json
import sys
import time


def noop(item):
    return item


def squares(number):
    return sum(i * i for i in range(number))


@contextlib.contextmanager
def mapping(mode, chunk):
    """Gives a function that makes a list, over two lanes of that kind, or over none for `one`.

    Each kind's module is imported only if it is used, because joblib may not be installed.
    """
    if mode == "one":
        yield lambda f, numbers: list(map(f, numbers))
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
            yield lambda f, numbers: list(executor.map(f, numbers, chunksize=chunk))


def main():
    task, mode, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    numbers = list(range(first, first + count))
    run, before, chunk = {
        "noop": (noop, numbers[: count // 4], 1000),
        "squares": (squares, [10, 10], 1),
    }[task]
    with mapping(mode, chunk) as mapped:
        mapped(run, before)
        start = time.perf_counter()
        results = mapped(run, numbers)
        ms = (time.perf_counter() - start) * 1000
    print(json.dumps({"items": len(results), "sum": str(sum(results)), "ms": ms}))


if __name__ == "__main__":
    main()
