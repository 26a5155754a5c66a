"""Writes the vectors of this folder: requests to AWS KMS as AWS's own library, botocore, signs them."""

import datetime
import json
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

CASES = [
    ("GetPublicKey", {"KeyId": "alias/release"}, None, "eu-central-1", "kms.eu-central-1.amazonaws.com"),
    ("Sign", {"KeyId": "alias/release", "MessageType": "DIGEST"}, "a/session+token==", "us-gov-west-1",
     "kms.us-gov-west-1.amazonaws.com"),
    ("ListKeys", {}, None, "cn-north-1", "kms.cn-north-1.amazonaws.com.cn"),
    ("Sign", {"KeyId": "arn:aws:kms:eu-west-3:111122223333:key/1234", "Message": "A" * 88}, "t", "eu-west-3",
     "127.0.0.1:4566"),
]
MOMENT = datetime.datetime(2031, 2, 3, 4, 5, 6)


class Clock(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return MOMENT

    @classmethod
    def now(cls, tz=None):
        return MOMENT.replace(tzinfo=tz)


for operation, body, session, region, host in CASES:
    identity, secret = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    text = json.dumps(body, separators=(",", ":"))
    request = AWSRequest("POST", "https://%s/" % host, data=text, headers={
        "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService." + operation})
    with mock.patch("botocore.auth.get_current_datetime", lambda *_: MOMENT, create=True), \
            mock.patch("botocore.auth.datetime", mock.Mock(datetime=Clock, timezone=datetime.timezone), create=True):
        botocore.auth.SigV4Auth(Credentials(identity, secret, session), "kms", region).add_auth(request)
    print(json.dumps({
        "operation": operation, "region": region, "host": host, "id": identity, "secret": secret, "session": session,
        "date": MOMENT.strftime("%Y-%m-%dT%H:%M:%SZ"), "body": text,
        "authorization": request.headers["Authorization"]}))
