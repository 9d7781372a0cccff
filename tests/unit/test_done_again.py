"""After a move only what fills something in is done again, while the screen agrees; what may have had an effect never is."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.recorded import FIELD, SAVE, record

from edgeagent import events
from edgeagent.recording.log import LOG_NAME, EventLog
from edgeagent.recording.reader import SessionReader
from edgeagent.teleport.outside import _INERT, is_harmless, replayable
from edgeagent.teleport.restoring import restore
from edgeagent.testing import Button, Caption, FakeClock, FakeDesktop, TextField
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.actions import Click, Key, SingleAction, Type
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.protocol import Element, Role

SESSION = "20260101-000000-test"
AT = FIELD.centre


def element(role: Role) -> Element:
    return Element(0, role, FIELD)


@pytest.mark.parametrize(
    ("action", "role", "in_field", "harmless"),
    [
        (Click(AT), "text_field", False, True),
        (Click(AT), "checkbox", False, True),
        (Click(AT), "button", False, False),
        (Click(AT), "link", True, False),
        (Click(AT), "icon", True, False),
        (Click(AT), None, True, False),
        (Click(AT, button="right"), "text_field", True, False),
        (Click(AT, modifiers=("ctrl",)), "text_field", True, False),
        (Type("Zoë B"), None, True, True),
        (Type("Zoë"), None, False, False),
        (Type("Zoë", submit=True), None, True, False),
        (Type("Zoë\n"), None, True, False),
        (Type(secret_ref="site"), None, True, False),
        (Key(("backspace",)), None, True, True),
        (Key(("x",)), None, False, False),
        (Key(("enter",)), None, True, False),
        (Key(("space",)), None, True, False),
        (Key(("ctrl", "s")), None, True, False),
        (act.OpenUrl("https://example.org"), None, True, False),
        (act.OpenApp("mail"), None, True, False),
        (act.Drag((AT, SAVE.centre)), "text_field", True, False),
        (act.Back(), None, True, False),
        (act.Wait(), None, False, True),
        (act.Scroll(AT, dy=3), None, False, True),
    ],
)
def test_what_is_harmless(action: SingleAction, role: Role | None, in_field: bool, harmless: bool) -> None:
    assert is_harmless(action, element(role) if role else None, in_field) == harmless


def test_nothing_is_inert_unless_it_is_listed_here() -> None:
    looking = {act.Screenshot, act.Zoom, act.Wait, act.WaitUntil, act.CursorPosition}
    assert set(_INERT) == looking | {act.Move, act.Scroll, act.AskUser, act.Memorize}


def desktop(title: str = "done") -> FakeDesktop:
    return FakeDesktop([Caption("title", Rect(10, 4, 300, 20), title), TextField("name", FIELD), Button("Save", SAVE)])


async def moved(tmp_path: Path, *actions: act.Action) -> tuple[Path, list[events.Event]]:
    directory = await record(tmp_path / SESSION, actions, ended=False)
    log, _ = EventLog.open(directory / LOG_NAME, SESSION, FakeClock())
    with log:
        log.append(events.HandedOver("cloud", 1))
    with SessionReader.open(directory) as reader:
        return directory, reader.events()


def without_targets(facts: list[events.Event]) -> list[events.EventData]:
    return [event.data for event in facts]


async def test_a_button_that_was_pressed_is_never_pressed_again(tmp_path: Path) -> None:
    directory, facts = await moved(tmp_path, Click(AT), Type("Zoë"), Click(SAVE.centre))
    assert replayable(without_targets(facts)) is None
    fresh = desktop()
    restored = await restore(directory, facts, fresh)
    assert restored is not None
    assert (restored.how, fresh.performed) == ("reopened", [])
    assert "may have had an effect outside" in restored.why


async def test_a_screen_that_differs_is_left_alone(tmp_path: Path) -> None:
    directory, facts = await moved(tmp_path, act.Wait(100), act.Scroll(AT, dy=1))
    assert replayable(without_targets(facts)) is not None
    fresh = desktop("another page")
    restored = await restore(directory, facts, fresh)
    assert restored is not None
    assert (restored.how, restored.steps, fresh.performed) == ("reopened", 0, [])


async def test_what_did_not_move_is_left_alone(tmp_path: Path) -> None:
    directory = await record(tmp_path / SESSION)
    with SessionReader.open(directory) as reader:
        assert await restore(directory, reader.events(), desktop()) is None
