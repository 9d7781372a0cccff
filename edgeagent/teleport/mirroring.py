"""Keeps what is here of a session that is elsewhere up to date: its events and screens are appended as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec

from edgeagent.errors import BundleRefused, RecordingDamaged
from edgeagent.events import Event
from edgeagent.recording.append_only import AppendOnlyFile
from edgeagent.recording.frame_index import PACK_NAME
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import line_hash, read_log
from edgeagent.sessions.lock import SessionLock
from edgeagent.teleport.api import Api
from edgeagent.teleport.backends import own_identity
from edgeagent.teleport.manifest import MAX_CHUNK_BYTES, chunk_id
from edgeagent.teleport.wire import Standing, frames


class Mirror:
    """The read-only copy in ``directory``. Whoever has it holds the session's lock: nobody else writes here meanwhile."""

    def __init__(self, directory: Path) -> None:
        """Raises `SessionBusy` or `RecordingDamaged`."""
        self._lock = SessionLock(directory)
        try:
            contents = read_log(directory / LOG_NAME)
            if contents.damage or contents.torn:
                raise RecordingDamaged(f"{directory / LOG_NAME} is not whole", "`edgeagent teleport pull` fetches it anew")
            self._last_hash, self.next_seq = contents.last_hash, contents.next_seq
            self._log, self._pack = AppendOnlyFile(directory / LOG_NAME), AppendOnlyFile(directory / PACK_NAME)
        except BaseException:
            self._lock.release()
            raise

    def append(self, line: bytes) -> Event:
        """Take the log's next line. Raises `BundleRefused` if it is not that."""
        try:
            event = msgspec.json.decode(line, type=Event)
        except msgspec.MsgspecError as error:
            raise BundleRefused(f"the backend sent no event: {error}") from error
        if event.prev_hash != self._last_hash or event.seq != self.next_seq:
            raise BundleRefused(f"event {event.seq} does not go on from what is here")
        self._log.append(line + b"\n")
        self._last_hash, self.next_seq = line_hash(line), event.seq + 1
        return event

    async def take_screens(self, api: Api, session: str) -> None:
        """Append what the backend's frame pack has beyond what is here."""
        while True:
            pieces = [piece async for piece in frames(_once(await api.screens(session, self._pack.size_bytes)))]
            if not pieces:
                return
            name, sealed = pieces[0]
            data = own_identity().open(sealed, MAX_CHUNK_BYTES)
            if chunk_id(data) != name:
                raise BundleRefused("the backend sent a damaged piece of the screens")
            self._pack.append(data)

    def close(self) -> None:
        self._log.sync()
        self._log.close()
        self._pack.close()
        self._lock.release()


async def follow(api: Api, session: str, mirror: Mirror) -> AsyncGenerator[Event | Standing]:
    """Each event, once it is in the mirror with its screens, and each change of where things stand."""
    async for kind, data in api.events(session, mirror.next_seq - 1):
        if kind == "event":
            await mirror.take_screens(api, session)
            yield mirror.append(data)
        elif kind == "standing":
            yield msgspec.json.decode(data, type=Standing)


async def _once(data: bytes) -> AsyncGenerator[bytes]:
    yield data
