"""Immutable blobs by name: a directory, S3, or whatever else `obstore` knows. Each tenant has its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edgeagent.errors import BundleRefused, EnvironmentProblem

_obstore: Any = import_module("obstore")
_store: Any = import_module("obstore.store")
_TROUBLE = (OSError, ValueError, _obstore.exceptions.BaseError)
_KEYS = (
    "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_METADATA_ENDPOINT",
)  # fmt: skip
"""One of these says where credentials come from. Without any, the library would look for a machine's role in the network."""
_CLIENT = {"connect_timeout": "5s", "timeout": "60s"}
_RETRY = {"max_retries": 4, "retry_timeout": timedelta(seconds=20)}
_XML = re.compile(r"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", re.DOTALL)
_TOLD = 300


@dataclass(frozen=True, slots=True)
class Blob:
    """One that is there."""

    name: str
    size_bytes: int
    modified: datetime


class Blobs:
    """A name has one content for ever."""

    def __init__(self, url: str) -> None:
        """``url``: ``file:///…``, ``s3://bucket/prefix``, … Raises `EnvironmentProblem` where it cannot be used."""
        self._url = url
        self._directory = Path(url.removeprefix("file://")) if url.startswith("file://") else None
        if url.startswith("s3") and not any(map(os.environ.get, _KEYS)):
            raise EnvironmentProblem(
                f"no credentials for the blobs at {url}", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
            )
        try:
            if self._directory:
                self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._store = _store.LocalStore(self._directory)
            else:
                self._store = _store.from_url(url, client_options=_CLIENT | plain_http(), retry_config=_RETRY)
            next(iter(_obstore.list(self._store, chunk_size=1)), None)
        except _TROUBLE as error:
            raise EnvironmentProblem(f"the blobs at {url} cannot be used: {_told(error)}", self._hint) from error

    def put(self, tenant: str, name: str, data: bytes) -> None:
        """Keep ``data``, in place of what may be there: it has the same content, or is damaged. Raises `EnvironmentProblem`."""
        try:
            _obstore.put(self._store, _path(tenant, name), data)
        except _TROUBLE as error:
            raise EnvironmentProblem(f"a chunk cannot be stored: {_told(error)}", self._hint) from error

    def get(self, tenant: str, name: str) -> bytes:
        """Raises `BundleRefused` if there is none."""
        try:
            return bytes(_obstore.get(self._store, _path(tenant, name)).bytes())
        except FileNotFoundError as error:
            raise BundleRefused(f"chunk {name[:12]} is not there") from error
        except _TROUBLE as error:
            raise EnvironmentProblem(f"a chunk cannot be read: {_told(error)}", self._hint) from error

    def all(self, tenant: str) -> Iterator[Blob]:
        """The tenant's. Raises `EnvironmentProblem`."""
        try:
            for some in _obstore.list(self._store, prefix=tenant):
                for one in some:
                    yield Blob(one["path"].rpartition("/")[2], one["size"], one["last_modified"])
        except _TROUBLE as error:
            raise EnvironmentProblem(f"the blobs cannot be listed: {_told(error)}", self._hint) from error

    def delete(self, tenant: str, name: str) -> None:
        """Also where there is none. Raises `EnvironmentProblem`."""
        try:
            _obstore.delete(self._store, _path(tenant, name))
        except FileNotFoundError:
            return
        except _TROUBLE as error:
            raise EnvironmentProblem(f"a chunk cannot be removed: {_told(error)}", self._hint) from error

    def make_durable(self) -> None:
        """What was put so far survives the loss of power. Where it is not a directory it did from the start."""
        if self._directory:
            os.sync()

    @property
    def _hint(self) -> str:
        if self._directory:
            return "is the disk full?"
        return "check --blobs, AWS_ENDPOINT_URL, AWS_REGION and the credentials in the environment, and that the bucket is there"


def _path(tenant: str, name: str) -> str:
    return f"{tenant}/{name[:2]}/{name}"


def plain_http() -> dict[str, bool]:
    """The client's option for it: plain HTTP is for this machine alone, unless AWS_ALLOW_HTTP says otherwise."""
    host = urlsplit(os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT") or "").hostname or ""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return {"allow_http": True} if local else {}


def _told(error: BaseException) -> str:
    """What a person can use of what the library says: the service's own words, or its first line."""
    text = str(error)
    if found := _XML.search(text):
        return f"{found[1]}: {found[2]}"[:_TOLD]
    return text.split("\n", 1)[0][:_TOLD]
