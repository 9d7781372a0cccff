"""What is kept of sessions for their engines, on this disk and behind it: for people, and for whoever clears it away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from edgeagent.errors import EdgeAgentError
from edgeagent.folders import APART_SUFFIX, FORGET_SUFFIX, MEMO_SUFFIX, STATE_SUFFIX, leaving_folder, parked_folder
from edgeagent.state_store.log import log_path
from edgeagent.state_store.port import StateStore
from edgeagent.state_store.sending import said

ANSWER_S = 5.0
LINES = 5


class Held(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place."""

    place: str
    """``disk``, ``leaving`` or ``store``."""
    where: str
    states: int = 0
    size_bytes: int = 0
    problem: str = ""


def on_disk() -> list[Held]:
    """Where engines look, and what is on its way behind it."""
    leaving = _held("leaving", leaving_folder())
    return [_held("disk", parked_folder()), *([leaving] if leaving.states else [])]


def behind(store: StateStore) -> Held:
    """What is at ``store``, or why that is not known."""
    try:
        found = asyncio.run(asyncio.wait_for(store.all(), ANSWER_S))
    except (EdgeAgentError, OSError, TimeoutError) as error:
        return Held("store", store.where, problem=said(error))
    return Held("store", store.where, len(found), sum(one.size_bytes for one in found))


def last_lines() -> list[str]:
    """What became of the last states that went or came."""
    with contextlib.suppress(OSError):
        return log_path().read_text("utf-8", "replace").splitlines()[-LINES:]
    return []


def clear(store: StateStore | None) -> None:
    """Remove all of it; what engines that run now hold in memory stays. Raises `EnvironmentProblem` and `TimeoutError` where
    ``store`` does not answer: then it stays there."""
    for folder in (parked_folder(), leaving_folder()):
        for path in _states(folder, (STATE_SUFFIX, APART_SUFFIX, MEMO_SUFFIX, FORGET_SUFFIX)):
            path.unlink(missing_ok=True)
    if store:
        asyncio.run(_cleared(store))


async def _cleared(store: StateStore) -> None:
    for one in await asyncio.wait_for(store.all(), ANSWER_S):
        await asyncio.wait_for(store.delete(one.name), ANSWER_S)


def _held(place: str, folder: Path) -> Held:
    sizes = [path.stat().st_size for path in _states(folder, (STATE_SUFFIX, APART_SUFFIX))]
    return Held(place, str(folder), len(sizes), sum(sizes))


def _states(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    return [path for suffix in suffixes for path in folder.glob(f"*{suffix}") if path.is_file()]
