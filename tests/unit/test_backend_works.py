"""What works beside a backend's API survives a disk that is full, and takes the server with it where it has a bug."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgeagent.cloud.among_processes import held, held_once_free
from edgeagent.errors import RecordingError

BUG = """
import sys
from pathlib import Path
import uvicorn
from edgeagent.cloud.app import make_app
from edgeagent.cloud.serving import Settings, application
app = application(Settings(Path(sys.argv[1]), workers=0))
services = app.state.services
async def work():
    raise KeyError("a bug")
services.beside = (work,)
uvicorn.run(make_app(services), host="127.0.0.1", port=0, log_level="error")
"""


async def test_a_lock_that_cannot_be_made_is_told_as_any_file(tmp_path: Path) -> None:
    (tmp_path / "arriving").write_text("no room")
    with pytest.raises(RecordingError), held(tmp_path / "arriving" / "acme" / "lock"):
        pass
    with pytest.raises(RecordingError):
        async with held_once_free(tmp_path / "arriving" / "lock"):
            pass


def test_a_bug_ends_the_server(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", BUG, str(tmp_path)]
    told = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert "KeyError: 'a bug'" in told.stderr
