"""After a restart of the desktop the model goes by the screen: old notes are dropped, and it is told what is gone."""

from __future__ import annotations

from edgeagent import events
from edgeagent.engine.conversation import FRESH_DESKTOP, Speaker
from edgeagent.history import History, fold
from edgeagent.ports import Prompt
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Wait
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_models.families import generic
from edgeagent_models.protocol import TextPart

STEP: list[events.EventData] = [
    events.RunStarted("new"),
    events.Replied("{}", memory="part 1 of 2 is done"),
    events.Intent(1, Wait(1), "f1"),
    events.Acted(1, Effect("confirmed"), "f2"),
]


def is_told(history: History) -> bool:
    screen = Screen(FrameInfo(0, 1, 1, 0), bytes(4))
    last = Speaker(generic.GENERIC).converse(Prompt("task", screen, history), {}, {})[-1]
    return any(isinstance(part, TextPart) and FRESH_DESKTOP in part.text for part in last.parts)


def test_a_first_run_is_told_nothing() -> None:
    history = fold(STEP)
    assert (history.memory, history.fresh_desktop) == ("part 1 of 2 is done", False)
    assert not is_told(history)


def test_a_new_desktop_is_told_until_something_was_done_on_it() -> None:
    resumed = fold([events.RunEnded("interrupted"), events.RunStarted("resumed")], fold(STEP))
    assert (resumed.memory, resumed.fresh_desktop) == ("", True)
    assert is_told(resumed)
    going_on = fold([events.Intent(2, Wait(1), "f2"), events.Acted(2, Effect("confirmed"), "f3")], resumed)
    assert not is_told(going_on)


def test_an_action_under_way_when_it_died_was_not_done_on_the_new_one() -> None:
    lost = [events.Intent(2, Wait(1), "f2"), events.DesktopWasLost("died"), events.RunStarted("desktop_restarted")]
    assert is_told(fold([*lost, events.Reconciled(2, True, "f0")], fold(STEP)))


def test_a_run_that_died_before_it_did_anything_has_nothing_to_be_told() -> None:
    assert not is_told(fold([events.RunStarted("new"), events.RunStarted("resumed")]))
