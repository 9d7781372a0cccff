"""Our app with a long session in it, for `tui_benchmark.py`: how late the thread of its screen is goes to a file."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from edgeagent.limits import Limits
from edgeagent.ports import Deed, Look, Model, Prompt, Reply
from edgeagent.runner import ModelChoice, Runner, RunRequest, RunResult
from edgeagent.screen import Screen
from edgeagent.sessions.store import SessionStore
from edgeagent.testing.model import as_reply
from edgeagent.tui.app import EdgeAgentApp
from edgeagent.tui.frame_view import FrameView, Shown
from edgeagent_harness.protocol.actions import Action, Click, Finish
from edgeagent_harness.protocol.effects import Effect, SettleReport
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import DesktopSpec, Guard, SettleSpec
from edgeagent_models.protocol import Usage

WIDTH, HEIGHT = 1280, 800
NOISE = np.random.default_rng(0)
_BURN = """
import threading, time, numpy
def burn(end_s=time.monotonic() + 0.5):
    while time.monotonic() < end_s: numpy.ones((400, 400)) @ numpy.ones((400, 400))
threads = [threading.Thread(target=burn) for _ in range(4)]
for thread in threads: thread.start()
"""
"""A program that keeps every core busy for half a second."""


class Busy:
    """A desktop that looks different after every step, in a few regions, as applications do."""

    layers: tuple[str, ...] = ("none",)
    missing_layers: tuple[str, ...] = ()
    start_ms = 0.0

    def __init__(self) -> None:
        self._pixels = np.full((HEIGHT, WIDTH, 4), 235, np.uint8)
        self._seq = 0
        self._peeked = -1

    async def observe(self, settle: SettleSpec | None = None) -> Look:
        return Look(self._screen(), None, 3.0)

    async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None) -> Deed:
        places = [(int(NOISE.integers(0, WIDTH - 300)), int(NOISE.integers(0, HEIGHT - 200))) for _ in range(3)]
        for x, y in places:
            self._pixels[y : y + 200, x : x + 300, :3] = NOISE.integers(0, 256, (200, 300, 3), dtype=np.uint8)
        self._seq += 1
        await asyncio.sleep(0.05)
        effect = Effect("confirmed", changed=tuple(Rect(x, y, x + 300, y + 200) for x, y in places))
        return Deed(effect, Look(self._screen(), SettleReport("still", 50, 40, 4, changed_once=True), 3.0), 1.0)

    async def peek(self) -> Screen | None:
        if self._peeked == self._seq:
            return None
        self._peeked = self._seq
        return self._screen()

    async def release_all(self) -> None:
        pass

    def _screen(self) -> Screen:
        return Screen(FrameInfo(self._seq, WIDTH, HEIGHT, time.monotonic_ns()), self._pixels.tobytes())


class Thinking:
    """Takes 30 ms; every tenth time a process beside the app has all cores for half a second, as an engine that loads has."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    async def complete(self, prompt: Prompt) -> Reply:
        number = len(prompt.history.steps)
        await asyncio.sleep(0.03)
        if number % 10 == 9:
            engine = await asyncio.create_subprocess_exec(sys.executable, "-c", _BURN)
            await engine.wait()
        if number >= self._steps:
            return as_reply(Finish())
        reply = as_reply(Click(Point(float(NOISE.integers(1, WIDTH)), float(NOISE.integers(1, HEIGHT)))))
        usage = Usage(prompt_tokens=1500, cached_tokens=1300, image_tokens=900, output_tokens=40)
        return Reply(reply.text, usage=usage, timings_ms={"ttft_ms": 20.0, "decode_ms": 10.0})


@asynccontextmanager
async def open_desktop(spec: DesktopSpec) -> AsyncGenerator[Busy]:
    yield Busy()


class Measured(EdgeAgentApp):
    """Works on one session, looks every 5 ms how late its own event loop is, and writes that to ``out``."""

    frames = 0

    def __init__(self, steps: int, out: Path) -> None:
        @asynccontextmanager
        async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
            yield Thinking(steps)

        super().__init__(lambda: Runner(SessionStore(), open_desktop=open_desktop, open_model=open_model))
        self._steps = steps
        self._out = out
        self._began_s = 0.0
        self.late_ms: list[float] = []

    def on_ready(self) -> None:
        self._began_s = time.monotonic()
        limits = Limits(max_steps=0, timeout_s=0, max_no_effect=0)

        async def work(runner: Runner) -> RunResult:
            return await runner.start(RunRequest("a long session", limits=limits))

        self._watch(work)
        self.set_timer(0.5, self._listen_from_now)

    def _listen_from_now(self) -> None:
        self.run_worker(self._listen())

    async def _listen(self) -> None:
        while self._run is not None and self._run.alive:
            asked_s = time.perf_counter()
            await asyncio.sleep(0.005)
            self.late_ms.append((time.perf_counter() - asked_s - 0.005) * 1000)
        found = {
            "late_ms": self.late_ms, "session_s": round(time.monotonic() - self._began_s, 1), "frames": self.frames,
            "steps": self._steps,
        }  # fmt: skip
        await asyncio.to_thread(self._out.write_text, json.dumps(found))
        self.exit()


def session(steps: int, out: Path) -> None:
    """A session of so many steps; how late the UI's event loop was goes to ``out``, and how many frames were shown."""
    app = Measured(steps, out)
    show = FrameView._put_if_current  # pyright: ignore[reportPrivateUsage]

    def counted(view: FrameView, frame: Shown, drawn: object) -> None:
        app.frames += 1
        show(view, frame, drawn)  # type: ignore[arg-type]

    FrameView._put_if_current = counted  # type: ignore[method-assign]  # pyright: ignore[reportPrivateUsage]
    app.run()


if __name__ == "__main__":
    session(int(sys.argv[1]), Path(sys.argv[2]))
