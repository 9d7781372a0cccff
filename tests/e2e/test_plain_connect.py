"""In a real terminal, `edgeagent --plain` connects to a real backend by questions: wrong ones come again, no token shows."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from support import form_run
from support.cloud import Backend, backend

from edgeagent.errors import UsageError
from edgeagent.teleport.backends import Connected, backends
from edgeagent.tui.plain import Plain

PROGRAM = shutil.which("edgeagent", path=str(Path(sys.executable).parent)) or "edgeagent"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv(form_run.WITNESS_VARIABLE, str(tmp_path / "witness"))
    with backend(tmp_path / "cloud", {}) as made:
        yield made


class Terminal:
    """`edgeagent --plain` in a pty, and all that it showed."""

    def __init__(self) -> None:
        self.program = pexpect.spawn(
            PROGRAM, ["--plain"], timeout=40, dimensions=(40, 200), encoding="utf8", env={**os.environ, "TERM": "dumb"}
        )
        self.shown = ""
        self.answer("", "Type a task")

    def answer(self, typed: str, then: str) -> None:
        """Type a line, once the terminal is ready for it, and read until ``then`` is said."""
        if typed:
            self.program.sendline(typed)
        self.program.expect_exact(then)
        self.shown += f"{self.program.before}{self.program.after}"

    def type_unseen(self, typed: str, then: str) -> None:
        """The same, where nothing that is typed may show."""
        assert self.program.waitnoecho(5), "the terminal shows what is typed"
        self.answer(typed, then)

    def shows_typed(self) -> bool:
        return bool(self.program.getecho())

    def leave(self) -> None:
        self.program.sendline(":quit")
        self.program.expect(pexpect.EOF)
        self.shown += str(self.program.before)
        self.program.close()
        assert self.program.exitstatus == 0


async def test_wrong_answers_are_asked_again_and_the_key_is_shown_first(world: Backend, tmp_path: Path) -> None:
    known = await world.connected()
    (tmp_path / "token").write_text(f"{known.token}\n")
    terminal = Terminal()
    terminal.answer(":connect", "What is it to be called here?")
    terminal.answer("At tic", "cannot be the name")
    terminal.answer("attic", "Its address?")
    terminal.answer("http://192.0.2.1:8470", "a token would travel in the clear")
    terminal.answer("http://127.0.0.1:9", "Its token?")
    terminal.type_unseen("two words", "that is no token")
    terminal.type_unseen("@/no/such", "cannot be read")
    terminal.type_unseen("not-the-token", "the backend cannot be reached")
    terminal.answer("url", "Its address?")
    terminal.answer(known.url, "ask for a token with the scopes")
    assert backends() == {}
    terminal.answer("token", "Its token?")
    terminal.type_unseen(f"@{tmp_path / 'token'}", known.signer)
    terminal.answer("perhaps", "y keeps it, n does not")
    assert terminal.shows_typed()
    assert backends() == {}, "not before the key was looked at"
    terminal.answer("n", "no backend was connected to")
    assert backends() == {}

    terminal.answer(":connect attic", "Its address?")
    terminal.answer(known.url, "Its token?")
    terminal.type_unseen(known.token, known.signer)
    terminal.answer("y", "connected to attic")
    terminal.leave()
    assert backends() == {"attic": Connected(known.url, known.token, known.signer, known.recipient)}
    assert known.token not in terminal.shown


@pytest.mark.parametrize("how", ["word", "key"])
def test_left_at_the_token_the_terminal_shows_what_is_typed_again(world: Backend, how: str) -> None:
    terminal = Terminal()
    terminal.answer(":connect attic", "Its address?")
    terminal.answer(f"http://127.0.0.1:{world.port}", "Its token?")
    if how == "word":
        terminal.type_unseen(":leave", "no backend was connected to")
    else:
        assert terminal.program.waitnoecho(5)
        terminal.program.sendintr()
        terminal.answer("", "no backend was connected to")
    terminal.answer(":help", ":connect [NAME]")
    assert terminal.shows_typed()
    terminal.leave()
    assert backends() == {}


def test_a_name_that_cannot_be_one_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        Plain(print).line(":connect At tic")
