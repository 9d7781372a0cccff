"""Fork and rewind: a session goes on from an earlier step, with its home as it was then.

A fork is a session of its own; the one that it came from stays as it is. A rewind goes on in the same session: what was done
after the step stays recorded, and counts as not done. What was done outside of the home is told, as nothing takes it back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edgeagent import events
from edgeagent.errors import RecordingError, RecordingTooNew, UsageError
from edgeagent.history import Step, fold
from edgeagent.homes.kept import KeptHomes, build, home_after, share
from edgeagent.ports import Clock
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import read_log
from edgeagent.recording.problems import recording_problem
from edgeagent.recording.taking_over import take_pack
from edgeagent.sessions.lock import is_locked
from edgeagent.sessions.outside import not_undoable
from edgeagent.sessions.start_home import START_HOME_NAME
from edgeagent.sessions.store import OpenSession, SessionStore
from edgeagent.sessions.swapping import NEXT_NAME, open_folders, swap_home

_MAKING_NAME = ".forks"
_NOT_TAKEN = (events.AuditAnchored, events.HandedOver, events.TakenBack, events.StateChanged)
"""Facts about the source's own audit, owners and process."""


@dataclass(frozen=True, slots=True)
class Branched:
    """What a fork or a rewind came to."""

    session: str
    step: int
    home: events.HomeState
    not_restored: tuple[str, ...]
    """Files of the home that could not be had back."""
    not_undoable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Undone:
    """What a rewind would come to: for its user to look at beforehand."""

    steps: tuple[Step, ...]
    """That would count as not done."""
    home: events.HomeState
    """``restored``: as it was after that step; ``as_it_is``: it was not kept then, or is a folder of the user's."""
    not_undoable: tuple[str, ...]


def fork(store: SessionStore, prefix: str, at_step: int, clock: Clock) -> Branched:
    """A new session that goes on from ``at_step`` of another (0: from its start), which nobody needs to own.

    Raises `UsageError` for a step that is not there, `RecordingError` where the source cannot be read or there is no room.
    """
    source = store.find(prefix)
    facts = _readable(source)
    cut = _cut(facts, at_step, source.name)
    created = _created(facts, source.name)
    making = _workshop(store)
    with making.create(clock, parent=source.name) as session:
        try:
            take_pack(source, session.directory, facts[:cut])
            home, missing = _fork_home(source, session, created, at_step, len(fold(event.data for event in facts).steps))
            stays = not_undoable(source, created, facts[cut:])
            _copy_facts(facts[:cut], session, created, store.root / session.id / "home")
            session.writer.take_over(events.Forked(source.name, at_step, home, stays), clock.time_s())
            session.writer.sync()
            os.rename(session.directory, store.root / session.id)
        except BaseException as error:
            shutil.rmtree(session.directory, ignore_errors=True)
            if isinstance(error, OSError):
                raise recording_problem(error, session.directory) from error
            raise
    return Branched(session.id, at_step, home, missing, stays)


def _workshop(store: SessionStore) -> SessionStore:
    """Where forks are made: one becomes a session, by its name, once it is whole. What crashes left there is removed."""
    making = SessionStore(store.root / _MAKING_NAME)
    for left in making.ids():
        if not is_locked(making.root / left):
            open_folders(making.root / left)
            shutil.rmtree(making.root / left, ignore_errors=True)
    return making


def rewind(store: SessionStore, prefix: str, to_step: int, clock: Clock) -> Branched:
    """Let the session go on from ``to_step`` (0: from its start). Raises as `fork`, and what `SessionStore.open` raises."""
    with store.open(prefix, clock) as session:
        facts = session.writer.events
        cut = _cut(facts, to_step, session.id)
        created = _created(facts, session.id)
        home, missing = _home_for_rewind(session, created, to_step)
        stays = not_undoable(session.directory, created, facts[cut:])
        dropped = len(session.history.steps) - to_step
        session.writer.take_over(events.Rewound(to_step, dropped, home, stays), clock.time_s())
        session.writer.sync()
        swap_home(session.directory)
    return Branched(session.id, to_step, home, missing, stays)


def undone_by_rewind(store: SessionStore, prefix: str, to_step: int) -> Undone:
    """What `rewind` would undo, and what it could not; nothing is changed. Raises `UsageError` or `RecordingError`."""
    source = store.find(prefix)
    facts = _readable(source)
    cut = _cut(facts, to_step, source.name)
    created = _created(facts, source.name)
    kept = home_after(source, to_step) if _is_own(created.desktop.home, source.name) else None
    steps = fold(event.data for event in facts).steps[to_step:]
    return Undone(steps, "as_it_is" if kept is None else "restored", not_undoable(source, created, facts[cut:]))


