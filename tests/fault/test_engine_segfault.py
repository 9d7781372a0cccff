"""The engine dies of a real SIGSEGV, in a request and between two: the run notes it and goes on with the same replies."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from support.tiny_models import TinyModels

from edgeagent import events
from edgeagent.limits import Limits
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.runner.noting import Listener
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import AllowAll, Button, Caption, FakeClock, FakeDesktop, TextField
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec

pytestmark = pytest.mark.llama
LIMITS = Limits(max_steps=2, timeout_s=0, max_rejected=3)


class StartedFake(FakeDesktop):
    layers = ("fake",)
    missing_layers: tuple[str, ...] = ()
    start_ms = 0.0


@asynccontextmanager
async def open_desktop(spec: DesktopSpec) -> AsyncGenerator[StartedFake]:
    name = Caption("Name:", Rect(10, 14, 60, 34))
    yield StartedFake([name, TextField("Name", Rect(70, 10, 250, 34)), Button("Go", Rect(70, 50, 150, 80))])


async def record(root: Path, choice: ModelChoice, *listeners: Listener) -> list[events.EventData]:
    """A run with a real engine; what it recorded."""
    runner = Runner(SessionStore(root), FakeClock(), AllowAll(), listeners=list(listeners), open_desktop=open_desktop)
    result = await runner.start(RunRequest('Enter "bob" as the name and click Go', model=choice, limits=LIMITS, seed=4))
    with SessionReader.open(root / result.session) as reader:
        return [event.data for event in reader.events()]


def engine_pid() -> int:
    """Of the engine that this process has started."""
    (child,) = (child for child in psutil.Process().children() if "edgeagent_models.serve" in child.cmdline())
    return child.pid


def replies(facts: list[events.EventData]) -> list[str]:
    return [fact.text for fact in facts if isinstance(fact, events.Replied)]


@pytest.fixture(params=["embedded", "dense", "hybrid"])
def choice(request: pytest.FixtureRequest) -> ModelChoice:
    if request.param == "embedded":
        return ModelChoice()
    models: TinyModels = request.getfixturevalue("tiny_models")
    return ModelChoice(str(models.named(request.param)), str(models.mmproj))


async def test_the_run_goes_on_as_if_nothing_had_happened(choice: ModelChoice, tmp_path: Path) -> None:
    """Struck in the middle of the first request, and once more between two steps: what was cached then is gone."""
    undisturbed = await record(tmp_path, choice)
    pids: list[int] = []

    def strike() -> None:
        pids.append(engine_pid())
        os.kill(pids[-1], signal.SIGSEGV)

    def strike_twice(fact: events.EventData) -> None:
        if isinstance(fact, events.Observed) and not pids:
            asyncio.get_running_loop().call_later(0.02, strike)
        if isinstance(fact, events.Acted) and len(pids) == 1:
            strike()

    disturbed = await record(tmp_path, choice, strike_twice)
    assert replies(disturbed) == replies(undisturbed)
    assert len(replies(disturbed)) >= 2
    assert len(pids) == 2
    noted = [fact.reason for fact in disturbed if isinstance(fact, events.EngineRestarted)]
    assert len(noted) == 2
    assert all("SIGSEGV" in reason for reason in noted)
    assert not any(map(psutil.pid_exists, pids))
