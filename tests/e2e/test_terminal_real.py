"""The app in a real terminal (tmux), on a real sandbox with the embedded model: a task is typed, approved, edited, stopped,
resumed, exported, replayed and forked, with keys alone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tmux import Tmux, app_in_tmux

from edgeagent import events
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.store import SessionStore
from edgeagent_harness.protocol.actions import Type

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")]


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    with app_in_tmux(tmp_path) as terminal:
        yield terminal


def facts(session: Path) -> list[events.EventData]:
    with SessionReader.open(session) as reader:
        return [event.data for event in reader.events()]


def count(session: Path, kind: type[object]) -> int:
    return sum(isinstance(fact, kind) for fact in facts(session))


def start(tmux: Tmux) -> None:
    """Write the task, the application and the mode, and press Enter."""
    tmux.shows("What should be done?")
    for text, *keys in (
        ("Write 'Hello' and save it as hello.txt", "Tab"),
        ("mousepad", "Tab"),
        *(("", "Tab") for _ in range(5)),
        ("", "Enter"),  # the mode: from auto up to ask
        ("", "Up", "Up", "Enter"),
        ("", "C-n"),
        ("", "Enter"),
    ):
        tmux.type(text)
        time.sleep(0.3)  # keys that come before the focus has moved go where it was
        tmux.press(*keys)
        time.sleep(0.5)


def test_a_whole_day_in_the_terminal(tmux: Tmux, tmp_path: Path) -> None:
    store = SessionStore(tmp_path / "data" / "sessions")
    start(tmux)
    tmux.shows("May this be done?")
    session = store.root / store.ids()[0]
    tmux.press("e")
    tmux.shows("Do this instead")
    tmux.press("C-s")  # as it is: what is taken is what was edited
    tmux.until(lambda: count(session, events.Acted) == 1)
    assert any(isinstance(fact, events.Verdict) and fact.instead is not None for fact in facts(session))

    tmux.shows("May this be done?")
    tmux.press("y")
    tmux.until(lambda: count(session, events.Acted) == 2)
    tmux.shows("May this be done?")
    tmux.press("Escape")
    tmux.shows("interrupted after")
    assert count(session, events.RunEnded) == 1

    tmux.until(lambda: (tmux.press("F7"), count(session, events.RunStarted) == 2)[1])
    for _ in range(20):  # what is left of the task on a fresh desktop
        tmux.until(lambda: "May this be done?" in tmux.screen() or count(session, events.RunEnded) == 2)
        if count(session, events.RunEnded) == 2:
            break
        tmux.press("y")
        time.sleep(0.5)
    tmux.shows(" steps in ")
    (last,) = [fact for fact in facts(session) if isinstance(fact, events.RunEnded)][1:]
    assert last.outcome == "done"
    assert (session / "home" / "hello.txt").read_text().strip() == "Hello"

    tmux.press("F8")
    tmux.shows("Export as")
    tmux.press("Enter")
    tmux.until((session / "report.html").exists)

    tmux.press("r")
    tmux.shows("Replay of")
    tmux.shows("done: ", 120)
    assert "differ" in tmux.screen()
    tmux.press("Escape")

    tmux.press("Up", "Up", "f")
    tmux.until(lambda: len(store.ids()) == 2)
    forked = next(store.root / name for name in store.ids() if name != session.name)
    tmux.until(lambda: count(forked, events.Forked) == 1)
    tmux.press("C-q")


def test_own_hands_save_a_file_in_the_sandbox(tmux: Tmux, tmp_path: Path) -> None:
    store = SessionStore(tmp_path / "data" / "sessions")
    start(tmux)
    tmux.shows("May this be done?")
    session = store.root / store.ids()[0]
    tmux.press("t")
    tmux.shows("YOUR HANDS")
    time.sleep(1)  # until the keys go to the picture
    tmux.type("Zoë was here")
    tmux.until(lambda: typed(session) == "Zoë was here")
    tmux.press("C-s")
    tmux.shows("you: press Ctrl+S")
    time.sleep(4)  # for the dialog, as a person would wait
    tmux.type("mine.txt")
    tmux.until(lambda: typed(session) == "Zoë was heremine.txt")
    time.sleep(2)  # the dialog looks the name up before it can be saved; Enter does nothing until then
    tmux.press("Enter")
    tmux.until((session / "home" / "mine.txt").exists)
    assert (session / "home" / "mine.txt").read_text().strip() == "Zoë was here"
    tmux.press("F10")
    tmux.until(lambda: any(isinstance(fact, events.StateChanged) and "handed back" in fact.why for fact in facts(session)))
    tmux.press("Escape")
    tmux.shows("interrupted after")
    assert {fact.by for fact in facts(session) if isinstance(fact, events.Intent)} == {"user"}


def typed(session: Path) -> str:
    """What was typed by hand, and done."""
    done = {fact.step for fact in facts(session) if isinstance(fact, events.Acted)}
    intents = [fact for fact in facts(session) if isinstance(fact, events.Intent) and fact.step in done and fact.by == "user"]
    return "".join(fact.action.text for fact in intents if isinstance(fact.action, Type))
