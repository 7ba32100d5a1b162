"""A real S3 over HTTP on loopback, in a process of its own that ends with its standard input."""

import http.client
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from support.missing import missing

SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""
CREDENTIAL = "AWS4-HMAC-SHA256 Credential=a/20261122/us-east-1/s3/aws4_request, SignedHeaders=host"


@contextmanager
def s3_server() -> Iterator[str]:
    """Start a server with the bucket `bucket` and give its address."""
    if importlib.util.find_spec("moto") is None:
        missing("moto, which serves S3 on loopback, is not installed")
    with subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(
            "PUT", "/bucket", headers={"Authorization": f"{CREDENTIAL}, Signature=x"}
        )
        assert connection.getresponse().status == 200
        connection.close()
        yield f"http://127.0.0.1:{port}"
        assert process.stdin is not None
        process.stdin.close()


def s3_environment(address: str) -> dict[str, str]:
    """Return the environment variables that lead S3 clients to the server."""
    return {
        **os.environ,
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
