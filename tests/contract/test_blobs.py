"""Blobs in a directory and in S3 behave the same, tenants apart, and say clearly what is wrong with the store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.s3 import S3, s3

from edgeagent.cloud.blobs import Blobs
from edgeagent.errors import BundleRefused, EnvironmentProblem
from edgeagent.objects import plain_http

NAME = "ab" * 32


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with s3() as made:
        made.make_bucket("chunks")
        yield made


@pytest.fixture
def environment(server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture(params=["directory", "s3"])
def blobs(tmp_path: Path, request: pytest.FixtureRequest) -> Blobs:
    if request.param == "directory":
        return Blobs(f"file://{tmp_path / 'blobs'}")
    request.getfixturevalue("environment")
    return Blobs(f"s3://chunks/{tmp_path.name}")


def test_what_was_put_is_got(blobs: Blobs) -> None:
    for data in (b"", b"one", os.urandom(3 << 20)):
        blobs.put("acme", NAME, data)
        assert blobs.get("acme", NAME) == data
    blobs.make_durable()


def test_what_is_not_there(blobs: Blobs) -> None:
    with pytest.raises(BundleRefused, match="chunk abababababab is not there"):
        blobs.get("acme", NAME)
    blobs.delete("acme", NAME)


def test_tenants_are_apart(blobs: Blobs) -> None:
    blobs.put("acme", NAME, b"acme's")
    blobs.put("acme-2", NAME, b"the other's")
    assert [blobs.get(tenant, NAME) for tenant in ("acme", "acme-2")] == [b"acme's", b"the other's"]
    assert [one.size_bytes for one in blobs.all("acme")] == [6]
    blobs.delete("acme", NAME)
    assert blobs.get("acme-2", NAME) == b"the other's"


def test_all_are_listed_and_removed(blobs: Blobs) -> None:
    names = {f"{number:02x}" * 32 for number in range(30)} | {f"{NAME}.manifest"}
    for name in names:
        blobs.put("acme", name, b"12345")
    listed = list(blobs.all("acme"))
    assert {one.name for one in listed} == names
    assert {one.size_bytes for one in listed} == {5}
    assert max(one.modified for one in listed).tzinfo is not None
    for name in names:
        blobs.delete("acme", name)
    assert list(blobs.all("acme")) == []


@pytest.mark.usefixtures("environment")
def test_a_bucket_that_is_not_there() -> None:
    with pytest.raises(EnvironmentProblem, match="s3://none/x cannot be used: NoSuchBucket") as refused:
        Blobs("s3://none/x")
    assert "that the bucket is there" in refused.value.hint


def test_a_bucket_that_went_away(environment: S3) -> None:
    environment.make_bucket("short")
    blobs = Blobs("s3://short/x")
    subprocess.run(["curl", "-sfX", "DELETE", f"{environment.environment['AWS_ENDPOINT_URL']}/short"], check=True)
    with pytest.raises(EnvironmentProblem, match="a chunk cannot be stored: NoSuchBucket"):
        blobs.put("acme", NAME, b"1")


def test_a_server_that_went_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with s3() as server:
        server.make_bucket("chunks")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        blobs = Blobs("s3://chunks")
        server.kill()
        for ask in (lambda: blobs.put("acme", NAME, b"1"), lambda: blobs.get("acme", NAME), lambda: list(blobs.all("acme"))):
            with pytest.raises(EnvironmentProblem, match="error sending request"):
                ask()
        with pytest.raises(EnvironmentProblem, match="cannot be used"):
            Blobs("s3://chunks")


def test_without_credentials_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with pytest.raises(EnvironmentProblem, match="no credentials for the blobs at s3://chunks") as refused:
        Blobs("s3://chunks")
    assert "AWS_ACCESS_KEY_ID" in refused.value.hint


@pytest.mark.parametrize(
    ("endpoint", "allowed"),
    [
        ("http://127.0.0.1:9000", True),
        ("http://[::1]:9000", True),
        ("http://localhost", True),
        ("http://store:9000", False),
        ("", False),
    ],
)
def test_plain_http_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch, endpoint: str, allowed: bool) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert bool(plain_http()) is allowed


@pytest.mark.parametrize("url", ["s4://x", "nonsense", "s3://"])
@pytest.mark.usefixtures("environment")
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(EnvironmentProblem, match="cannot be used"):
        Blobs(url)


def test_the_command_says_what_is_wrong(server: S3, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "edgeagent", "cloud", "serve", "--data", str(tmp_path), "--port", "0", "--blobs", "s3://none"]
    ended = subprocess.run(argv, env={**os.environ, **server.environment}, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 3
    assert "NoSuchBucket" in ended.stderr
    assert "Traceback" not in ended.stderr
