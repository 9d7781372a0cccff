"""The session as a video: each step's screen with the action drawn on it, then the screen after it with what changed."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw

from edgeagent import words
from edgeagent.errors import EnvironmentProblem, RecordingError
from edgeagent.recording.export.draw import draw_marks, font
from edgeagent.recording.export.film import read_picture
from edgeagent.recording.export.html_head import OUTCOME_WORDS
from edgeagent.recording.export.marks import action_marks, effect_marks
from edgeagent.recording.export.placing import placed
from edgeagent.recording.export.story import StepStory, Story
from edgeagent.recording.export.telling import tell
from edgeagent.recording.reader import SessionReader

FRAMES_PER_S = 5
"""Of the video; a scene goes to ffmpeg once a second, and is repeated there, where that is cheap."""
BEFORE_S, AFTER_S, LAST_S = 1, 1, 2
"""How long a step's screen before and after it, and the last screen, are shown: whole seconds."""
CAPTION_PX = 60
_MOST_SAID_CHARS = 800
_INK, _GREY, _PAPER = (240, 242, 246), (160, 170, 184), (20, 23, 28)
_OUTCOME_COLOURS = {"done": (111, 215, 154), "failed": (255, 154, 146), "error": (255, 154, 146)}


def write_mp4(reader: SessionReader, out: Path) -> Path:
    """Write the video ``out``. Raises `EnvironmentProblem` if there is no ffmpeg."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise EnvironmentProblem(
            "mp4 export needs the program ffmpeg, which is not on the PATH", "on Debian or Ubuntu: sudo apt install ffmpeg"
        )
    story = tell(reader)
    width, height = story.width_px + story.width_px % 2, story.height_px + CAPTION_PX + story.height_px % 2
    with placed(out) as part, tempfile.TemporaryFile() as said:
        command = _command(ffmpeg, width, height, part)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said) as process:
            _feed(process, reader, story, (width, height))
        said.seek(0)
        reason = said.read().decode("utf-8", "replace").strip()[-_MOST_SAID_CHARS:].replace(str(part), str(out))
        if process.returncode != 0 or reason:  # it ends with 0 where the disk was full before the end, and says so
            raise RecordingError(f"ffmpeg could not write {out}: {reason}", "is there room, and is its directory writable?")
    return out


def _command(ffmpeg: str, width: int, height: int, out: Path) -> list[str]:
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "1", "-i", "-"]
    # Screens are still and sharp: yuv420p for players, the quality high, an index at the front.
    repeated = ["-vf", f"format=yuv420p,fps={FRAMES_PER_S}"]
    coded = [*repeated, "-c:v", "libx264", "-preset", "veryfast", "-tune", "stillimage", "-crf", "20"]
    return [ffmpeg, "-v", "error", "-nostdin", "-y", *raw, *coded, "-movflags", "+faststart", "-f", "mp4", f"file:{out}"]


def _feed(process: subprocess.Popen[bytes], reader: SessionReader, story: Story, size: tuple[int, int]) -> None:
    assert process.stdin is not None
    try:
        for picture, seconds in _scenes(reader, story, size):
            raw = picture.tobytes()
            for _ in range(seconds):
                process.stdin.write(raw)
    except BrokenPipeError:
        pass  # ffmpeg has ended early; the caller tells what it said
    except BaseException:
        process.kill()
        raise
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def _scenes(reader: SessionReader, story: Story, size: tuple[int, int]) -> Iterator[tuple[Image.Image, int]]:
    count = len(story.steps)
    for step in story.steps:
        title = f"{step.number}/{count}  {words.describe(step.action, step.target)}"
        before = draw_marks(_screen(reader, step.frame_before, size), action_marks(step.action, step.target))
        yield _captioned(before, size, title, step.thought, _INK), BEFORE_S
        after = draw_marks(_screen(reader, step.frame_after, size), effect_marks(step.effect))
        yield _captioned(after, size, title, _effect(step), _INK), AFTER_S
    ending = story.ending
    colour = _OUTCOME_COLOURS.get(ending.outcome, _INK)
    last = _screen(reader, ending.frame, size)
    yield _captioned(last, size, OUTCOME_WORDS[ending.outcome], ending.answer or ending.message or story.task, colour), LAST_S


def _effect(step: StepStory) -> str:
    return words.effect_words(step.effect) if step.effect else "effect unknown"


def _screen(reader: SessionReader, frame_id: str, size: tuple[int, int]) -> Image.Image:
    """The frame on a canvas of the video's size without the caption; a lost frame is a dark one that says so."""
    canvas = Image.new("RGB", (size[0], size[1] - CAPTION_PX), _PAPER)
    try:
        frame = Image.fromarray(read_picture(reader, frame_id))
    except RecordingError:
        middle = (canvas.width / 2, canvas.height / 2)
        ImageDraw.Draw(canvas).text(middle, "this frame could not be read", _GREY, font(24), anchor="mm")
        return canvas
    if frame.width > canvas.width or frame.height > canvas.height:
        frame.thumbnail(canvas.size)
    canvas.paste(frame)
    return canvas


def _captioned(picture: Image.Image, size: tuple[int, int], title: str, below: str, colour: tuple[int, int, int]) -> Image.Image:
    whole = Image.new("RGB", size, _PAPER)
    whole.paste(picture)
    pen = ImageDraw.Draw(whole)
    room = size[0] - 24
    pen.text((12, size[1] - CAPTION_PX + 8), _fitted(pen, title, 20, room), colour, font(20))
    pen.text((12, size[1] - CAPTION_PX + 35), _fitted(pen, below, 15, room), _GREY, font(15))
    return whole


def _fitted(pen: ImageDraw.ImageDraw, text: str, size_px: int, room_px: int) -> str:
    """``text`` on one line, cut with an ellipsis where it is wider than ``room_px``."""
    line = " ".join(text.split())[:400]
    if pen.textlength(line, font(size_px)) <= room_px:
        return line
    while line and pen.textlength(line + "…", font(size_px)) > room_px:
        line = line[:-1]
    return line + "…"
