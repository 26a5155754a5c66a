"""What bench-signer.sh needs beside the program: keys, a configuration, requests, and rows of its table."""
import base64
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import time

DIGEST = hashlib.sha256(b"an image").hexdigest()
TOKEN = "a token of the benchmark"


def openssl(*words, **more):
    return subprocess.run(["openssl", *words], check=True, capture_output=True, **more).stdout


def now(seconds=0):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def make(work):
    os.umask(0o077)
    os.chdir(work)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *curve, "-subj", "/C=US/O=Acme/CN=Root", "-days", "30", "-keyout", "root.key",
            "-out", "root.crt", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", "-x509", *curve, "-subj", "/C=US/ST=WA/O=Acme/CN=Release", "-days", "20", "-keyout", "release.key",
            "-out", "leaf.crt", "-CA", "root.crt", "-CAkey", "root.key", "-addext", "basicConstraints=critical,CA:FALSE",
            "-addext", "keyUsage=critical,digitalSignature", "-addext", "extendedKeyUsage=codeSigning")
    with open("chain.crt", "w") as chain:
        chain.write(open("leaf.crt").read() + open("root.crt").read())
    openssl("genpkey", "-algorithm", "ed25519", "-out", "builder.key")
    openssl("pkey", "-in", "builder.key", "-pubout", "-out", "builder.pub")
    criteria = {
        "scopes": ["registry.example.com/team"],
        "provenance": {"attesters": ["builder"], "threshold": 1, "builders": ["https://ci.example.com/builder"],
                       "repositories": ["https://git.example.com/team/app"], "refs": ["refs/heads/main"],
                       "maximumAgeSeconds": 3600}}
    file = {"uri": "file:release.key", "allowPlaintextKey": True}
    token = {"uri": "pkcs11:token=bench;object=release", "module": "/usr/lib/softhsm/libsofthsm2.so", "pinFile": "pin"}
    keys = {}
    for name, place in (("file", file), ("token", token)):
        for word, rules in (("off", {"unrestricted": True}), ("on", criteria)):
            keys[f"{name}-{word}"] = {**place, "certificates": "chain.crt", "usage": "notation", "callers": ["bench"],
                                      "criteria": rules}
    configuration = {
        "listen": {"host": "127.0.0.1", "port": 0}, "log": "decisions.jsonl", "policy": {"plaintextKeys": True},
        "limits": {"callerPerMinute": 10000000},
        "callers": {"bench": {"tokenSHA256": hashlib.sha256(TOKEN.encode()).hexdigest()}},
        "attesters": {"builder": {"publicKey": "builder.pub"}}, "keys": keys}
    with open("signer.json", "w") as file:
        json.dump(configuration, file)


def body(work, key):
    os.chdir(work)
    url = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    scheme = "io.cncf.notary.signingScheme"
    header = {"alg": "ES256", "crit": [scheme], "cty": "application/vnd.cncf.notary.payload.v1+json",
              scheme: "notary.x509", "io.cncf.notary.signingTime": now()}
    payload = {"targetArtifact": {"mediaType": "application/vnd.oci.image.manifest.v1+json",
                                  "digest": f"sha256:{DIGEST}", "size": 8}}
    request = {"toBeSigned": base64.b64encode(f"{url(header)}.{url(payload)}".encode()).decode(),
               "image": "registry.example.com/team/app"}
    if key.endswith("-on"):
        request["evidence"] = [provenance()]
    with open("post.lua", "w") as file:
        file.write('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
                   f'wrk.headers["Authorization"] = "Bearer {TOKEN}"\nwrk.body = [==[{json.dumps(request)}]==]\n')


def provenance():
    source = {"repository": "https://git.example.com/team/app", "ref": "refs/heads/main"}
    statement = json.dumps({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
        "subject": [{"name": "app", "digest": {"sha256": DIGEST}}],
        "predicate": {"buildDefinition": {"buildType": "https://ci.example.com/v1",
                                          "externalParameters": {"workflow": source}},
                      "runDetails": {"builder": {"id": "https://ci.example.com/builder"},
                                     "metadata": {"finishedOn": now(-60)}}}}).encode()
    kind = "application/vnd.in-toto+json"
    with open("message", "wb") as file:
        file.write(f"DSSEv1 {len(kind)} {kind} {len(statement)} ".encode() + statement)
    signature = openssl("pkeyutl", "-sign", "-inkey", "builder.key", "-rawin", "-in", "message")
    return {"payloadType": kind, "payload": base64.b64encode(statement).decode(),
            "signatures": [{"sig": base64.b64encode(signature).decode()}]}


def row(output, key, connections):
    text = open(output).read()
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit(f"{key}: not every request was answered with a signature\n{text}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))

    def milliseconds(percent):
        number, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", text).groups()
        return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]

    place, word = key.split("-")
    where = "SoftHSM" if place == "token" else "file"
    what = "provenance" if word == "on" else "none"
    print(f"| {where:9} | {what:10} | {connections:>11} | {rate:12.0f} | {milliseconds(50):6.2f} | "
          f"{milliseconds(99):6.2f} |")


def sync(work):
    """What the disk takes for one entry of the log: the bound of one connection, whatever the program does."""
    times = []
    name = os.path.join(work, "synced")
    log = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for _ in range(300):
        start = time.perf_counter()
        os.write(log, b"x" * 900)
        os.fdatasync(log)
        times.append((time.perf_counter() - start) * 1000)
    os.close(log)
    times.sort()
    print(f"an entry of the log is on disk after {times[150]:.2f} ms (p50), {times[297]:.2f} ms (p99)")


if __name__ == "__main__":
    {"make": make, "body": body, "row": row, "sync": sync}[sys.argv[1]](*sys.argv[2:])
