"""The command line: quick help, usage errors with exit code 2 and a next step, and nothing heavy imported for help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeagent.cli.main import COMMANDS

HEAVY = (
    "numpy",
    "msgspec",
    "onnxruntime",
    "cv2",
    "llama_cpp",
    "PIL",
    "mss",
    "pyautogui",
    "Xlib",
    "zstandard",
    "edgeagent.runner",
)


def edgeagent(*arguments: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **({"EDGEAGENT_HOME": str(home)} if home else {})}
    return subprocess.run(
        [sys.executable, "-m", "edgeagent", *arguments], capture_output=True, text=True, timeout=60, check=False, env=env
    )


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from edgeagent.cli.main import cli\n"
        "result = CliRunner().invoke(cli, ['--help'])\n"
        "assert result.exit_code == 0 and 'sessions' in result.output\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str) -> None:
    result = edgeagent(command, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "Usage:" in result.stdout


def test_version() -> None:
    result = edgeagent("--version")
    assert result.returncode == 0
    assert result.stdout.startswith("edgeagent 0.")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fly"], "No such command 'fly'"),
        (["run"], "Missing argument 'TASK'"),
        (["run", "  "], "the task is empty"),
        (["run", "-"], "the task is empty"),
        (["run", "@/no/such.txt"], "@/no/such.txt: No such file or directory"),
        (["run", "@/"], "the task's file / cannot be read: Is a directory"),
        (["run", "x", "--model", "/no/such.gguf"], "neither 'embedded' nor a file"),
        (["run", "x", "--home", "/no/such/dir"], "no such directory"),
        (["run", "x", "--policy", "/no/such.yaml"], "cannot be read: No such file"),
        (["run", "x", "--app", "'unclosed"], "--app"),
        (["run", "x", "--url", "example.com"], "'example.com' is no address of a page"),
        (["run", "x", "--url", "http://"], "no address of a page"),
        (["run", "x", "--url", "file:///home/agent/a.html"], "with --home DIR"),
        (["run", "x", "--url", "file:///home/agent/no%20such.html", "--home", "/usr"], "there is no /usr/no such.html"),
        (["run", "x", "--url", "--remote-debugging-port=9"], "no address of a page"),
        (["run", "x", "--url", "javascript:alert(1)"], "no address of a page"),
        (["run", "x", "--url", "https://a.example/"], "https://a.example/ cannot be reached: with policy locked the sandbox"),
        (["run", "x", "--max-steps", "0"], "--max-steps"),
        (["run", "x", "--timeout", "nan"], "no length of time"),
        (["sessions", "resume", "x", "--timeout", "inf"], "no length of time"),
        (["run", "x", "--output", "xml"], "--output"),
        (["sessions", "show", "nonesuch"], "no session 'nonesuch'"),
        (["models", "info", __file__], "no GGUF file"),
        (["governor", "--policy", "locked"], "policy locked has neither limits in gate.governor nor a gate rule that denies"),
    ],
)
def test_bad_usage_says_what_is_wrong_and_exits_2(arguments: list[str], words: str, tmp_path: Path) -> None:
    result = edgeagent(*arguments, home=tmp_path)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_home_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = edgeagent("run", "x", "--app", "true", home=tmp_path / "file" / "below")
    assert result.returncode == 3
    assert "Not a directory" in result.stderr
    assert "set EDGEAGENT_HOME" in result.stderr


def test_models_list_as_json() -> None:
    result = edgeagent("models", "list", "--output", "json")
    names = [part["name"] for part in json.loads(result.stdout)["embedded"]["parts"]]
    assert "policy.onnx" in names
