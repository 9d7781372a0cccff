"""What a session's engine holds, on its way to another one: an accelerator, never needed, so nothing about it stops a move.

A state was computed from what the model was shown: it goes along only where it was asked for, and where nothing was taken out of
what the model says or is told. Another machine takes it for this session alone (`edgeagent_models.llama.shelf`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from edgeagent.errors import BundleRefused, TeleportRefused
from edgeagent.folders import APART_SUFFIX, MEMO_SUFFIX, STATE_SUFFIX, forget_parked, parked_folder
from edgeagent.sessions.summary import human_bytes
from edgeagent.teleport.gathering import Gathering, Piece, pieces_of
from edgeagent.teleport.manifest import MAX_CHUNK_BYTES, ChunkRef, EngineState, Manifest, Stays, chunk_id
from edgeagent_harness.policy.types import Policy
from edgeagent_models.state_header import made_with

if TYPE_CHECKING:
    from edgeagent.teleport.unpacking import ChunkSource

MAX_BYTES = 2 << 30
"""Of a state and what the model was told: as much as is kept of all sessions together."""
MIN_FREE_SHARE = 0.1
"""Of the disk: what stays free."""
ARRIVED = ("arrived.state", "arrived.memo")
"""In a session's directory, until they are put where engines look."""
DROPPED_NAME = "arrived.dropped"
"""There instead, with the reason, where a state came that was not even written down."""
ENGINE_STATE = "engine state"
"""As what it is listed where it stays."""


def gathered(gathering: Gathering, session: str, policy: Policy) -> EngineState | None:
    """What is kept of ``session``, for its manifest; None, and why among what stays, where there is none.

    Raises `TeleportRefused` where it could hold what must not leave.
    """
    if policy.secrets or policy.redaction.patterns:
        what = "names secrets" if policy.secrets else "takes patterns out of texts"
        raise TeleportRefused(
            f"the engine's state of session {session} does not leave: its policy {what}, and the model's own words are kept "
            "beside the state as it said them",
            "leave out --with-engine-state; the other machine computes it anew",
        )
    state, memo = (parked_folder() / f"{session}{suffix}" for suffix in (STATE_SUFFIX, MEMO_SUFFIX))
    made = made_with(state)
    if made is None or made.expires_s <= time.time() or not memo.is_file():
        gathering.stays.append(
            Stays(ENGINE_STATE, "none is kept: its model runs elsewhere or is embedded, or its last run is long ago")
        )
        return None
    try:
        if state.stat().st_size + memo.stat().st_size > MAX_BYTES:
            gathering.stays.append(Stays(ENGINE_STATE, f"it is larger than {human_bytes(MAX_BYTES)}"))
            return None
        return EngineState(made.fingerprint, _taken(gathering, state), _taken(gathering, memo))
    except OSError as error:
        gathering.stays.append(Stays(ENGINE_STATE, f"it cannot be read: {error.strerror}"))
        return None


def lay_out(manifest: Manifest, source: ChunkSource, directory: Path) -> None:
    """Write the state that came with ``manifest``, if any, into the session's ``directory``; one that is not sound, too large, or
    more than the disk has room for is left out, and `settle_in` says so."""
    state = manifest.engine
    if not isinstance(state, EngineState):
        return
    if not _fits(state.size, directory):
        leave_out(manifest, directory, "there is no room for it")
        return
    try:
        for name, chunks in zip(ARRIVED, (state.state, state.memo), strict=True):
            with open(directory / name, "xb", opener=_private) as file:
                file.writelines(map(source.read, chunks))
    except BundleRefused:
        _clear(directory)
        leave_out(manifest, directory, "it did not arrive whole")
    except OSError as error:
        _clear(directory)
        leave_out(manifest, directory, error.strerror or "it cannot be written")


def leave_out(manifest: Manifest, directory: Path, why: str) -> None:
    """Do without the state that came with ``manifest``, if any; `settle_in` says ``why``."""
    if isinstance(manifest.engine, EngineState):
        said = f"the engine's state ({human_bytes(manifest.engine.size)}) was dropped: {why}"
        with contextlib.suppress(OSError):  # a disk without room for this line has none for the session either
            (directory / DROPPED_NAME).write_text(said)


def settle_in(directory: Path, seat: str, expected: Callable[[], str]) -> str:
    """Put what `lay_out` wrote where this machine's engines look for ``seat``'s, and say what became of it; empty: there is none.

    ``expected`` gives the fingerprint of what the session's engine here is made of; empty: that is not known yet.
    """
    state, memo = (directory / name for name in ARRIVED)
    if not state.exists():
        return _said_of_dropped(directory)
    size = human_bytes(state.stat().st_size)
    try:
        if why := _unusable(state, expected):
            return f"the engine's state ({size}) was dropped: {why}"
        parked_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        forget_parked(seat)
        for came, suffix in ((memo, MEMO_SUFFIX), (state, APART_SUFFIX)):
            os.utime(came)  # it is kept for a day from now
            shutil.move(came, parked_folder() / f"{seat}{suffix}")
        return f"the engine's state ({size}) came along"
    except OSError as error:
        return f"the engine's state ({size}) was dropped: {error.strerror}"
    finally:
        _clear(directory)


def _said_of_dropped(directory: Path) -> str:
    path = directory / DROPPED_NAME
    with contextlib.suppress(OSError):
        said = path.read_text()
        path.unlink()
        return said
    return ""


def _unusable(state: Path, expected: Callable[[], str]) -> str:
    made = made_with(state)
    if made is None:
        return "it is damaged"
    if not _fits(state.stat().st_size, parked_folder()):
        return "there is no room for it"
    wanted = expected()
    other = wanted and made.fingerprint != wanted
    return "it was made with another model, vision part, context or version of llama.cpp than is here" if other else ""


def _fits(size_bytes: int, folder: Path) -> bool:
    there = next(one for one in (folder, *folder.parents) if one.exists())
    usage = shutil.disk_usage(there)
    return size_bytes <= MAX_BYTES and usage.free - size_bytes > usage.total * MIN_FREE_SHARE


def _taken(gathering: Gathering, path: Path) -> tuple[ChunkRef, ...]:
    chunks: list[ChunkRef] = []
    with path.open("rb") as stream:
        for offset, data in pieces_of(stream.read, MAX_CHUNK_BYTES):
            chunk = ChunkRef(chunk_id(data), len(data))
            gathering.pieces.setdefault(chunk.id, Piece(path, offset, len(data)))
            chunks.append(chunk)
    return tuple(chunks)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _clear(directory: Path) -> None:
    for name in ARRIVED:
        with contextlib.suppress(OSError):
            (directory / name).unlink(missing_ok=True)