def _readable(source: Path) -> list[events.Event]:
    try:
        contents = read_log(source / LOG_NAME)
    except OSError as error:
        raise RecordingError(f"session {source.name} cannot be read: {error.strerror}") from error
    if contents.newest_format > events.FORMAT:
        raise RecordingTooNew(f"session {source.name} was written by a later version", "fork it with a later edgeagent")
    return contents.events


def _created(facts: Sequence[events.Event], name: str) -> events.SessionCreated:
    created = next((event.data for event in facts if isinstance(event.data, events.SessionCreated)), None)
    if created is None:
        raise RecordingError(f"session {name} has no first event", "nothing was recorded; start the task anew")
    return created


def _cut(facts: Sequence[events.Event], step: int, name: str) -> int:
    """How many of ``facts`` belong to the session as it was after ``step``."""
    steps = len(fold(event.data for event in facts).steps)
    if not 0 <= step <= steps:
        raise UsageError(f"session {name} has no step {step}", f"it has {steps}; 0 is its start")
    done = [
        place
        for place, event in enumerate(facts)
        if (isinstance(event.data, events.Acted | events.Reconciled) and event.data.step == step)
        or (isinstance(event.data, events.Rewound) and event.data.to_step == step)
    ]
    if done:
        return done[-1] + 1
    begun = (place for place, event in enumerate(facts) if isinstance(event.data, events.Replied | events.Intent))
    return next(begun, len(facts))


def _copy_facts(facts: Sequence[events.Event], session: OpenSession, created: events.SessionCreated, home: Path) -> None:
    """``home``: where the new session's own will be."""
    desktop = created.desktop
    if _is_own(desktop.home, session.writer.parent):
        desktop = msgspec.structs.replace(desktop, home=str(home))
    for event in facts:
        data = event.data
        if isinstance(data, _NOT_TAKEN):
            continue
        if isinstance(data, events.SessionCreated):
            data = msgspec.structs.replace(data, desktop=desktop)
        session.writer.take_over(data, event.time)


def _fork_home(
    source: Path, session: OpenSession, created: events.SessionCreated, step: int, last_step: int
) -> tuple[events.HomeState, tuple[str, ...]]:
    """Make the new session's home what the source's was after ``step``."""
    try:
        if (source / START_HOME_NAME).is_dir():
            shutil.copytree(source / START_HOME_NAME, session.directory / START_HOME_NAME, symlinks=True)
        if not _is_own(created.desktop.home, source.name):
            return "as_it_is", ()
        kept = home_after(source, step)
        if kept is None:
            return _copied_as_it_is(source / "home", session, step, exact=step == last_step)
        share(source, session.directory, step)
        session.home.rmdir()
        missing = build(session.directory, kept, session.home)
    except OSError as error:
        raise recording_problem(error, session.directory) from error
    return _state(missing, kept.left_out), tuple(missing)


def _copied_as_it_is(home: Path, session: OpenSession, step: int, exact: bool) -> tuple[events.HomeState, tuple[str, ...]]:
    """Of a session that kept no homes, the one that it has now."""
    if not home.is_dir():
        return "none", ()
    homes = KeptHomes(session.directory)
    homes.keep(home, step)
    homes.close()
    kept = home_after(session.directory, step)
    assert kept is not None, "it was kept a moment ago"
    session.home.rmdir()
    missing = build(session.directory, kept, session.home)
    return (_state(missing, kept.left_out) if exact else "as_it_is"), tuple(missing)


def _home_for_rewind(
    session: OpenSession, created: events.SessionCreated, step: int
) -> tuple[events.HomeState, tuple[str, ...]]:  # fmt: skip
    """Make the home that the session goes on with, beside the one that it has."""
    kept = home_after(session.directory, step) if _is_own(created.desktop.home, session.id) else None
    if kept is None:
        return "as_it_is", ()
    building = session.directory / "home.building"
    try:
        shutil.rmtree(building, ignore_errors=True)
        missing = build(session.directory, kept, building)
        os.rename(building, session.directory / NEXT_NAME)
    except OSError as error:
        raise recording_problem(error, building) from error
    return _state(missing, kept.left_out), tuple(missing)


def _state(missing: Sequence[str], left_out: dict[str, str]) -> events.HomeState:
    return "partly" if missing or left_out else "restored"


def _is_own(home: str, session: str) -> bool:
    """Whether ``home`` is the session's own: it may have been recorded before the session was moved."""
    return not home or Path(home).parts[-2:] == (session, "home")
