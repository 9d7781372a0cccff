"""Where a task may stand: on the command line, on standard input, in a file."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from edgeagent.cli.task_text import task_in
from edgeagent.errors import UsageError


@pytest.mark.parametrize("task", ["click OK", "write - and save", "send it to @bob", "@bob is to be told"])
def test_words_are_themselves(task: str) -> None:
    assert task_in(task) == task


def test_a_file_is_what_stands_in_it(tmp_path: Path) -> None:
    (tmp_path / "my task.txt").write_text("write 'Grüße'\nand save it\n", encoding="utf-8")
    assert task_in(f"@{tmp_path}/my task.txt") == "write 'Grüße'\nand save it"


def test_standard_input_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("drücke OK\n".encode())))
    assert task_in("-") == "drücke OK"


@pytest.mark.parametrize(
    ("given", "says"),
    [(b"", "is empty"), (b"\xff", "no UTF-8 text"), (b"a" * (1 << 20) + b"a", "longer than 1024 KiB")],
)
def test_what_is_no_task_is_told(monkeypatch: pytest.MonkeyPatch, given: bytes, says: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    with pytest.raises(UsageError, match=says):
        task_in("-")


def test_closed_input_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="closed"):
        task_in("-")
