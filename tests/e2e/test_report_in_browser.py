"""The report works in a real Chromium: its policy lets its own style and script run, and the pictures are drawn."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.recorded import record

from edgeagent.desktop.browser_pipe import BrowserPipe
from edgeagent.recording.export import export

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]
DRAWN_WITHIN_S = 60
SHOWN_STEPS = "[...document.querySelectorAll('article.step')].filter(e => !e.hidden).map(e => e.id)"
DRAWN = "document.body?.dataset.ready && document.querySelectorAll('[data-drawn=true]').length"


@contextmanager
def browser(address: str, profile: Path) -> Generator[socket.socket]:
    """Chromium at ``address``, with its debugging pipe. Nothing is said of when it is done: the page is asked."""
    ours, theirs = socket.socketpair()
    flags = "--headless --no-sandbox --disable-gpu --remote-debugging-pipe"
    command = f'exec "$0" {flags} "$@" 3<&{theirs.fileno()} 4>&{theirs.fileno()}'
    with theirs:
        process = subprocess.Popen(
            ["bash", "-c", command, CHROMIUM or "", f"--user-data-dir={profile}", address],
            pass_fds=[theirs.fileno()], stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        with ours:
            yield ours
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


async def test_it_shows_one_step_with_its_pictures(tmp_path: Path) -> None:
    page = export(await record(tmp_path / "session", said="</script><b>hostile</b>"), "html", tmp_path / "report.html")
    with browser(f"{page.as_uri()}#step-2", tmp_path / "profile") as sock:
        pipe = BrowserPipe(sock)
        await pipe.attach(DRAWN_WITHIN_S)
        async with asyncio.timeout(DRAWN_WITHIN_S):
            while await pipe.evaluate(DRAWN) != 2:  # noqa: ASYNC110 - the page gives no sign
                await asyncio.sleep(0.05)
        assert await pipe.evaluate(SHOWN_STEPS) == ["step-2"]
        assert not await pipe.evaluate("[...document.querySelectorAll('b')].some(e => e.textContent === 'hostile')")
        assert await pipe.evaluate("document.body.textContent.includes('<b>hostile</b>')")
