"""One thing is told as one, what a model is no longer told is told in words, and places stand in whole pixels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgeagent.counts import counted, less_told, steps_from
from edgeagent.events import Compacted
from edgeagent.words import describe, milliseconds
from edgeagent_harness.protocol.actions import Click, Drag
from edgeagent_harness.protocol.geometry import Point

SOURCES = Path(__file__).parents[2] / "edgeagent"
FORMS = re.compile(r"\{[^{}]*\} (steps|files|events|sessions|frames|connections|endpoints|screens) ?(in|,|;|closed|\{|\"|')")
"""A number in braces before a plural, in a line that a person reads."""

ALWAYS_MANY = ('problem = f"model {said!r} names', "raise SessionNotFound(", "title = f\"Delete {'this session' if")
"""What is said of more than one thing alone."""


def test_one_is_one() -> None:
    assert [counted(number, "step") for number in (0, 1, 2, 1000)] == ["0 steps", "1 step", "2 steps", "1000 steps"]
    assert [counted(number, "entry", "entries") for number in (1, 2)] == ["1 entry", "2 entries"]


def test_a_stretch_of_steps() -> None:
    assert [steps_from(3, last) for last in (3, 4, 7)] == ["step 3", "steps 3 and 4", "steps 3 to 7"]


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (Compacted("screens", 1, 1, ""), "the model is no longer shown the screen of step 1, only told what was done"),
        (Compacted("screens", 1, 3, ""), "the model is no longer shown the screens of steps 1 to 3, only told what was done"),
        (Compacted("turns", 2, 2, ""), "the model is told step 2 in one line from here on"),
        (Compacted("turns", 1, 2, ""), "the model is told steps 1 and 2 in one line each from here on"),
        (Compacted("steps", 1, 40, ""), "the model is told nothing more of steps 1 to 40"),
    ],
)
def test_what_a_model_is_no_longer_told(fact: Compacted, told: str) -> None:
    assert less_told(fact) == told


def test_places_are_whole_pixels() -> None:
    assert describe(Click(Point(512.5, 233.987654))) == "click (512, 233)", "the pixel that is clicked"
    assert describe(Drag((Point(0.2, 1.9), Point(99.99, 7)))) == "drag (0, 1) to (99, 7)"
    assert describe(Click(Point(499.5001, 10.25, "model"))) == "click (500, 10) model"
    assert describe(Click(Point(0.51239, 0.25, "model"))) == "click (0.512, 0.25) model", "a grid from 0 to 1"


def test_no_time_is_no_time() -> None:
    assert [milliseconds(ms) for ms in (0.0, 0.04, 0.4, 38.2)] == ["0 ms", "0 ms", "0.4 ms", "38 ms"]


def test_no_line_says_1_steps() -> None:
    found = [
        f"{path.relative_to(SOURCES)}: {line.strip()}"
        for face in ("cli", "tui", "recording/export", "policy", "sessions")
        for path in (SOURCES / face).rglob("*.py")
        for line in path.read_text().splitlines()
        if FORMS.search(line) and not line.strip().startswith(ALWAYS_MANY)
    ]
    assert found == []
