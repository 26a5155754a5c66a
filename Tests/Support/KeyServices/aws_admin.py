"""Calls AWS's interfaces with AWS's own library, as the administrator of MiniStack.

usage: aws_admin.py ENDPOINT REGION SERVICE OPERATION JSON
"""

import json
import sys

import botocore.session

endpoint, region, service, operation, parameters = sys.argv[1:]
client = botocore.session.get_session().create_client(
    service, region_name=region, endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test")
answer = getattr(client, operation)(**json.loads(parameters))
answer.pop("ResponseMetadata", None)
print(json.dumps(answer, default=str))
