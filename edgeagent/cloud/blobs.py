"""Immutable blobs by name: a directory, S3, or whatever else `obstore` knows. Each tenant has its own."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from edgeagent.errors import BundleRefused, EnvironmentProblem

_obstore: Any = import_module("obstore")
_store: Any = import_module("obstore.store")


class Blobs:
    """A name has one content for ever."""

    def __init__(self, url: str) -> None:
        """``url``: ``file:///…``, ``s3://bucket/prefix``, …"""
        self._directory = Path(url.removeprefix("file://")) if url.startswith("file://") else None
        try:
            if self._directory:
                self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._store = _store.LocalStore(self._directory)
            else:
                self._store = _store.from_url(url)
        except (OSError, _obstore.exceptions.BaseError) as error:
            raise EnvironmentProblem(f"the blobs at {url} cannot be used: {error}", "check --blobs") from error

    def put(self, tenant: str, name: str, data: bytes) -> None:
        """Keep ``data``, in place of what may be there: it has the same content, or is damaged. Raises `EnvironmentProblem`."""
        try:
            _obstore.put(self._store, _path(tenant, name), data)
        except _obstore.exceptions.BaseError as error:
            raise EnvironmentProblem(f"a chunk cannot be stored: {error}", "is the disk full?") from error

    def get(self, tenant: str, name: str) -> bytes:
        """Raises `BundleRefused` if there is none."""
        try:
            return bytes(_obstore.get(self._store, _path(tenant, name)).bytes())
        except FileNotFoundError as error:
            raise BundleRefused(f"chunk {name[:12]} is not there") from error
        except _obstore.exceptions.BaseError as error:
            raise EnvironmentProblem(f"a chunk cannot be read: {error}") from error

    def make_durable(self) -> None:
        """What was put so far survives the loss of power. Where it is not a directory it did from the start."""
        if self._directory:
            os.sync()


def _path(tenant: str, name: str) -> str:
    return f"{tenant}/{name[:2]}/{name}"
