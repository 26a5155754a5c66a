"""Measures python-tuf's client on a repository directory; prints the median and the least time in milliseconds.

usage: measure.py REPOSITORY STATE cold|nothing-new|lookup RUNS

Files take the place of a network, so that the client is what is measured.
"""

import os
import shutil
import sys
import time

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

repository, state, kind, runs = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


class FileFetcher(FetcherInterface):
    def _fetch(self, url):
        path = os.path.join(repository, url.removeprefix("file:///"))
        if not os.path.exists(path):
            raise DownloadHTTPError("not found", 404)
        with open(path, "rb") as file:
            yield file.read()


with open(os.path.join(repository, "1.root.json"), "rb") as file:
    bootstrap = file.read()


def clear():
    shutil.rmtree(state, ignore_errors=True)
    os.makedirs(state)


def update():
    updater = Updater(state, "file:///", state, "file:///targets/", FileFetcher(), bootstrap=bootstrap)
    updater.refresh()
    if kind == "lookup" and updater.get_targetinfo("team-1/ca.roots.pem") is None:
        sys.exit("the target is not there")


clear()
update()
times = []
for _ in range(runs):
    if kind == "cold":
        clear()
    start = time.perf_counter()
    update()
    times.append((time.perf_counter() - start) * 1e3)
times.sort()
print(f"{times[len(times) // 2]:.3f} {times[0]:.3f}")
