"""`exact` is claimed where nothing was open and nothing stays behind, and said on arrival only where the screen agrees."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bundles import SESSION, Chunks
from support.recorded import FIELD, SAVE, record

from edgeagent import events
from edgeagent.history import fold
from edgeagent.recording.log import LOG_NAME, EventLog
from edgeagent.recording.reader import SessionReader
from edgeagent.teleport.gathering import CACHE
from edgeagent.teleport.manifest import Stays
from edgeagent.teleport.plan import make_plan
from edgeagent.teleport.restoring import restore
from edgeagent.teleport.telling import plan_lines
from edgeagent.teleport.unpacking import unpack
from edgeagent.teleport.whole import WHOLE_NAME, is_whole
from edgeagent.testing import Button, Caption, FakeClock, FakeDesktop, TextField
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.actions import Wait
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec
from edgeagent_harness.protocol.windows import PlacedWindow

BARE = events.WindowsLeft(320, 200)
RUN = events.RunStarted("new")
SPEC, POLICY = DesktopSpec(), Policy()
CACHED = Stays("home/.cache", CACHE)


@pytest.mark.parametrize(
    ("facts", "spec", "policy", "stays", "whole"),
    [
        ([RUN, BARE], SPEC, POLICY, [], True),
        ([RUN, BARE], SPEC, POLICY, [CACHED, Stays("lock", "a note")], True),
        ([RUN], SPEC, POLICY, [], False),
        ([RUN, BARE, RUN], SPEC, POLICY, [], False),
        ([RUN, events.WindowsLeft(320, 200, (PlacedWindow(0, 0, 9, 9),))], SPEC, POLICY, [], False),
        ([RUN, events.WindowsLeft(320, 200, (), ("program sh",))], SPEC, POLICY, [], False),
        ([RUN, BARE], SPEC, POLICY, [Stays("home/notes", "it holds the value of a secret")], False),
        ([RUN, BARE], SPEC, POLICY, [Stays("home/socket", "a socket")], False),
        ([RUN, BARE], SPEC, Policy(read_write=("/srv/data",)), [], False),
        ([RUN, BARE], SPEC, Policy(tmpfs=("/var/tmp",)), [], False),
        ([RUN, BARE], DesktopSpec(shared_dirs=("/srv/pages",)), POLICY, [], False),
    ],
)
def test_nothing_less_is_whole(
    facts: list[events.EventData], spec: DesktopSpec, policy: Policy, stays: list[Stays], whole: bool
) -> None:
    assert is_whole(facts, spec, policy, stays) is whole


def desktop(title: str = "done") -> FakeDesktop:
    return FakeDesktop([Caption("title", Rect(10, 4, 300, 20), title), TextField("name", FIELD), Button("Save", SAVE)])


async def arrived(tmp_path: Path, *left: events.EventData) -> tuple[Path, list[events.Event]]:
    """A session that came from elsewhere."""
    directory = await record(tmp_path / SESSION, [Wait(10)], model="embedded")
    (directory / "home").mkdir()
    _append(directory, events.Replied("", memory="half of it is done"), *left)
    plan = make_plan(directory)
    there = tmp_path / "there"
    unpack(plan.manifest, Chunks(plan), there)
    _append(there, events.HandedOver("cloud", 1))
    with SessionReader.open(there) as reader:
        return there, reader.events()


def _append(directory: Path, *facts: events.EventData) -> None:
    log, _ = EventLog.open(directory / LOG_NAME, SESSION, FakeClock())
    with log:
        for fact in facts:
            log.append(fact)


async def test_it_is_said_where_the_screen_agrees_and_the_model_keeps_its_notes(tmp_path: Path) -> None:
    directory, facts = await arrived(tmp_path, BARE)
    restored = await restore(directory, facts, desktop())
    assert restored is not None
    assert restored == events.Restored("exact", memory="half of it is done")
    history = fold([*(event.data for event in facts), events.RunStarted("resumed"), restored])
    assert (history.moved, history.fresh_desktop, history.memory) == ("exact", False, "half of it is done")
    plan = make_plan(directory)
    assert plan.manifest.expects == "exact"
    assert WHOLE_NAME not in {entry.path for entry in plan.manifest.entries}
    assert not any(stays.path == "open windows" for stays in plan.manifest.stays)
    assert any("exact: nothing is open" in line.text for line in plan_lines(plan))


async def test_it_is_not_said_where_the_screen_differs(tmp_path: Path) -> None:
    directory, facts = await arrived(tmp_path, BARE)
    restored = await restore(directory, facts, desktop("another"))
    assert restored is not None
    assert (restored.how, restored.memory) == ("reopened", "")
    assert "the screen differs" in restored.why


async def test_it_is_not_said_where_the_log_does_not_bear_it_out_or_the_bundle_did_not_claim_it(tmp_path: Path) -> None:
    directory, facts = await arrived(tmp_path)
    (directory / WHOLE_NAME).touch()
    restored = await restore(directory, facts, desktop())
    assert restored is not None
    assert restored.how != "exact"
    (tmp_path / "other").mkdir()
    directory, facts = await arrived(tmp_path / "other", BARE)
    (directory / WHOLE_NAME).unlink()
    restored = await restore(directory, facts, desktop())
    assert restored is not None
    assert restored.how != "exact"
