"""Runs a task that does nothing in two processes. Arguments: pool|executor|joblib, how many items."""

import contextlib
import json
import sys
import time


def noop(item):
    return item


@contextlib.contextmanager
def mapping(mode):
    """Gives a function that runs the task on items in two processes of that kind.

    Each kind's module is imported only if it is used, because joblib may not be installed.
    """
    if mode == "pool":
        from multiprocessing import Pool

        with Pool(2) as pool:
            yield lambda items: pool.map(noop, items)
    elif mode == "executor":
        from concurrent.futures import ProcessPoolExecutor

        with ProcessPoolExecutor(2) as executor:
            yield lambda items: list(executor.map(noop, items, chunksize=1000))
    else:
        from joblib import Parallel, delayed

        with Parallel(n_jobs=2) as parallel:
            yield lambda items: parallel(delayed(noop)(item) for item in items)


def main():
    mode, count = sys.argv[1], int(sys.argv[2])
    items = list(range(1, count + 1))
    with mapping(mode) as run:
        run(items[: count // 4])
        start = time.perf_counter()
        results = run(items)
        ms = (time.perf_counter() - start) * 1000
    print(json.dumps({"items": len(results), "sum": str(sum(results)), "ms": ms}))


if __name__ == "__main__":
    main()
