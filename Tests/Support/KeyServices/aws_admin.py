"""Calls AWS's interfaces with AWS's own library, as the administrator of MiniStack.

usage: aws_admin.py ENDPOINT REGION

It takes one JSON request a line on standard input, `[SERVICE, OPERATION, PARAMETERS]`, and answers with one JSON line.
"""

import json
import sys

import botocore.session

endpoint, region = sys.argv[1:]
session, clients = botocore.session.get_session(), {}
for line in sys.stdin:
    service, operation, parameters = json.loads(line)
    try:
        if service not in clients:
            clients[service] = session.create_client(
                service, region_name=region, endpoint_url=endpoint, aws_access_key_id="test",
                aws_secret_access_key="test")
        answer = getattr(clients[service], operation)(**parameters)
        answer.pop("ResponseMetadata", None)
    except Exception as error:
        answer = {"error": str(error)}
    print(json.dumps(answer, default=str), flush=True)
