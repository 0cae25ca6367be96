"""The calls of a publication, as a script of one's own makes them; prints how long they took."""

import json
import sys
import time

import boto3

client = boto3.client("lambda")
ROLE = "arn:aws:iam::123456789012:role/site"
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/site"


def set_up():
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": [trust]}
    boto3.client("iam").create_role(RoleName="site", AssumeRolePolicyDocument=json.dumps(policy))
    boto3.client("ecr").create_repository(repositoryName="site")
    client.create_function(
        FunctionName="site", Role=ROLE, PackageType="Image", Code={"ImageUri": f"{REPOSITORY}:first"}
    )


def publish(digest):
    name = {"FunctionName": "site"}
    before = client.get_function(**name)["Configuration"]
    alias = [one for one in client.list_aliases(**name)["Aliases"] if one["Name"] == "live"]
    client.list_versions_by_function(**name)
    boto3.client("ecr").get_authorization_token()
    client.update_function_code(
        ImageUri=f"{REPOSITORY}@{digest}", RevisionId=before.get("RevisionId", ""), **name
    )
    client.get_waiter("function_updated_v2").wait(**name)
    now = client.get_function(**name)["Configuration"]
    published = client.publish_version(
        CodeSha256=now["CodeSha256"], RevisionId=now.get("RevisionId", ""), **name
    )
    version = published["Version"]
    client.get_waiter("published_version_active").wait(Qualifier=version, **name)
    if alias:
        client.update_alias(
            Name="live", FunctionVersion=version, RevisionId=alias[0]["RevisionId"], **name
        )
    else:
        client.create_alias(Name="live", FunctionVersion=version, **name)


if sys.argv[1] == "set-up":
    set_up()
else:
    start = time.perf_counter()
    publish(sys.argv[2])
    print(time.perf_counter() - start)
