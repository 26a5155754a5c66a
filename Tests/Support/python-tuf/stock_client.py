"""Refreshes and downloads with python-tuf's own client, one request a line on standard input.

Request: {"repository", "client", "bootstrap", "now", "targets"}; answer: {"files": {name: sha256}} or {"error"}.
The transport reads a directory, and the time is given: everything else is the stock client.
"""

import datetime
import hashlib
import json
import os
import sys
from urllib.parse import unquote

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface


class Directory(FetcherInterface):
    def __init__(self, root):
        self.root = root

    def _fetch(self, url):
        path = os.path.join(self.root, unquote(url.removeprefix("dir:///")))
        try:
            with open(path, "rb") as file:
                yield file.read()
        except FileNotFoundError:
            raise DownloadHTTPError(f"{url} is not there", 404)


def answer(request):
    metadata = os.path.join(request["client"], "metadata")
    targets = os.path.join(request["client"], "targets")
    os.makedirs(metadata, exist_ok=True)
    os.makedirs(targets, exist_ok=True)
    bootstrap = None
    if request["bootstrap"]:
        with open(request["bootstrap"], "rb") as file:
            bootstrap = file.read()
    updater = Updater(
        metadata, "dir:///metadata/", targets, "dir:///targets/",
        fetcher=Directory(request["repository"]), bootstrap=bootstrap)
    updater._trusted_set.reference_time = datetime.datetime.fromtimestamp(request["now"], datetime.timezone.utc)
    updater.refresh()
    files = {}
    for name in request["targets"]:
        info = updater.get_targetinfo(name)
        if info is None:
            raise KeyError(f"{name} is listed by nobody")
        with open(updater.download_target(info), "rb") as file:
            files[name] = hashlib.sha256(file.read()).hexdigest()
    return {"files": files}


for line in sys.stdin:
    try:
        result = answer(json.loads(line))
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result), flush=True)
