"""Strict doubles of Azure Key Vault with Entra ID, Google Cloud KMS with its token service, and the clouds' metadata
services, over HTTP and HTTPS on loopback. The keys and signatures are real; whatever the services refuse is refused.

usage: clouds.py DIRECTORY

It prints one JSON line that says where it is, then takes one JSON request a line on standard input and answers each
with one JSON line.
"""

import base64
import datetime
import hashlib
import ipaddress
import json
import os
import re
import secrets
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

DIRECTORY = sys.argv[1]
TENANT, CLIENT = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"
RING = "projects/p/locations/global/keyRings/r"
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
POOL = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/other"
IAM_SCOPE = "https://www.googleapis.com/auth/iam"
AUDIENCE, SCOPE = "https://oauth2.googleapis.com/token", "https://www.googleapis.com/auth/cloudkms"


def b64(data):
    return base64.b64encode(data).decode()


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    if "=" in text:
        raise ValueError("padded")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def make_key(name):
    if name.startswith("ed25519"):
        return ed25519.Ed25519PrivateKey.generate()
    kind, size = name.split("-")[:2]
    if kind == "rsa":
        return rsa.generate_private_key(65537, int(size))
    return ec.generate_private_key(
        {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1, "p256k": ec.SECP256K1}[size]())


AZURE = ["ec-p256", "ec-p384", "ec-p521", "rsa-2048", "rsa-3072", "rsa-4096", "ec-p256k", "ec-p256-nosign",
         "ec-p256-expired"]
GOOGLE = {
    "ec-p256": ("EC_SIGN_P256_SHA256", 12), "ec-p384": ("EC_SIGN_P384_SHA384", 13), "ed25519": ("EC_SIGN_ED25519", 40),
    "rsa-2048": ("RSA_SIGN_PSS_2048_SHA256", 2), "rsa-3072": ("RSA_SIGN_PSS_3072_SHA256", 3),
    "rsa-4096": ("RSA_SIGN_PSS_4096_SHA512", 16), "rsa-4096-sha256": ("RSA_SIGN_PSS_4096_SHA256", 4),
    "rsa-2048-pkcs1": ("RSA_SIGN_PKCS1_2048_SHA256", 5)}


class State:
    def __init__(self):
        self.lock = threading.Lock()
        self.keys = {}
        self.versions = {}
        self.tokens = {}
        self.hits = {}
        self.account = rsa.generate_private_key(65537, 2048)
        self.client_secret, self.assertion = secrets.token_urlsafe(24), "federated." + secrets.token_urlsafe(24)
        self.machine_secret = secrets.token_urlsafe(24)
        self.aws = {"AccessKeyId": "none", "SecretAccessKey": "none", "Token": "none"}
        # What a test may set; numbers say how often.
        self.made, self.pending, self.generation = {}, {}, 2
        self.throttled, self.retry_after = 0, "0"
        self.cut, self.hang, self.failing = 0, 0, 0
        self.disabled, self.lifetime, self.salt = [], 3599, None
        self.wrong_signature = self.wrong_crc = self.unverified = self.wrong_name = self.oversize = False
        self.redirect = self.resource = None

    def key(self, place, name):
        with self.lock:
            version = self.versions.setdefault((place, name), 1)
            if (place, name, version) not in self.keys:
                self.keys[place, name, version] = make_key(name)
            return self.keys[place, name, version], version

    def take(self, name):
        with self.lock:
            left = getattr(self, name)
            setattr(self, name, max(0, left - 1))
            return left > 0

    def token(self, kind):
        text = kind + "." + secrets.token_urlsafe(24)
        self.tokens[text] = (kind, time.time() + self.lifetime)
        return text

    def control(self, request):
        kind = request.pop("op")
        if kind == "set":
            for name, value in request.items():
                setattr(self, name, value)
        elif kind == "rotate":
            self.versions[request["place"], request["name"]] = self.key(request["place"], request["name"])[1] + 1
        elif kind == "name":
            GOOGLE[request["name"]] = GOOGLE[request["kind"]]
            self.keys["gcp", request["name"], 1] = make_key(request["kind"])
            self.versions["gcp", request["name"]] = 1
        elif kind == "expire":
            self.tokens = {}
        elif kind == "hits":
            return {"hits": self.hits}
        else:
            raise ValueError(kind)
        return {}


