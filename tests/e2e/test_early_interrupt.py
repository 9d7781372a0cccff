"""Ctrl+C in the first moments of `edgeagent` ends it quietly with 130: no traceback of ours at any time after the start."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import edgeagent

PROGRAM = shutil.which("edgeagent", path=str(Path(sys.executable).parent)) or "edgeagent"
OURS = f"{re.escape(str(Path(edgeagent.__file__).parent))}/(?!__main__|entry)"
"""In those two Ctrl+C is taken up: that takes Python's own `signal`, and some milliseconds of its import."""
BEFORE_PYTHON_HEARS = -signal.SIGINT
"""The system ends it; a shell says 130 then, too."""


def interrupted_after(ms: int, *argv: str) -> tuple[int, str]:
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(ms / 1000)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    return process.returncode, said


@pytest.mark.parametrize("ms", [0, 20, 50, 100, 200])
@pytest.mark.parametrize("argv", [(PROGRAM, "--plain"), (sys.executable, "-m", "edgeagent", "--plain")], ids=["script", "module"])
def test_it_ends_quietly(ms: int, argv: tuple[str, ...]) -> None:
    """What Python itself says of its own start, before the first line of ours, is not ours to mend."""
    for _ in range(3):
        code, said = interrupted_after(ms, *argv)
        assert not re.search(OURS, said), said
        assert code in (130, BEFORE_PYTHON_HEARS) or "Fatal Python error: init" in said, said
        if ms >= 200:
            assert said == ""


def test_while_the_command_line_is_imported() -> None:
    """At the very first line of it, whenever that is: the signal is sent from there."""
    code = (
        "import builtins, os, signal, sys\n"
        "load = builtins.__import__\n"
        "def importing(name, *rest, **more):\n"
        "    if name == 'click':\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return load(name, *rest, **more)\n"
        "from edgeagent.entry import main\n"
        "builtins.__import__ = importing\n"
        "main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stderr) == (130, "")


def test_who_starts_it_with_ctrl_c_ignored_keeps_that() -> None:
    code = (
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from edgeagent.cli import stdout\n"
        "from edgeagent.entry import main\n"
        "stdout.guard = lambda: os.kill(os.getpid(), signal.SIGINT)\n"
        "import sys; sys.argv[1:] = ['--version']\n"
        "main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout.split()[0]) == (0, "edgeagent")
