"""A session's events as they are written, for server-sent events: each line once, numbered, from wherever the reader left off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec

from edgeagent.cloud.depot import Depot
from edgeagent.recording.log import LOG_NAME

_POLL_S = 0.1
_QUIET_S = 5.0
"""After so long without an event the reader is told where things stand, and so that the connection lives."""
_PIECE_BYTES = 1 << 20


class _Numbered(msgspec.Struct):
    seq: int


async def follow(depot: Depot, tenant: str, session: str, after: int) -> AsyncGenerator[dict[str, str | int]]:
    """Events with a number above ``after``, as ``event`` with the log's own line as data; ``standing`` whenever that changes.

    Ends once the session is the client's again and all was told.
    """
    path = depot.directory(tenant, session) / LOG_NAME
    offset, told, quiet_s = 0, "", 0.0
    while True:
        row = await asyncio.to_thread(depot.ledger.find, tenant, session)
        lines, offset = await asyncio.to_thread(_lines, path, offset)
        for line in lines:
            number = msgspec.json.decode(line, type=_Numbered).seq
            if number > after:
                yield {"event": "event", "id": number, "data": line.decode()}
                quiet_s = 0.0
        standing = f"{row.state} {row.epoch} {row.trouble}"
        if standing != told or quiet_s >= _QUIET_S:
            yield {"event": "standing", "data": msgspec.json.encode(row.standing).decode()}
            told, quiet_s = standing, 0.0
        if row.owner == "client" and not lines:
            return
        if not lines:
            await asyncio.sleep(_POLL_S)
            quiet_s += _POLL_S


def _lines(path: Path, offset: int) -> tuple[list[bytes], int]:
    """The whole lines from ``offset`` on, and where the next one begins."""
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(_PIECE_BYTES)
    except FileNotFoundError:
        return [], offset
    end = data.rfind(b"\n") + 1
    return data[:end].splitlines(), offset + end
