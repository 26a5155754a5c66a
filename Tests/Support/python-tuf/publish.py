"""Makes a repository with python-tuf's metadata API: three key types, a rotated root, a delegated role, custom fields.

usage: publish.py DIRECTORY CONSISTENT_SNAPSHOT(0|1)
"""

import datetime
import os
import sys

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

directory, consistent = sys.argv[1], sys.argv[2] == "1"
expires = datetime.datetime(2031, 1, 1, tzinfo=datetime.timezone.utc)
makers = [CryptoSigner.generate_ed25519, CryptoSigner.generate_ecdsa, CryptoSigner.generate_rsa]
roots = [make() for make in makers]
online = {"timestamp": makers[0](), "snapshot": makers[1](), "targets": makers[2]()}
team = [make() for make in makers]


def write(name, metadata, signers):
    for signer in signers:
        metadata.sign(signer, append=True)
    data = metadata.to_bytes()
    with open(os.path.join(directory, name), "wb") as file:
        file.write(data)
    return data


def versioned(name, version):
    return f"{version}.{name}" if consistent else name


root = Root(expires=expires, consistent_snapshot=consistent)
root.unrecognized_fields["x-custom"] = {"b": [1, True, None], "a": "caf\u00e9"}
for signer in roots:
    root.add_key(signer.public_key, "root")
root.roles["root"].threshold = 2
for role, signer in online.items():
    root.add_key(signer.public_key, role)
write("1.root.json", Metadata(root), roots[:2])

# the second root replaces one key of three
new = CryptoSigner.generate_ecdsa()
root.revoke_key(roots[0].public_key.keyid, "root")
root.add_key(new.public_key, "root")
root.version = 2
write("2.root.json", Metadata(root), [roots[0], roots[1], new])

content = b"from python"
delegated = Targets(expires=expires)
delegated.targets["team/file.txt"] = TargetFile.from_data("team/file.txt", content, ["sha256", "sha512"])
delegated.targets["team/file.txt"].unrecognized_fields["custom"] = {"kind": "text"}
delegated_bytes = write(versioned("team.json", 1), Metadata(delegated), team[1:])

targets = Targets(expires=expires)
role = DelegatedRole("team", [], 2, True, ["team/*"])
targets.delegations = Delegations({}, {"team": role})
for signer in team:
    targets.add_key(signer.public_key, "team")
targets_bytes = write(versioned("targets.json", 1), Metadata(targets), [online["targets"]])

snapshot = Snapshot(expires=expires)
snapshot.meta["targets.json"] = MetaFile.from_data(1, targets_bytes, ["sha256"])
snapshot.meta["team.json"] = MetaFile.from_data(1, delegated_bytes, ["sha512"])
snapshot_bytes = write(versioned("snapshot.json", 1), Metadata(snapshot), [online["snapshot"]])

timestamp = Timestamp(expires=expires)
timestamp.snapshot_meta = MetaFile.from_data(1, snapshot_bytes, ["sha256"])
write("timestamp.json", Metadata(timestamp), [online["timestamp"]])

os.makedirs(os.path.join(directory, "targets", "team"))
names = [f"{digest}.file.txt" for digest in delegated.targets["team/file.txt"].hashes.values()]
for name in names if consistent else ["file.txt"]:
    with open(os.path.join(directory, "targets", "team", name), "wb") as file:
        file.write(content)
