"""Downloads a page many times with requests, as the article does.

Arguments: one|threads, the page's address, how many downloads.
"""

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests

thread_local = threading.local()


def get_session():
    if not hasattr(thread_local, "session"):
        thread_local.session = requests.Session()
        # Otherwise requests would look up proxies and .netrc for each page, which the race isn't about.
        thread_local.session.trust_env = False
    return thread_local.session


def download_site(url):
    with get_session().get(url) as response:
        response.raise_for_status()
        return len(response.content)


def main():
    mode, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    sites = [url] * count
    if mode == "threads":
        with ThreadPoolExecutor(max_workers=5) as executor:
            start = time.perf_counter()
            sizes = list(executor.map(download_site, sites))
            ms = (time.perf_counter() - start) * 1000
    else:
        start = time.perf_counter()
        sizes = [download_site(site) for site in sites]
        ms = (time.perf_counter() - start) * 1000
    print(json.dumps({"items": len(sizes), "sum": str(sum(sizes)), "ms": ms}))


if __name__ == "__main__":
    main()
