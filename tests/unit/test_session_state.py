"""The state that `sessions list` shows: a fold over the facts, and whether the lock is held, whatever the clock says."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgeagent import events
from edgeagent.errors import NotOwner, SessionBusy
from edgeagent.sessions.lock import LOCK_NAME
from edgeagent.sessions.state import State, recorded_state
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import FakeClock
from edgeagent_harness.protocol.messages import DesktopSpec

CREATED = events.SessionCreated("t", "scripted", DesktopSpec(320, 200), "0")
RUN = events.RunStarted("new")
HOLDER = """
import sys, time
from edgeagent.clock import SystemClock
from edgeagent.sessions.store import SessionStore
from pathlib import Path
session = SessionStore(Path(sys.argv[1])).open(sys.argv[2], SystemClock())
print("owned", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("facts", "owned", "state"),
    [
        ([], True, "created"),
        ([CREATED], False, "created"),
        ([CREATED, RUN], True, "running"),
        ([CREATED, RUN], False, "interrupted"),
        ([CREATED, RUN, events.StateChanged("paused")], True, "paused"),
        ([CREATED, RUN, events.StateChanged("paused")], False, "interrupted"),
        ([CREATED, RUN, events.StateChanged("waiting"), events.StateChanged("running")], True, "running"),
        ([CREATED, RUN, events.RunEnded("done")], False, "done"),
        ([CREATED, RUN, events.RunEnded("failed")], False, "failed"),
        ([CREATED, RUN, events.RunEnded("needs_user")], False, "waiting"),
        ([CREATED, RUN, events.RunEnded("limit")], False, "parked"),
        ([CREATED, RUN, events.RunEnded("stopped")], False, "parked"),
        ([CREATED, RUN, events.RunEnded("error")], False, "interrupted"),
        ([CREATED, RUN, events.RunEnded("done"), events.Rewound(0, 2, "restored")], False, "parked"),
        ([CREATED, RUN, events.RunEnded("limit"), events.HandedOver("there", 1)], False, "teleported"),
        ([CREATED, RUN, events.HandedOver("there", 1), events.TakenBack("there", 2)], False, "parked"),
        ([CREATED, events.HandedOver("there", 1), RUN, events.RunEnded("done"), events.TakenBack("there", 2)], False, "done"),
        (
            [CREATED, RUN, events.RunEnded("needs_user"), events.HandedOver("there", 1), events.TakenBack("there", 2)],
            False,
            "waiting",
        ),
        ([CREATED, RUN, events.RunEnded("done"), events.RunStarted("resumed")], True, "running"),
    ],
)
def test_each_state(facts: list[events.EventData], owned: bool, state: State) -> None:
    assert recorded_state(facts).seen(owned) == state


async def recorded(store: SessionStore, clock: FakeClock, *facts: events.EventData) -> str:
    with store.create(clock) as session:
        for fact in facts:
            await session.writer.emit(fact)
    return session.id


async def test_what_was_handed_over_is_not_worked_on_here(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    session = await recorded(store, FakeClock(), CREATED, RUN, events.RunEnded("limit"), events.HandedOver("there", 1))
    with pytest.raises(NotOwner, match="belongs to there"):
        store.open(session, FakeClock())
    with store.open_elsewhere(session, FakeClock()) as opened:
        await opened.writer.emit(events.TakenBack("there", 2))
    store.open(session, FakeClock()).close()


@pytest.mark.parametrize("written", [b"1\n", b"%d\n" % os.getpid(), b"garbage", b""], ids=["init", "reused", "garbage", "empty"])
async def test_a_lock_that_outlived_its_owner_binds_nobody(tmp_path: Path, written: bytes) -> None:
    """As after a reboot, where the pid that stands in the file may be anybody's by now."""
    store = SessionStore(tmp_path)
    session = await recorded(store, FakeClock(), CREATED, RUN)
    (store.root / session / LOCK_NAME).write_bytes(written)
    (summary,) = store.summaries()
    assert (summary.state, summary.owner_pid) == ("interrupted", None)
    with store.open(session, FakeClock()):
        assert [one.state for one in store.summaries()] == ["running"]
        assert [one.owner_pid for one in store.summaries()] == [os.getpid()]


def test_a_killed_owner_is_followed_at_once(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    session = asyncio.run(recorded(store, FakeClock(), CREATED, RUN))
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path, session], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"owned\n"
        (summary,) = store.summaries()
        assert (summary.state, summary.owner_pid) == ("running", owner.pid)
        with pytest.raises(SessionBusy, match=str(owner.pid)):
            store.open(session, FakeClock())
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        store.open(session, FakeClock()).close()


@pytest.mark.parametrize("jump_s", [-400 * 86_400, 20 * 365 * 86_400], ids=["back", "ahead"])
async def test_a_clock_that_jumps_breaks_nothing(tmp_path: Path, jump_s: int) -> None:
    store, clock = SessionStore(tmp_path), FakeClock()
    session = await recorded(store, clock, CREATED, RUN)
    clock.advance(jump_s)
    with store.open(session, clock) as opened:
        await opened.writer.emit(events.RunStarted("resumed"))
        await opened.writer.emit(events.RunEnded("done"))
    (summary,) = store.summaries()
    assert (summary.state, summary.damaged) == ("done", False)
    assert summary.updated_s - summary.created_s == jump_s
