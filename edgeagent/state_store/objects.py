"""The port over `obstore`: a folder, S3, GCS or Azure. Import it late: its library is an extra."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from edgeagent.errors import BundleRefused, EnvironmentProblem
from edgeagent.objects import TROUBLE, directory_of, obstore, opened, told
from edgeagent.state_store.port import Stored, created

_PIECE_BYTES = 8 << 20
"""S3 takes no parts below 5 MB, but for the last one."""


class ObjectStates:
    """A `StateStore` at a URL."""

    def __init__(self, url: str) -> None:
        """Reaches nothing yet."""
        self._url = url
        self._opened: Any = None

    @property
    def where(self) -> str:
        directory = directory_of(self._url)
        return str(directory) if directory else self._url

    async def put(self, name: str, file: Path) -> None:
        """See `StateStore.put`."""
        async with self._used("a state cannot be stored") as store:
            await obstore.put_async(store, name, file, chunk_size=_PIECE_BYTES, max_concurrency=2)

    async def get(self, name: str, file: Path, max_bytes: int) -> None:
        """See `StateStore.get`."""
        left = max_bytes
        async with self._used("a state cannot be fetched") as store:
            try:
                found = await obstore.get_async(store, name)
            except FileNotFoundError as error:
                raise BundleRefused("it is gone") from error
            with created(file) as stream:
                async for piece in found.stream(min_chunk_size=_PIECE_BYTES):
                    left -= len(piece)
                    if left < 0:
                        raise BundleRefused(f"it has more than the {max_bytes} bytes that it was said to have")
                    stream.write(piece)

    async def all(self, session: str = "") -> list[Stored]:
        """See `StateStore.all`."""
        found: list[Stored] = []
        async with self._used("the states cannot be listed") as store:
            async for some in obstore.list(store, prefix=session or None):
                found += filter(None, (Stored.of(one["path"], one["size"]) for one in some))
        return found

    async def delete(self, name: str) -> None:
        """See `StateStore.delete`."""
        async with self._used("a state cannot be removed") as store:
            try:
                await obstore.delete_async(store, name)
            except FileNotFoundError:
                return

    @asynccontextmanager
    async def _used(self, what: str) -> AsyncGenerator[Any]:
        directory = directory_of(self._url)
        try:
            if directory and not directory.is_dir():  # not made: without its disk it would fill the one beneath
                raise EnvironmentProblem(f"{directory} is not there", "is its disk mounted? make the folder once")
            self._opened = self._opened or opened(self._url, "states", tidy=True)
            yield self._opened
        except TROUBLE as error:
            raise EnvironmentProblem(f"{what}: {told(error)}") from error
