"""What becomes of a run's place at an engine while the model is not asked: it makes room for others, and comes back.

While the user is asked or holds the run its state goes out of the way when others want its place. When the run ends and may go
on, its state and what the model was told go to disk: whoever resumes the session asks where it stopped, and nothing is computed
again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import tempfile
import time
import zlib
from collections.abc import Coroutine, Sequence
from pathlib import Path

import msgspec

from edgeagent.engine.host import Seat
from edgeagent.errors import EngineError
from edgeagent.folders import APART_SUFFIX, MEMO_SUFFIX, forget_parked, parked_folder
from edgeagent.history import Step
from edgeagent.screen import Screen
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_models.protocol import Fetch, Park

TTL_S = 86_400.0
"""How long a session's state is kept that waits for its user."""
PRIORITY = 50
_LEVEL = 1
"""Of zlib, for screens: higher ones take longer than they save."""


class _Shown(msgspec.Struct, frozen=True):
    step: int
    info: FrameInfo
    pixels: bytes
    """Compressed."""


class _Memo(msgspec.Struct, frozen=True):
    """What a model was told beside the history: it goes on as if it had never stopped."""

    model: str
    steps: int
    digest: str
    """Of these steps: another history has nothing to do with it."""
    replies: dict[int, str]
    shown: tuple[_Shown, ...]


class Parking:
    """One run's. ``session`` names its seat and its files; ``model`` says whose words are kept: another one is not told them as
    its own."""

    def __init__(self, seat: Seat, session: str, model: str) -> None:
        self._seat = seat
        self._session = session
        self._model = model
        self._under_way: set[asyncio.Task[None]] = set()

    def wait(self) -> None:
        """The user is waited for."""
        self._start(self._send(Park(0, self._seat.sequence, priority=PRIORITY, ttl_s=TTL_S)))

    def go_on(self) -> None:
        """The model will be asked soon."""
        self._start(self._send(Fetch(0, self._seat.sequence)))

    async def leave(self, steps: Sequence[Step], replies: dict[int, str], screens: dict[int, Screen]) -> None:
        """Keep everything for whoever resumes the session."""
        if not replies:
            return
        shown = tuple(_Shown(step, one.info, zlib.compress(one.pixels, _LEVEL)) for step, one in screens.items())
        memo = _Memo(self._model, len(steps), _digest(steps), replies, shown)
        with contextlib.suppress(OSError):  # a full disk costs the time to compute it again
            await asyncio.to_thread(_write, self._session, msgspec.msgpack.encode(memo))
        await self._send(Park(0, self._seat.sequence, to_disk=True, priority=PRIORITY, ttl_s=TTL_S))

    def recalled(self, steps: Sequence[Step]) -> tuple[dict[int, str], dict[int, Screen]]:
        """What `leave` kept: replies and screens by step; nothing where model or history are others."""
        _sweep()
        try:
            memo = msgspec.msgpack.decode(_memo_path(self._session).read_bytes(), type=_Memo)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return {}, {}
        if memo.model != self._model or len(steps) < memo.steps or _digest(steps[: memo.steps]) != memo.digest:
            return {}, {}
        screens = {one.step: screen for one in memo.shown if (screen := _unpacked(one))}
        return (memo.replies, screens) if len(screens) == len(memo.shown) else ({}, {})

    def forget(self) -> None:
        """The session is over."""
        forget_parked(self._session)

    def _start(self, sending: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(sending)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _send(self, request: Park | Fetch) -> None:
        with contextlib.suppress(EngineError):  # then the next question takes longer
            await self._seat.request(request)


def _unpacked(shown: _Shown) -> Screen | None:
    """The screen, if it is one: what came from another machine may be anything."""
    with contextlib.suppress(zlib.error, OverflowError):
        unpacking = zlib.decompressobj()
        pixels = unpacking.decompress(shown.pixels, max(1, shown.info.size_bytes))
        if unpacking.eof and len(pixels) == shown.info.size_bytes:
            return Screen(shown.info, pixels)
    return None


def _digest(steps: Sequence[Step]) -> str:
    return hashlib.blake2b(msgspec.msgpack.encode(list(steps)), digest_size=16).hexdigest()


def _memo_path(session: str) -> Path:
    return parked_folder() / f"{session}{MEMO_SUFFIX}"


def _write(session: str, memo: bytes) -> None:
    _sweep()
    path = _memo_path(session)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:  # readable by its owner alone
        file.write(memo)
    os.replace(file.name, path)


def _sweep() -> None:
    """Remove what has been kept for too long. Engines do so with states, unless one from elsewhere is none."""
    for path in (*parked_folder().glob(f"*{MEMO_SUFFIX}"), *parked_folder().glob(f"*{APART_SUFFIX}")):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - TTL_S:
                path.unlink()
