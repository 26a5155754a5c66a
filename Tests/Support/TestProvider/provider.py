"""A small OpenID provider on loopback for tests: discovery, keys, authorization code with PKCE, device authorization.

It prints its issuer, then takes one JSON request a line on standard input and answers with one JSON line.
"""

import base64
import hashlib
import hmac
import json
import secrets
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

CLIENT = "roadstead-cli"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length):
    return b64(value.to_bytes(length, "big"))


class Key:
    def __init__(self, name, kind):
        self.name, self.kind = name, kind
        if kind == "RS256" or kind == "PS256":
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        elif kind == "weak":
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        elif kind == "ES256":
            self.private = ec.generate_private_key(ec.SECP256R1())
        elif kind == "ES384":
            self.private = ec.generate_private_key(ec.SECP384R1())
        else:
            self.private = ed25519.Ed25519PrivateKey.generate()

    def jwk(self):
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            n = public.public_numbers()
            return {"kty": "RSA", "kid": self.name, "use": "sig", "e": "AQAB",
                    "n": number(n.n, (n.n.bit_length() + 7) // 8)}
        if isinstance(public, ec.EllipticCurvePublicKey):
            n, length = public.public_numbers(), public.key_size // 8
            return {"kty": "EC", "kid": self.name, "use": "sig", "crv": "P-%d" % public.key_size,
                    "x": number(n.x, length), "y": number(n.y, length)}
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kty": "OKP", "kid": self.name, "use": "sig", "crv": "Ed25519", "x": b64(raw)}

    def pem(self):
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, algorithm, data):
        if algorithm == "RS256":
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        if algorithm == "PS256":
            return self.private.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        if algorithm in ("ES256", "ES384"):
            hash = hashes.SHA256() if algorithm == "ES256" else hashes.SHA384()
            r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hash)))
            length = self.private.curve.key_size // 8
            return r.to_bytes(length, "big") + s.to_bytes(length, "big")
        return self.private.sign(data)


class Provider:
    def __init__(self):
        self.lock = threading.Lock()
        kinds = [("rsa", "RS256"), ("ec", "ES256"), ("ec384", "ES384"), ("ed", "EdDSA")]
        self.keys = {name: Key(name, kind) for name, kind in kinds}
        self.published = [name for name, _ in kinds]
        self.hits = {}
        self.down = False
        self.claimed_issuer = None
        self.person = {"sub": "carol", "name": "Carol", "groups": []}
        self.answers = ["approved"]
        self.codes, self.devices = {}, {}
        self.lifetime, self.interval = 300, 1
        self.forgets_challenge = False

    def signed(self, request):
        key = self.keys[request["key"]] if "key" in request else self.keys["rsa"]
        algorithm = request.get("alg", key.kind)
        header = {"alg": algorithm, "kid": key.name, "typ": "JWT"} | request.get("header", {})
        claims = request["raw"] if "raw" in request else json.dumps(request["claims"])
        data = (b64(json.dumps(header).encode()) + "." + b64(claims.encode())).encode()
        how = request.get("sign", algorithm)
        if how == "none":
            signature = b""
        elif how == "HS256":
            signature = hmac.new(key.pem(), data, hashlib.sha256).digest()
        else:
            signature = self.keys[request.get("by", key.name)].sign(how, data)
        return data.decode() + "." + b64(signature)

    def identity_token(self, nonce):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + self.lifetime} | self.person
        if nonce is not None:
            claims["nonce"] = nonce
        return self.signed({"claims": claims, "key": "ec"})

    def control(self, request):
        with self.lock:
            kind = request.pop("op")
            if kind == "token":
                return {"token": self.signed(request)}
            if kind == "set":
                for name, value in request.items():
                    setattr(self, name, value)
                return {}
            if kind == "add-key":
                self.keys[request["name"]] = Key(request["name"], request["kind"])
                return {}
            if kind == "hits":
                return {"hits": self.hits}
        raise ValueError(kind)


provider = Provider()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        with provider.lock:
            provider.hits[path] = provider.hits.get(path, 0) + 1
            if provider.down:
                return self.answer(503, {})
            if path == "/.well-known/openid-configuration":
                return self.answer(200, {
                    "issuer": provider.claimed_issuer or provider.issuer, "jwks_uri": provider.issuer + "/jwks",
                    "authorization_endpoint": provider.issuer + "/authorize",
                    "token_endpoint": provider.issuer + "/token",
                    "device_authorization_endpoint": provider.issuer + "/device"})
            if path == "/jwks":
                return self.answer(200, {"keys": [provider.keys[name].jwk() for name in provider.published]})
            if path == "/authorize":
                return self.authorize({k: v[0] for k, v in urllib.parse.parse_qs(query).items()})
        self.answer(404, {})

    def authorize(self, query):
        target = urllib.parse.urlparse(query["redirect_uri"])
        if query["client_id"] != CLIENT or target.hostname != "127.0.0.1" or query["code_challenge_method"] != "S256":
            return self.answer(400, {"error": "invalid_request"})
        if provider.answers[0] == "denied":
            back = {"error": "access_denied", "state": query["state"]}
        else:
            code = secrets.token_urlsafe(16)
            challenge = "another" if provider.forgets_challenge else query["code_challenge"]
            provider.codes[code] = (query["redirect_uri"], challenge, query.get("nonce"))
            back = {"code": code, "state": query["state"]}
        self.answer(302, b"", [("Location", query["redirect_uri"] + "?" + urllib.parse.urlencode(back))])

    def do_POST(self):
        form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = {k: v[0] for k, v in urllib.parse.parse_qs(form).items()}
        with provider.lock:
            provider.hits[self.path] = provider.hits.get(self.path, 0) + 1
            if form.get("client_id") != CLIENT:
                return self.answer(401, {"error": "invalid_client"})
            if self.path == "/device":
                code = secrets.token_urlsafe(16)
                provider.devices[code] = list(provider.answers)
                return self.answer(200, {
                    "device_code": code, "user_code": "WDJB-MJHT", "verification_uri": provider.issuer + "/activate",
                    "expires_in": provider.lifetime, "interval": provider.interval})
            if self.path == "/token":
                return self.token(form)
        self.answer(404, {})

    def token(self, form):
        if form["grant_type"] == "authorization_code":
            redirect, challenge, nonce = provider.codes.pop(form["code"], (None, None, None))
            digest = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
            if redirect is None or redirect != form["redirect_uri"] or digest != challenge:
                return self.answer(400, {"error": "invalid_grant"})
            return self.answer(200, self.tokens(nonce))
        waiting = provider.devices.get(form["device_code"], ["expired_token"])
        state = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if state != "approved":
            error = {"pending": "authorization_pending", "denied": "access_denied"}.get(state, state)
            return self.answer(400, {"error": error})
        return self.answer(200, self.tokens(None))

    def tokens(self, nonce):
        return {"access_token": "opaque", "token_type": "Bearer", "id_token": provider.identity_token(nonce)}


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
provider.issuer = "http://127.0.0.1:%d" % server.server_port
threading.Thread(target=server.serve_forever, daemon=True).start()
print(provider.issuer, flush=True)
for line in sys.stdin:
    print(json.dumps(provider.control(json.loads(line))), flush=True)
