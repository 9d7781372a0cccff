"""A session as OSWorld writes its runs: ``traj.jsonl``, one line per step, and the screen after each step as a PNG.

Fields, file names and the time format are those of ``lib_run_single.py`` in xlang-ai/OSWorld; actions are pyautogui code, as its
``pyautogui`` action space has them, with ``WAIT``, ``DONE`` and ``FAIL``. The canonical action stands in ``info``. There is no
``result.txt``: a score is the evaluator's, and none ran.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
from PIL import Image

from edgeagent import words
from edgeagent.errors import RecordingError
from edgeagent.recording.export.film import read_picture
from edgeagent.recording.export.osworld_actions import as_code
from edgeagent.recording.export.story import StepStory, Story
from edgeagent.recording.export.telling import tell
from edgeagent.recording.reader import SessionReader

TRAJECTORY_NAME = "traj.jsonl"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of ``traj.jsonl``."""

    step_num: int
    action_timestamp: str
    action: str
    natural_language_action: str
    response: str
    reward: float
    done: bool
    info: dict[str, object]
    screenshot_file: str


def write_osworld(reader: SessionReader, out: Path) -> Path:
    """Write ``traj.jsonl`` and the pictures into the directory ``out``; the screen before the first step is ``step_0.png``."""
    story = tell(reader)
    out.mkdir(parents=True, exist_ok=True)
    if first := (story.steps[0].frame_before if story.steps else story.ending.frame):
        _save(reader, first, out / "step_0.png")
    several = len(story.models) > 1
    lines = [_line(reader, step, out, step.model if several else "") for step in story.steps]
    if story.ending.outcome:
        lines.append(_last(reader, story, out))
    encoder = msgspec.json.Encoder()
    (out / TRAJECTORY_NAME).write_bytes(encoder.encode_lines(lines))
    return out


def _line(reader: SessionReader, step: StepStory, out: Path, model: str) -> Line:
    """``model``: which decided it, where several did."""
    stamp = _stamp(step.began_s)
    name = f"step_{step.number}_{stamp}.png"
    info: dict[str, object] = {
        "canonical_action": msgspec.to_builtins(step.action),
        "effect": msgspec.to_builtins(step.effect),
        "phases_ms": {key: round(value, 3) for key, value in step.phases_ms.items()},
    }
    if model:
        info["model"] = model
    if problem := _save(reader, step.frame_after, out / name):
        info["screenshot_error"] = problem
    return Line(
        step_num=step.number,
        action_timestamp=stamp,
        action=as_code(step.action),
        natural_language_action=words.describe(step.action, step.target),
        response=step.reply,
        reward=0.0,
        done=False,
        info=info,
        screenshot_file="" if problem else name,
    )


def _last(reader: SessionReader, story: Story, out: Path) -> Line:
    """The agent's own verdict, as OSWorld's environment answers to ``DONE`` and ``FAIL``."""
    ending = story.ending
    done = ending.outcome == "done"
    number = len(story.steps) + 1
    stamp = _stamp(ending.time_s)
    name = f"step_{number}_{stamp}.png"
    problem = _save(reader, ending.frame, out / name)
    return Line(
        step_num=number,
        action_timestamp=stamp,
        action="DONE" if done else "FAIL",
        natural_language_action="finish: done" if done else f"end: {ending.outcome}",
        response=ending.reply,
        reward=0.0,
        done=True,
        info={"done" if done else "fail": True, "outcome": ending.outcome, "message": ending.message, "answer": ending.answer},
        screenshot_file="" if problem else name,
    )


def _save(reader: SessionReader, frame_id: str, path: Path) -> str:
    """Write the frame as a PNG; why not, if it cannot be read."""
    if not frame_id:
        return "no frame was recorded"
    try:
        picture = Image.fromarray(read_picture(reader, frame_id))
    except RecordingError as error:
        return str(error)
    picture.save(path, "PNG")
    return ""


def _stamp(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y%m%d@%H%M%S%f")
