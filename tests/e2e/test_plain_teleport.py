"""In plain mode a session moves to a real backend in mid-run, is followed and spoken to there, and comes back, all in lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import form_run
from support.cloud import Backend, backend

from edgeagent.errors import EdgeAgentError
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.whereabouts import whereabouts
from edgeagent.teleport.backends import keep_backend
from edgeagent.tui.plain import Plain
from edgeagent.tui.plain_teleport import Attended


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    monkeypatch.setenv(form_run.WITNESS_VARIABLE, str(tmp_path / "witness"))
    monkeypatch.setenv(form_run.PACE_VARIABLE, "0.5")
    (tmp_path / "hold").write_text("6")
    with backend(tmp_path / "cloud", {form_run.HOLD_VARIABLE: str(tmp_path / "hold")}) as made:
        yield made


class Talk:
    """What was said, by whatever is attended to."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.plain = Plain(self.said.append, lambda: form_run.make(SessionStore()))

    def until(self, hear: Callable[[], bool], text: str, timeout_s: float = 60.0) -> bool:
        """Listen until something with ``text`` was said; whether it goes on."""
        end_s, heard = time.monotonic() + timeout_s, len(self.said)
        going = True
        while not any(text in line for line in self.said[heard:]):
            assert time.monotonic() < end_s, self.said
            assert going, self.said
            going = hear()
            time.sleep(0.02)
        return going

    def take_next(self) -> Attended:
        job = self.plain.next
        assert job is not None
        self.plain.next = None
        job.start()
        return job


async def test_there_and_back_in_lines(world: Backend, tmp_path: Path) -> None:
    keep_backend("attic", await world.connected())
    talk = Talk()
    run = talk.plain.line("fill in the form and send it")
    assert run is not None
    run.start()
    talk.until(talk.plain.hear, "2 type")
    talk.plain.run_line(run, ":teleport")
    assert talk.said[-1] == "the step under way finishes first; then you are asked"
    talk.until(talk.plain.hear, "ended: stopped after")
    (session,) = SessionStore().ids()
    directory = SessionStore().root / session

    for answer, then in (("n", "The session is yours, and here."), ("y", ":follow watches it")):
        if answer == "y":
            talk.plain.line(":teleport")
        job = talk.take_next()
        talk.until(job.hear, "Send this to attic? y or n")
        assert any("events.jsonl" in line for line in talk.said)
        assert whereabouts(directory).phase == "here"
        job.line("perhaps")
        assert talk.said[-1] == "y sends it, n does not"
        job.line(answer)
        talk.until(job.hear, then)
    assert whereabouts(directory).phase == "there"
    talk.plain.line(":sessions")
    assert "at attic" in talk.said[-1]

    talk.plain.line(f":follow {session[:12]}")
    job = talk.take_next()
    talk.until(job.hear, "6 type")
    job.line("hurry")
    talk.until(job.hear, "taken")
    job.line(":nonsense")
    assert "any other line is said to it" in talk.said[-1]
    (tmp_path / "hold").unlink()
    talk.until(job.hear, "you: hurry")
    talk.until(job.hear, "ended there: done sent")
    talk.until(job.hear, "followed no more")

    talk.plain.line(":pull")
    job = talk.take_next()
    talk.until(job.hear, ":resume goes on")
    assert whereabouts(directory).phase == "here"
    with pytest.raises(EdgeAgentError, match="is at no backend"):
        talk.plain.line(":follow")


def test_without_a_backend_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    talk = Talk()
    run = talk.plain.line("fill in the form and send it")
    assert run is not None
    monkeypatch.setenv(form_run.WITNESS_VARIABLE, str(tmp_path / "witness"))
    run.start()
    talk.until(talk.plain.hear, "ended: done")
    for line in (":teleport", ":pull", ":follow", ":teleport nowhere"):
        with pytest.raises(EdgeAgentError):
            talk.plain.line(line)
    assert talk.plain.next is None
