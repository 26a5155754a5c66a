"""Signs with Microsoft's and Google's own clients against clouds.py, and has each signature confirmed.

usage: vendor_clients.py JSON, the line that clouds.py printed
"""

import hashlib
import json
import os
import sys

place = json.loads(sys.argv[1])
os.environ["REQUESTS_CA_BUNDLE"] = place["ca"]

from azure.core.exceptions import ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from google.cloud import kms_v1
from google.cloud.kms_v1.services.key_management_service.transports.rest import KeyManagementServiceRestTransport
from google.auth import identity_pool
from google.oauth2 import service_account

MESSAGE = b"what is signed"


def azure():
    host = place["https"].removeprefix("https://")
    credential = ClientSecretCredential(
        place["tenant"], place["client"], place["clientSecret"], authority=host, disable_instance_discovery=True)
    keys = KeyClient(place["https"], credential, verify_challenge_resource=False)
    for name, algorithm, digest in [("ec-p256", SignatureAlgorithm.es256, hashlib.sha256),
                                    ("ec-p521", SignatureAlgorithm.es512, hashlib.sha512),
                                    ("rsa-3072", SignatureAlgorithm.ps384, hashlib.sha384)]:
        key = keys.get_key(name)
        client = CryptographyClient(key.id, credential, verify_challenge_resource=False)
        result = client.sign(algorithm, digest(MESSAGE).digest())
        assert client.verify(algorithm, digest(MESSAGE).digest(), result.signature).is_valid
        print("azure", name)
    try:
        keys.get_key("nobody")
    except ResourceNotFoundError:
        print("azure", "nobody")


SCOPES = ["https://www.googleapis.com/auth/cloudkms"]


def google(credentials, suffix=""):
    host = place["https"].removeprefix("https://")
    client = kms_v1.KeyManagementServiceClient(transport=KeyManagementServiceRestTransport(
        host=host, credentials=credentials, always_use_jwt_access=False))
    for name, word, hash in [("ec-p256", "sha256", hashes.SHA256()), ("rsa-4096", "sha512", hashes.SHA512())]:
        path = "%s/cryptoKeys/%s/cryptoKeyVersions/1" % (place["ring"], name)
        public = serialization.load_pem_public_key(client.get_public_key(name=path).pem.encode())
        digest = hashlib.new(word, MESSAGE).digest()
        answer = client.asymmetric_sign(name=path, digest={word: digest})
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(answer.signature, digest, ec.ECDSA(utils.Prehashed(hash)))
        else:
            public.verify(
                answer.signature, digest, padding.PSS(padding.MGF1(hash), hash.digest_size), utils.Prehashed(hash))
        print("google", name + suffix)
    return client


def google_makes(client):
    template = {"algorithm": kms_v1.CryptoKeyVersion.CryptoKeyVersionAlgorithm.EC_SIGN_P384_SHA384}
    made = client.create_crypto_key(parent=place["ring"], crypto_key_id="vendor", crypto_key={
        "purpose": kms_v1.CryptoKey.CryptoKeyPurpose.ASYMMETRIC_SIGN, "version_template": template})
    version = made.name + "/cryptoKeyVersions/1"
    states = [client.get_crypto_key_version(name=version).state.name for _ in range(3)]
    print("google makes", *states)


azure()
google_makes(google(service_account.Credentials.from_service_account_file(place["secureAccount"], scopes=SCOPES)))
google(identity_pool.Credentials.from_file(place["secureFederated"], scopes=SCOPES), " federated")