state = State()


def azure_version(version):
    return hashlib.md5(b"%d" % version).hexdigest()


class Refused(Exception):
    def __init__(self, status, body, headers=()):
        self.status, self.body, self.headers = status, body, headers


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=()):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        if state.oversize:
            data += b" " * 100_000
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urllib.parse.urlsplit(self.path)
        query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        with state.lock:
            state.hits[url.path] = state.hits.get(url.path, 0) + 1
        try:
            self.answer(200, *self.route(url.path, query, body))
        except Refused as refused:
            self.answer(refused.status, refused.body, refused.headers)

    do_GET = do_POST = do_PUT = handle_any

    def route(self, path, query, body):
        if path == "/token":
            return [self.google_token(body)]
        if path == "/sts/v1/token":
            return [self.google_exchange(body)]
        if path == "/iam/v1/projects/-/serviceAccounts/%s:generateAccessToken" % ACCOUNT:
            return [self.google_impersonation(body)]
        if path == "/subject":
            if query.get("audience") != "pool" or self.headers.get("X-Proof") != state.machine_secret:
                raise Refused(401, {"error": "unauthorized"})
            return [{"id_token": state.assertion}]
        if path.startswith("/computeMetadata/"):
            return self.google_machine(path)
        if path.startswith("/metadata/identity") or path == "/msi/token":
            return [self.azure_machine(path, query)]
        if path.startswith("/latest/") or path == "/container":
            return [self.aws_machine(path)]
        if path.endswith("/oauth2/v2.0/token"):
            return [self.entra(path, body)]
        if path.endswith("/.well-known/openid-configuration"):
            base = "https://%s/%s" % (self.headers["Host"], TENANT)
            return [{"token_endpoint": base + "/oauth2/v2.0/token", "issuer": base + "/v2.0",
                     "authorization_endpoint": base + "/oauth2/v2.0/authorize", "jwks_uri": base + "/keys"}]
        self.faults()
        if path.startswith("/keys"):
            return [self.vault(path, query, body)]
        if path.startswith("/v1/"):
            return [self.kms(path, query, body)]
        raise Refused(404, {"error": {"code": 404, "message": "no such path", "status": "NOT_FOUND"}})

    def faults(self):
        if state.take("hang"):
            time.sleep(20)
        if state.take("cut"):
            self.close_connection = True
            self.connection.close()
            raise ConnectionError
        if state.redirect:
            raise Refused(307, {}, [("Location", state.redirect)])
        if state.take("failing"):
            raise Refused(503, {"error": {"code": "ServiceUnavailable", "message": "try again", "status": "UNAVAILABLE"}})
        if state.take("throttled"):
            raise Refused(429, {"error": {"code": 429 if self.path.startswith("/v1/") else "Throttled",
                                          "message": "too many requests", "status": "RESOURCE_EXHAUSTED"}},
                          [("Retry-After", state.retry_after)])

    def bearer(self, kind):
        text = self.headers.get("Authorization", "")
        found = state.tokens.get(text[7:]) if text.startswith("Bearer ") else None
        return found is not None and found[0] == kind and found[1] > time.time()

    # Entra ID

    def entra(self, path, body):
        form = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode()).items()}
        is_known = path == "/%s/oauth2/v2.0/token" % TENANT and form.get("client_id") == CLIENT
        if form.get("grant_type") != "client_credentials" or not is_known:
            raise Refused(400, {"error": "unauthorized_client", "error_description": "AADSTS700016: not found"})
        by_assertion = form.get("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        if by_assertion and form.get("client_assertion") != state.assertion:
            raise Refused(401, {"error": "invalid_client", "error_description": "AADSTS700213: no matching identity"})
        if not by_assertion and form.get("client_secret") != state.client_secret:
            raise Refused(401, {"error": "invalid_client", "error_description": "AADSTS7000215: invalid client secret"})
        if form.get("scope", "").split(" ")[0] != "https://%s/.default" % self.headers["Host"]:
            raise Refused(400, {"error": "invalid_scope", "error_description": "AADSTS70011: " + form.get("scope", "")})
        return {"token_type": "Bearer", "expires_in": state.lifetime, "access_token": state.token("az")}

    def azure_machine(self, path, query):
        is_app = path == "/msi/token"
        proof = self.headers.get("X-IDENTITY-HEADER") == state.machine_secret if is_app else \
            self.headers.get("Metadata") == "true"
        wanted = "2019-08-01" if is_app else "2018-02-01"
        if not proof or query.get("api-version") != wanted:
            raise Refused(400, {"error": "invalid_request", "error_description": "Required metadata header not given"})
        if query.get("resource") != "https://" + self.headers["Host"]:
            raise Refused(400, {"error": "invalid_resource", "error_description": "unknown resource"})
        return {"access_token": state.token("az"), "expires_in": str(state.lifetime), "token_type": "Bearer"}

    # Azure Key Vault

    def vault(self, path, query, body):
        host = self.headers["Host"]
        if not self.bearer("az"):
            resource = state.resource or "https://" + host
            raise Refused(401, {"error": {"code": "Unauthorized", "message": "AKV10000: no Bearer token"}}, [
                ("WWW-Authenticate", 'Bearer authorization="https://%s/%s", resource="%s"' % (host, TENANT, resource))])
        if "api-version" not in query:
            raise Refused(400, {"error": {"code": "BadParameter", "message": "api-version must be specified"}})
        base = "%s://%s" % ("https" if isinstance(self.connection, ssl.SSLSocket) else "http", host)
        if path == "/keys":
            return self.vault_list(base, query)
        create = re.fullmatch(r"/keys/([A-Za-z0-9-]+)/create", path)
        if create:
            request = json.loads(body)
            name = ("ec-" + request["crv"].lower().replace("-", "") if request["kty"].startswith("EC")
                    else "rsa-%d" % request["key_size"]) + "-" + create[1]
            state.named[create[1]] = name
            return self.vault_key(base, create[1], *state.key("azure", name))
        match = re.fullmatch(r"/keys/([A-Za-z0-9-]+)/?(?:/([0-9a-f]{32}))?(/sign)?", path)
        name = match and (match[1] if match[1] in AZURE else state.named.get(match[1]))
        if not name:
            raise Refused(404, {"error": {"code": "KeyNotFound", "message": "A key with that name was not found"}})
        newest, number = state.key("azure", name)
        held = {azure_version(version): (state.keys["azure", name, version], version)
                for version in range(1, number + 1) if ("azure", name, version) in state.keys}
        if match[2] and match[2] not in held:
            raise Refused(404, {"error": {"code": "KeyNotFound", "message": "no such version"}})
        key, version = held[match[2]] if match[2] else (newest, number)
        if match[3]:
            return self.vault_sign(base, match[1], key, version, json.loads(body))
        return self.vault_key(base, match[1], key, version)

    def vault_list(self, base, query):
        start = int(query.get("$skiptoken", "0"))
        names = [{"kid": "%s/keys/%s" % (base, name), "attributes": {"enabled": True}} for name in AZURE]
        link = "%s/keys?api-version=%s&$skiptoken=%d" % (base, query["api-version"], start + 5)
        return {"value": names[start:start + 5], "nextLink": link if start + 5 < len(names) else None}

    def vault_key(self, base, name, key, version):
        numbers = key.public_key().public_numbers()
        jwk = {"kid": "%s/keys/%s/%s" % (base, name, azure_version(version)),
               "key_ops": ["verify"] if name.endswith("nosign") else ["sign", "verify"]}
        if isinstance(key, rsa.RSAPrivateKey):
            jwk |= {"kty": "RSA-HSM", "n": b64url(numbers.n.to_bytes(key.key_size // 8, "big")), "e": "AQAB"}
        else:
            size = (key.key_size + 7) // 8
            curve = "P-256K" if isinstance(key.curve, ec.SECP256K1) else "P-%d" % key.key_size
            jwk |= {"kty": "EC-HSM", "crv": curve, "x": b64url(numbers.x.to_bytes(size, "big")),
                    "y": b64url(numbers.y.to_bytes(size, "big"))}
        attributes = {"enabled": name not in state.disabled, "created": 1700000000, "updated": 1700000000}
        if name.endswith("expired"):
            attributes["exp"] = 1700000001
        return {"key": jwk, "attributes": attributes}

    def vault_sign(self, base, name, key, version, request):
        if name in state.disabled:
            raise Refused(403, {"error": {"code": "Forbidden", "innererror": {"code": "KeyDisabled"},
                                          "message": "Operation sign is not allowed on a disabled key."}})
        algorithm, digest = request["alg"], unb64url(request["value"])
        fits = algorithm[:2] == "PS" and algorithm[2:] in HASHES if isinstance(key, rsa.RSAPrivateKey) else \
            algorithm == {256: "ES256", 384: "ES384", 521: "ES512"}[key.key_size]
        if not fits:
            raise Refused(400, {"error": {"code": "BadParameter", "message": "Key and algorithm are incompatible."}})
        if len(digest) != HASHES[algorithm[2:]].digest_size:
            raise Refused(400, {"error": {"code": "BadParameter", "message": "Invalid length of 'value'."}})
        signature = sign(key, digest, HASHES[algorithm[2:]]())
        if algorithm[0] == "E":
            size = (key.key_size + 7) // 8
            signature = b"".join(number.to_bytes(size, "big") for number in utils.decode_dss_signature(signature))
        used = azure_version(version + 1 if state.wrong_name else version)
        return {"kid": "%s/keys/%s/%s" % (base, name, used), "value": b64url(signature)}

    # Google

    def google_token(self, body):
        form = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode()).items()}
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            raise Refused(400, {"error": "unsupported_grant_type"})
        header, claims, signature = form["assertion"].split(".")
        try:
            state.account.public_key().verify(
                unb64url(signature), (header + "." + claims).encode(), padding.PKCS1v15(), hashes.SHA256())
        except Exception:
            raise Refused(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        header, claims = json.loads(unb64url(header)), json.loads(unb64url(claims))
        right = header.get("alg") == "RS256" and header.get("kid") == "kid-1" and claims.get("iss") == ACCOUNT and \
            claims.get("aud") == AUDIENCE and SCOPE in claims.get("scope", "") and \
            0 < claims["exp"] - claims["iat"] <= 3600 and abs(time.time() - claims["iat"]) < 300
        if not right:
            raise Refused(400, {"error": "invalid_grant", "error_description": "Invalid JWT: " + json.dumps(claims)})
        return {"access_token": state.token("gcp"), "expires_in": state.lifetime, "token_type": "Bearer"}

    def google_machine(self, path):
        if self.headers.get("Metadata-Flavor") != "Google":
            raise Refused(403, {"error": "forbidden", "error_description": "Missing Metadata-Flavor:Google header."})
        if path != "/computeMetadata/v1/instance/service-accounts/default/token":
            raise Refused(404, {"error": "not_found"})
        return [{"access_token": state.token("gcp"), "expires_in": state.lifetime, "token_type": "Bearer"},
                [("Metadata-Flavor", "Google")]]

    def kms(self, path, query, body):
        def refuse(code, status, message):
            raise Refused(code, {"error": {"code": code, "message": message, "status": status}})

        if not self.bearer("gcp"):
            refuse(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        numbers = "enum-encoding=int" in self.path
        if path == "/v1/%s/cryptoKeys" % RING and self.command == "POST":
            return self.kms_create(query, body, numbers, refuse)
        if path == "/v1/%s/cryptoKeys" % RING:
            return {"cryptoKeys": [{"name": "%s/cryptoKeys/%s" % (RING, name)} for name in [*GOOGLE, *state.made]]}
        listed = re.fullmatch("/v1/(%s/cryptoKeys/([A-Za-z0-9_-]+))/cryptoKeyVersions" % RING, path)
        if listed:
            return {"cryptoKeyVersions": [{"name": listed[1] + "/cryptoKeyVersions/1"}]}
        match = re.fullmatch(
            r"/v1/(%s/cryptoKeys/([A-Za-z0-9_-]+)/cryptoKeyVersions/1)(/publicKey|:asymmetricSign|)" % RING, path)
        if not match or match[2] not in GOOGLE and match[2] not in state.made:
            refuse(404, "NOT_FOUND", "CryptoKeyVersion not found.")
        name = match[2]
        algorithm = GOOGLE[state.made.get(name, name)]
        pending = state.pending.get(name, 0)
        if match[3] == "":
            state.pending[name] = max(0, pending - 1)
            words = {"state": "PENDING_GENERATION" if pending else "DISABLED" if name in state.disabled else "ENABLED",
                     "algorithm": algorithm[0], "protectionLevel": "SOFTWARE"}
            codes = {"state": 5 if pending else 2 if name in state.disabled else 1, "algorithm": algorithm[1],
                     "protectionLevel": 1}
            return {"name": match[1]} | (codes if numbers else words)
        if pending:
            refuse(400, "FAILED_PRECONDITION", "%s is not enabled, current state is: PENDING_GENERATION." % match[1])
        if name in state.disabled:
            refuse(400, "FAILED_PRECONDITION", "%s is not enabled, current state is: DISABLED." % match[1])
        key, _ = state.key("gcp", state.made[name] + "-" + name if name in state.made else name)
        common = {"name": match[1] + "0" if state.wrong_name else match[1], "protectionLevel": 2 if numbers else "HSM"}
        if match[3] == "/publicKey":
            pem = key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
            return common | {"pem": pem, "pemCrc32c": str(crc32c(pem.encode()) ^ state.wrong_crc),
                             "algorithm": algorithm[1] if numbers else algorithm[0]}
        request = json.loads(body)
        if algorithm[0] == "EC_SIGN_ED25519":
            data, field = base64.b64decode(request.get("data", ""), validate=True), "dataCrc32c"
            signature = key.sign(data)
        else:
            word = "sha" + algorithm[0][-3:]
            if list(request.get("digest", {})) != [word]:
                refuse(400, "INVALID_ARGUMENT", "The digest type is not valid for " + algorithm[0])
            data, field = base64.b64decode(request["digest"][word], validate=True), "digestCrc32c"
            if len(data) != HASHES[word[3:]].digest_size:
                refuse(400, "INVALID_ARGUMENT", "The digest has a wrong length.")
            signature = sign(key, data, HASHES[word[3:]]())
        if field in request and int(request[field]) != crc32c(data):
            refuse(400, "INVALID_ARGUMENT", "The checksum did not match the data.")
        verified = field in request and not state.unverified
        return common | {
            "signature": b64(signature), "signatureCrc32c": str(crc32c(signature) ^ state.wrong_crc),
            "verified" + field[0].upper() + field[1:]: verified}

    def kms_create(self, query, body, numbers, refuse):
        name, request = query.get("cryptoKeyId", ""), json.loads(body)
        template = request.get("versionTemplate", {})
        if not re.fullmatch("[A-Za-z0-9_-]{1,63}", name) or set(request) - {"purpose", "versionTemplate", "labels"} \
                or set(template) - {"algorithm", "protectionLevel"} or request.get("purpose") not in ("ASYMMETRIC_SIGN", 5):
            refuse(400, "INVALID_ARGUMENT", "The request has an invalid argument.")
        if name in GOOGLE or name in state.made:
            refuse(409, "ALREADY_EXISTS", "CryptoKey %s/cryptoKeys/%s already exists." % (RING, name))
        kind = [kind for kind, algorithm in GOOGLE.items() if template.get("algorithm") in algorithm]
        if not kind:
            refuse(400, "INVALID_ARGUMENT", "The algorithm does not fit the purpose.")
        state.made[name], state.pending[name] = kind[0], state.generation
        return {"name": "%s/cryptoKeys/%s" % (RING, name), "purpose": 5 if numbers else "ASYMMETRIC_SIGN"}

    def google_exchange(self, body):
        form = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
        urn = "urn:ietf:params:oauth:"
        wanted = {"grant_type": urn + "grant-type:token-exchange", "audience": POOL,
                  "requested_token_type": urn + "token-type:access_token", "subject_token_type": urn + "token-type:jwt"}
        if any(form.get(name) != value for name, value in wanted.items()) or \
                set(form) != {*wanted, "scope", "subject_token"} or form["scope"] not in (SCOPE, IAM_SCOPE):
            raise Refused(400, {"error": "invalid_request", "error_description": "Invalid value in the request."})
        if form["subject_token"] != state.assertion:
            raise Refused(400, {"error": "invalid_grant", "error_description": "The subject token is not accepted."})
        return {"access_token": state.token("gcp" if form["scope"] == SCOPE else "gcp-iam"), "token_type": "Bearer",
                "issued_token_type": wanted["requested_token_type"], "expires_in": state.lifetime}

    def google_impersonation(self, body):
        request = json.loads(body)
        lifetime = re.fullmatch("([0-9]+)s", request.get("lifetime", ""))
        if not self.bearer("gcp-iam") or "wrong" in state.disabled:
            raise Refused(403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "message":
                                          "Permission 'iam.serviceAccounts.getAccessToken' denied on resource."}})
        if request.get("scope") != [SCOPE] or not lifetime or not 0 < int(lifetime[1]) <= 3600 or \
                set(request) - {"scope", "lifetime", "delegates"} or request.get("delegates"):
            raise Refused(400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "invalid argument"}})
        expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=state.lifetime)
        return {"accessToken": state.token("gcp"), "expireTime": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}

    # AWS

    def aws_machine(self, path):
        answer = state.aws | {"Code": "Success", "Expiration": (
            datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=state.lifetime)
        ).strftime("%Y-%m-%dT%H:%M:%SZ")}
        if path == "/container":
            if self.headers.get("Authorization") != state.machine_secret:
                raise Refused(401, {"code": "unauthorized"})
            return answer
        if path == "/latest/api/token":
            if self.command != "PUT" or not self.headers.get("X-aws-ec2-metadata-token-ttl-seconds"):
                raise Refused(400, {})
            return state.machine_secret
        if self.headers.get("X-aws-ec2-metadata-token") != state.machine_secret:
            raise Refused(401, {})
        roles = "/latest/meta-data/iam/security-credentials/"
        if path == roles:
            return "builder"
        if path == roles + "builder":
            return answer
        raise Refused(404, {})


