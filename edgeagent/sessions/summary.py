"""What a session's directory says about it, read from its events."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgeagent import events
from edgeagent.errors import RecordingError, SessionError
from edgeagent.history import fold
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import LogContents, read_log
from edgeagent.sessions.lock import is_locked
from edgeagent.sessions.state import State, recorded_state
from edgeagent.sessions.stopping import owner_of
from edgeagent.sessions.whereabouts import whereabouts
from edgeagent_harness.protocol.messages import DesktopSpec

Status = Literal["running", "interrupted", "done", "failed", "needs_user", "limit", "stopped", "error", "empty"]
"""``interrupted``: stopped by the user, or its process died; ``empty``: it ended before its first event."""


_ELSEWHERE = {"there": "at", "handing_over": "on its way to", "returning": "on its way from"}


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One line of ``edgeagent sessions list``."""

    id: str
    directory: Path
    status: Status
    task: str
    model: str
    """Which decided last."""
    created_s: float
    """Unix time of the first event; 0 if there is none."""
    updated_s: float
    steps: int
    answer: str
    message: str
    size_bytes: int
    damaged: bool
    state: State = "created"
    owner_pid: int | None = None
    """The process that works on it now, where that can be told."""
    where: str = ""
    """Where it is, if not here: ``at``, ``on its way to`` or ``on its way from`` the backend of that name."""
    newer: bool = False
    """Written by a later version: it can be read, not changed."""
    agent: str = ""
    """What it works as (docs/agents.md); empty: nothing of the kind."""


def summarize(directory: Path) -> SessionSummary:
    """The summary of the session in ``directory``; an unreadable log makes an empty, damaged one."""
    try:
        contents = read_log(directory / LOG_NAME)
        damaged = bool(contents.damage)
    except OSError:
        contents, damaged = LogContents(), (directory / LOG_NAME).exists()
    facts = [event.data for event in contents.events]
    history = fold(facts)
    created = next((fact for fact in facts if isinstance(fact, events.SessionCreated)), None)
    owned, where = is_locked(directory), _where(directory)
    deciding = [fact.model for fact in facts if isinstance(fact, events.SessionCreated | events.ModelChanged)]
    return SessionSummary(
        id=directory.name,
        directory=directory,
        status=_status(owned, facts, history.ended),
        task=history.task,
        model=deciding[-1] if deciding else "",
        agent=created.agent.name if created and created.agent else "",
        created_s=contents.events[0].time if contents.events else 0.0,
        updated_s=contents.events[-1].time if contents.events else 0.0,
        steps=len(history.steps),
        answer=history.ended.answer if history.ended else "",
        message=history.ended.message if history.ended else "",
        size_bytes=size_bytes(directory),
        damaged=damaged,
        state=recorded_state(facts).seen(owned) if not where else "teleported",
        where=where,
        owner_pid=owner_of(directory) if owned else None,
        newer=contents.newest_format > events.FORMAT,
    )


def desktop_of(directory: Path) -> DesktopSpec:
    """What the session in ``directory`` was started with. Raises `SessionError` if that cannot be read."""
    try:
        facts = [event.data for event in read_log(directory / LOG_NAME).events]
    except OSError as error:
        raise SessionError(f"session {directory.name} cannot be read: {error.strerror}") from error
    created = next((fact for fact in facts if isinstance(fact, events.SessionCreated)), None)
    if created is None:
        raise SessionError(f"session {directory.name} has no first event", "nothing was recorded; start the task anew")
    return created.desktop


def _status(owned: bool, facts: list[events.EventData], ended: events.RunEnded | None) -> Status:
    if owned:
        return "running"
    if ended is not None:
        return ended.outcome
    return "interrupted" if facts else "empty"


def _where(directory: Path) -> str:
    try:
        now = whereabouts(directory)
    except RecordingError:
        return "elsewhere"
    return "" if now.here else f"{_ELSEWHERE[now.phase]} {now.remote}"


def size_bytes(directory: Path) -> int:
    """Bytes of all files below ``directory``; links are not followed, what cannot be read counts nothing."""
    total = 0
    for folder, _, names in os.walk(directory, onerror=lambda error: None):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
    return total


def human_bytes(count: int) -> str:
    """``count`` in the unit that gives it at most four characters of number: ``812 B``, ``1.4 MB``."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
