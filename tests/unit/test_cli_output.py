"""Output that cannot be written, arguments that are no text, a disk that refuses: one line, the right exit code, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EDGEAGENT = [sys.executable, "-m", "edgeagent"]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["policy", "show", "web"], ["run", "--help"]])
def test_a_full_disk_behind_the_output_is_an_environment_problem(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run([*EDGEAGENT, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert result.returncode == 3
    assert result.stderr.splitlines() == [
        "edgeagent: standard output cannot be written: No space left on device",
        "  see where it is directed to",
    ]


@pytest.mark.parametrize("arguments", [["--help"], ["policy", "show", "web"]])
def test_a_reader_that_has_gone_is_told_nothing(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = subprocess.run(
            [*EDGEAGENT, *arguments], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    finally:
        os.close(writing)
    assert (result.returncode, result.stderr) == (130, "")


def test_nobody_to_tell_leaves_the_exit_code() -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run([*EDGEAGENT, "fly"], stdout=full, stderr=full, timeout=60, check=False)
    assert result.returncode == 2


def test_closed_output_is_no_problem() -> None:
    result = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *EDGEAGENT, "--version"], timeout=60, check=False)
    assert result.returncode == 0


def test_what_the_output_cannot_show_is_shown_as_a_question_mark(tmp_path: Path) -> None:
    agents = tmp_path / "edgeagent" / "agents"
    agents.mkdir(parents=True)
    (agents / "a.toml").write_text('description = "5 €"', encoding="utf-8")
    env = {**os.environ, "PYTHONIOENCODING": "latin-1", "XDG_CONFIG_HOME": str(tmp_path)}
    result = subprocess.run([*EDGEAGENT, "agents", "list"], capture_output=True, timeout=60, check=False, env=env)
    assert (result.returncode, result.stdout.split()) == (0, [b"a", b"5", b"?"]), result.stderr


def test_an_argument_that_is_no_text_is_refused(tmp_path: Path) -> None:
    env = {**os.environb, b"EDGEAGENT_HOME": bytes(tmp_path)}
    arguments = [*(os.fsencode(part) for part in EDGEAGENT), b"run", b"bad \xff\xfe", b"--app", b"true"]
    result = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False, env=env)
    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == r"edgeagent: the argument 'bad \xff\xfe' is no UTF-8 text"
    assert not list(tmp_path.iterdir())


def test_the_nearest_command_is_named() -> None:
    result = subprocess.run([*EDGEAGENT, "session", "list"], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert "Did you mean 'sessions'?" in result.stderr


def test_what_the_system_refuses_anywhere_is_no_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from edgeagent.cli import main

    def refused(**_: object) -> None:
        raise OSError(28, "No space left on device", "/somewhere/file")

    monkeypatch.setattr(main.cli, "main", refused)
    monkeypatch.setattr(sys, "argv", ["edgeagent"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 3
    assert capsys.readouterr().err.startswith("edgeagent: /somewhere/file: No space left on device\n")


def test_nobody_else_may_write_what_is_made_whatever_the_umask(tmp_path: Path) -> None:
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    command = ["sh", "-c", 'umask 000; exec "$@"', "sh", *EDGEAGENT, "agents", "new", "forms"]
    subprocess.run(command, timeout=60, check=True, env=env, stdout=subprocess.DEVNULL)
    made = list((tmp_path / "config").rglob("*"))
    assert [path.name for path in made if path.stat().st_mode & 0o002] == []
    assert (tmp_path / "config" / "edgeagent" / "agents" / "forms.toml") in made