def sign(key, digest, hash):
    if state.wrong_signature:
        digest = bytes([digest[0] ^ 1]) + digest[1:]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(digest, ec.ECDSA(utils.Prehashed(hash)))
    salt = hash.digest_size if state.salt is None else state.salt
    return key.sign(digest, padding.PSS(padding.MGF1(hash), salt), utils.Prehashed(hash))


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (OSError, ssl.SSLError)):
            super().handle_error(request, client_address)


def write(name, data):
    path = os.path.join(DIRECTORY, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    return path


def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(
        x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(
        now + datetime.timedelta(days=1)).add_extension(x509.BasicConstraints(True, None), True).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False).sign(
        key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    return write("tls.crt", made.public_bytes(pem)), write("tls.key", key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def account_file(name, base):
    key = state.account.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    return write(name, json.dumps({
        "type": "service_account", "project_id": "p", "private_key_id": "kid-1", "private_key": key,
        "client_email": ACCOUNT, "client_id": "1", "token_uri": base + "/token"}).encode())


def federated_file(name, base, source, impersonates):
    impersonation = {"service_account_impersonation_url":
                     "%s/iam/v1/projects/-/serviceAccounts/%s:generateAccessToken" % (base, ACCOUNT)}
    return write(name, json.dumps({
        "type": "external_account", "audience": POOL, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": base + "/sts/v1/token", "credential_source": source} | (impersonation if impersonates else {})
    ).encode())


ACCOUNT = "signer@p.iam.gserviceaccount.com"
state.named = {}
plain, secure = Server(("127.0.0.1", 0), Handler), Server(("127.0.0.1", 0), Handler)
crt, key = certificate()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(crt, key)
secure.socket = context.wrap_socket(secure.socket, server_side=True)
for server in (plain, secure):
    threading.Thread(target=server.serve_forever, daemon=True).start()
http, https = "http://127.0.0.1:%d" % plain.server_port, "https://127.0.0.1:%d" % secure.server_port
assertion = write("assertion", (state.assertion + "\n").encode())
# Google's own client takes a token in a file as it is, its end of line included.
subject = write("subject", state.assertion.encode())
by_url = {"url": http + "/subject?audience=pool", "headers": {"X-Proof": state.machine_secret},
          "format": {"type": "json", "subject_token_field_name": "id_token"}}
print(json.dumps({
    "federated": federated_file("federated.json", http, {"file": assertion}, True),
    "federatedByURL": federated_file("federated-url.json", http, by_url, False),
    "secureFederated": federated_file("secure-federated.json", https, {"file": subject}, True),
    "http": http, "https": https, "ca": crt, "account": account_file("account.json", http),
    "secureAccount": account_file("secure-account.json", https), "tenant": TENANT, "client": CLIENT,
    "clientSecret": state.client_secret, "assertion": assertion,
    "machineSecret": state.machine_secret, "ring": RING}), flush=True)
for line in sys.stdin:
    print(json.dumps(state.control(json.loads(line))), flush=True)
