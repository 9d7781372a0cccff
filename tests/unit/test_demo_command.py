"""The demo runs the command that a user would type, and tells what went wrong in words."""

import subprocess
import sys
from pathlib import Path

from edgeagent import events
from edgeagent.demo import form
from edgeagent.demo.play import command
from edgeagent.demo.step_table import header, row
from edgeagent.timings import StepTimings
from edgeagent_harness.protocol.actions import Click
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_models.protocol import Element


def test_command_is_the_public_one(tmp_path: Path) -> None:
    task = form.generate(0)
    line = command(task, tmp_path)
    assert line[1:6] == ["-P", "-m", "edgeagent", "run", task.instruction]
    assert line[line.index("--url") + 1] == "http://127.0.0.1:8731/"
    assert line[line.index("--home") + 1] == str(tmp_path)


def test_unknown_task_and_seeds_are_usage_errors() -> None:
    for arguments, words in ((["--tasks", "calculator"], "calculator"), (["--seeds", "4:2"], "4:2")):
        done = subprocess.run([sys.executable, "-m", "edgeagent.demo", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert words in done.stderr


def test_table_rows_line_up_with_the_header() -> None:
    target = Element(3, "button", Rect(10, 10, 90, 40), text="A button with a name that is much too long for one column")
    intent = events.Intent(1, Click(Point(50, 25)), "f", "", target)
    acted = events.Acted(1, Effect("confirmed"), "g")
    line = row(intent, acted, StepTimings(1, {"perceive_ms": 41.4, "decode_ms": 3.0, "act_ms": 1.0}))
    assert len(line) == len(header())
    assert "click button 'A button" in line
    assert line.endswith("     45")
