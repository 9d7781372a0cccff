"""An S3 server of a test's own on loopback, in a process of its own; it forgets everything when it ends."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

_START_S = 30.0


@dataclass
class S3:
    """One that runs."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def environment(self) -> Mapping[str, str]:
        """What its clients are told."""
        return {
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
        }  # fmt: skip

    def make_bucket(self, name: str) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{name}", method="PUT")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def s3() -> Iterator[S3]:
    """A server without buckets."""
    port = free_port()
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = S3(port, subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    try:
        _wait(server)
        yield server
    finally:
        server.kill()


def _wait(server: S3) -> None:
    end_s = time.monotonic() + _START_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except OSError:
            assert server.process.poll() is None, "the S3 server ended at once"
            assert time.monotonic() < end_s, "the S3 server does not answer"
            time.sleep(0.05)
