"""Refreshes from a repository directory with python-tuf's own client and downloads targets.

usage: refresh.py REPOSITORY STATE INITIAL_ROOT [TARGET ...]

REPOSITORY holds metadata files and targets/; it is served on loopback while the client runs. Prints one JSON object:
the requests made, the trusted versions and the content of each target.
"""

import functools
import http.server
import json
import os
import sys
import threading

from tuf.ngclient import Updater

repository, state, initial_root, *targets = sys.argv[1:]
requests = []


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        requests.append(self.path)
        super().do_GET()

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(
    ("127.0.0.1", 0), functools.partial(Handler, directory=repository)
)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_address[1]}/"

metadata, downloads = os.path.join(state, "metadata"), os.path.join(state, "targets")
os.makedirs(metadata, exist_ok=True)
os.makedirs(downloads, exist_ok=True)
with open(initial_root, "rb") as file:
    bootstrap = file.read()

updater = Updater(metadata, base, downloads, base + "targets/", bootstrap=bootstrap)
updater.refresh()
contents = {}
for name in targets:
    info = updater.get_targetinfo(name)
    if info is None:
        contents[name] = None
        continue
    with open(updater.download_target(info), "r") as file:
        contents[name] = file.read()

versions = {}
for name in ["root", "timestamp", "snapshot", "targets"]:
    with open(os.path.join(metadata, f"{name}.json"), "rb") as file:
        versions[name] = json.load(file)["signed"]["version"]
server.shutdown()
print(json.dumps({"requests": requests, "versions": versions, "targets": contents}))
