"""Immutable blobs by name: a directory, S3, or whatever else `obstore` knows. Each tenant has its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from edgeagent.errors import BundleRefused, EnvironmentProblem
from edgeagent.objects import TROUBLE, directory_of, obstore, opened, told


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
        self._directory = directory_of(url)
        try:
            if self._directory:
                self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._store = opened(url, "blobs")
            next(iter(obstore.list(self._store, chunk_size=1)), None)
        except TROUBLE as error:
            raise EnvironmentProblem(f"the blobs at {url} cannot be used: {told(error)}", self._hint) from error

    def put(self, tenant: str, name: str, data: bytes) -> None:
        """Keep ``data``, in place of what may be there: it has the same content, or is damaged. Raises `EnvironmentProblem`."""
        try:
            obstore.put(self._store, _path(tenant, name), data)
        except TROUBLE as error:
            raise EnvironmentProblem(f"a chunk cannot be stored: {told(error)}", self._hint) from error

    def get(self, tenant: str, name: str) -> bytes:
        """Raises `BundleRefused` if there is none."""
        try:
            return bytes(obstore.get(self._store, _path(tenant, name)).bytes())
        except FileNotFoundError as error:
            raise BundleRefused(f"chunk {name[:12]} is not there") from error
        except TROUBLE as error:
            raise EnvironmentProblem(f"a chunk cannot be read: {told(error)}", self._hint) from error

    def all(self, tenant: str) -> Iterator[Blob]:
        """The tenant's. Raises `EnvironmentProblem`."""
        try:
            for some in obstore.list(self._store, prefix=tenant):
                for one in some:
                    yield Blob(one["path"].rpartition("/")[2], one["size"], one["last_modified"])
        except TROUBLE as error:
            raise EnvironmentProblem(f"the blobs cannot be listed: {told(error)}", self._hint) from error

    def delete(self, tenant: str, name: str) -> None:
        """Also where there is none. Raises `EnvironmentProblem`."""
        try:
            obstore.delete(self._store, _path(tenant, name))
        except FileNotFoundError:
            return
        except TROUBLE as error:
            raise EnvironmentProblem(f"a chunk cannot be removed: {told(error)}", self._hint) from error

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
