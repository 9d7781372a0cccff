"""A run with a real engine on a desktop in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from edgeagent import events
from edgeagent.limits import Limits
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import AllowAll, Button, FakeClock, FakeDesktop, TextField
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec


@asynccontextmanager
async def _open_desktop(_spec: DesktopSpec) -> AsyncGenerator[FakeDesktop]:
    yield FakeDesktop([TextField("Name", Rect(70, 10, 250, 34)), Button("Go", Rect(70, 50, 150, 80))])


async def record(root: Path, choice: ModelChoice) -> list[events.EventData]:
    """One step's worth of a run with ``choice``: what it recorded."""
    runner = Runner(SessionStore(root), FakeClock(), AllowAll(), open_desktop=_open_desktop)
    limits = Limits(max_steps=1, timeout_s=0, max_rejected=1)
    result = await runner.start(RunRequest("Click Go", model=choice, limits=limits, seed=4))
    with SessionReader.open(root / result.session) as reader:
        return [event.data for event in reader.events()]
