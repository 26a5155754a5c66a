"""Follows a fleet over HTTP with python-tuf's own client and downloads every target that it publishes.

usage: follow.py STATE FLEET_URL

STATE is kept between runs, as an old client's would be. Prints the versions that are trusted and the targets.
"""

import json
import os
import sys
import urllib.request

from tuf.ngclient import Updater

state, fleet = sys.argv[1:]
metadata, downloads = os.path.join(state, "metadata"), os.path.join(state, "targets")
os.makedirs(metadata, exist_ok=True)
os.makedirs(downloads, exist_ok=True)


def read(path):
    with urllib.request.urlopen(f"{fleet}/{path}", timeout=10) as answer:
        return answer.read()


first_root = os.path.join(state, "1.root.json")
if not os.path.exists(first_root):
    with open(first_root, "wb") as file:
        file.write(read("metadata/1.root.json"))
with open(first_root, "rb") as file:
    bootstrap = file.read()

updater = Updater(metadata, f"{fleet}/metadata/", downloads, f"{fleet}/targets/", bootstrap=bootstrap)
updater.refresh()
with open(os.path.join(metadata, "snapshot.json"), "rb") as file:
    roles = json.load(file)["signed"]["meta"]

names = []
for role, entry in sorted(roles.items()):
    names += json.loads(read(f"metadata/{entry['version']}.{role}"))["signed"]["targets"]
for name in sorted(names):
    info = updater.get_targetinfo(name)
    if info is None:
        sys.exit(f"python-tuf does not find {name}")
    updater.download_target(info)
print(f"python-tuf trusts {len(roles)} roles and has {len(names)} targets: {' '.join(sorted(names))}")
