"""A broker in a made-up internet, and plain clients of it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from support.egress_world import World

from edgeagent_harness.broker import EgressBroker
from edgeagent_harness.policy.types import Endpoint, Response
from edgeagent_harness.protocol.audit import Connection
from edgeagent_harness.protocol.egress_wire import Configure, Limits

COMMAND = (sys.executable, "-P", "-m", "edgeagent_harness.outside.egress")
_PATIENCE_S = 15.0


@dataclass
class Broker:
    """The real broker process, in the near namespace."""

    process: EgressBroker
    entries: asyncio.Queue[Connection]

    @property
    def path(self) -> Path:
        return self.process.socket_path

    async def entry(self) -> Connection:
        """The next entry for the audit."""
        async with asyncio.timeout(_PATIENCE_S):
            return await self.entries.get()


@contextlib.asynccontextmanager
async def started(
    made: World, endpoints: tuple[Endpoint, ...], response: Response = "deny", limits: Limits | None = None
) -> AsyncGenerator[Broker]:
    entries: asyncio.Queue[Connection] = asyncio.Queue()
    settings = Configure("sandbox", endpoints, response, limits or Limits())
    process = await EgressBroker.start(settings, entries.put_nowait, (*made.enter(), *COMMAND))
    try:
        await process.serving()
        yield Broker(process, entries)
    finally:
        await process.close()


async def exchange(path: Path, sent: bytes, half_close: bool = False) -> bytes:
    """Send ``sent``, and read until the broker ends the connection."""
    reader, writer = await asyncio.open_unix_connection(path)
    with contextlib.suppress(ConnectionError):
        writer.write(sent)
        if half_close:
            writer.write_eof()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await _all(reader)
    finally:
        writer.close()


async def _all(reader: asyncio.StreamReader) -> bytes:
    data = bytearray()
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65536):
            data += chunk
    return bytes(data)
