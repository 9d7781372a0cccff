"""In a real terminal, real sandboxes and with the embedded model: a task begun here goes on at a backend, and is ended here."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from support.cloud import backend
from support.tmux import Tmux, app_in_tmux

from edgeagent import events
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.whereabouts import whereabouts
from edgeagent.teleport.backends import keep_backend

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")]


def facts(session: Path) -> list[events.EventData]:
    with SessionReader.open(session) as reader:
        assert reader.damage() == []
        return [event.data for event in reader.events()]


def count(session: Path, kind: type[object]) -> int:
    return sum(isinstance(fact, kind) for fact in facts(session))


def begin(tmux: Tmux) -> None:
    tmux.shows("What should be done?")
    for text, key in (("Write 'Hello' and save it as hello.txt", "Tab"), ("mousepad", "Enter")):
        tmux.type(text)
        time.sleep(0.5)  # keys that come before the focus has moved go where it was
        tmux.press(key)
        time.sleep(0.5)


async def test_a_task_goes_there_and_comes_back_by_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "data"))
    store = SessionStore()
    with backend(tmp_path / "cloud", {"EDGEAGENT_HOME": str(tmp_path / "there")}, runner="") as world:
        keep_backend("attic", await world.connected())
        with app_in_tmux(tmp_path) as tmux:
            begin(tmux)
            tmux.until(lambda: bool(store.ids()))
            session = store.root / store.ids()[0]
            tmux.press("F2")
            tmux.shows("PAUSED")
            tmux.press("F3")
            tmux.until(lambda: count(session, events.Acted) == 1)
            tmux.press("t")
            tmux.shows("Go on?")
            tmux.press("y")
            tmux.shows("May this leave for attic?", 90)
            assert "hello.txt" in tmux.screen() or "events.jsonl" in tmux.screen()
            assert whereabouts(session).phase == "here"
            left_at = count(session, events.Acted)
            tmux.press("y")
            tmux.shows("at attic", 90)
            tmux.until(lambda: count(session, events.Acted) > left_at, 120)
            assert whereabouts(session).phase == "there"
            tmux.press("t")
            tmux.until(lambda: whereabouts(session).phase == "here", 120)
            tmux.shows("taken back from attic")
            tmux.press("F7")
            tmux.until(lambda: count(session, events.RunStarted) >= 3, 90)
            tmux.shows(" steps in ", 240)
    moves = [fact for fact in facts(session) if isinstance(fact, events.HandedOver | events.TakenBack)]
    assert [type(fact).__name__ for fact in moves] == ["HandedOver", "TakenBack"]
    last = [fact for fact in facts(session) if isinstance(fact, events.RunEnded)][-1]
    assert last.outcome == "done"
    assert (session / "home" / "hello.txt").read_text().strip() == "Hello"
