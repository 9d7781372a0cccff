"""A session becomes a video that plays: right size, right length; without ffmpeg the error says what to install."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.recorded import record

from edgeagent.errors import EnvironmentProblem, RecordingError
from edgeagent.recording.export import export
from edgeagent.recording.export.mp4 import AFTER_S, BEFORE_S, CAPTION_PX, LAST_S

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def probe(video: Path) -> dict[str, Any]:
    entries = "format=duration:stream=width,height,pix_fmt"
    command = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", str(video)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


@needs_ffmpeg
async def test_each_step_is_shown_long_enough(tmp_path: Path) -> None:
    out = export(await record(tmp_path), "mp4", tmp_path / "run.mp4")
    found = probe(out)
    (stream,) = found["streams"]
    assert (stream["width"], stream["height"], stream["pix_fmt"]) == (320, 200 + CAPTION_PX, "yuv420p")
    assert BEFORE_S >= 0.6
    assert AFTER_S >= 0.6
    assert float(found["format"]["duration"]) == pytest.approx(3 * (BEFORE_S + AFTER_S) + LAST_S, abs=0.3)


@needs_ffmpeg
async def test_frames_that_cannot_be_read_are_shown_as_lost(tmp_path: Path) -> None:
    await record(tmp_path)
    (tmp_path / "frames.pack").write_bytes(b"")
    assert export(tmp_path, "mp4", tmp_path / "run.mp4").stat().st_size > 1000


@needs_ffmpeg
async def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    await record(tmp_path)
    (tmp_path / "taken.mp4").mkdir()
    with pytest.raises(RecordingError, match=r"ffmpeg could not write .*taken\.mp4"):
        export(tmp_path, "mp4", tmp_path / "taken.mp4")


async def test_without_ffmpeg_the_error_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentProblem, match="ffmpeg") as caught:
        export(await record(tmp_path / "session"), "mp4", tmp_path / "run.mp4")
    assert "apt install ffmpeg" in caught.value.hint


@needs_ffmpeg
def test_a_video_that_there_is_no_room_for_leaves_the_one_before(tmp_path: Path) -> None:
    asyncio.run(record(tmp_path / "session"))
    small = tmp_path / "small"
    small.mkdir()
    program = (
        "import sys; from pathlib import Path; from edgeagent.recording.export import export\n"
        "Path('small/run.mp4').write_text('the one before')\n"
        "export(Path('session'), 'mp4', Path('small/run.mp4'))"
    )
    mounted = 'mount -t tmpfs -o size=8k tmpfs small && "$@"; code=$?; cat small/run.mp4; ls -A small; exit $code'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, "sh", sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "could not write small/run.mp4" in ended.stderr
    assert "No space left on device" in ended.stderr
    assert (ended.returncode, ended.stdout) == (1, "the one beforerun.mp4\n")
