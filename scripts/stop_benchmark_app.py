"""The app that `stop_benchmark.py` stops: the terminal app itself, with a model that brings the engine into a wanted state."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from edgeagent import events
from edgeagent.brake import Brake
from edgeagent.desktop import SandboxDesktop, open_desktop
from edgeagent.engine.watchdog import Engine
from edgeagent.limits import Limits
from edgeagent.ports import Model, Prompt, Reply
from edgeagent.runner import ModelChoice, Runner, RunRequest, RunResult
from edgeagent.sessions.store import SessionStore
from edgeagent.testing.model import as_reply
from edgeagent.tui.app import EdgeAgentApp
from edgeagent_harness.protocol.actions import Action, Batch, Drag, HoldKey, Key, KeyDown, LongPress, MouseDown, Move, Type
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import Application, DesktopSpec
from edgeagent_models.protocol import ChatMessage, Complete, Load, Sampling, TextPart
from edgeagent_models.synthetic.shapes import TextShape
from edgeagent_models.synthetic.write import write_text_model

STATES = ("idle", "prefill", "decode", "stopped-prefill", "stopped-decode")
SHAPE = TextShape(
    "qwen3vl", layers=8, attention_every=1, width=768, heads=12, kv_heads=4, head_width=64, feed_forward=3072, rope_width=64,
    rope_sections=(12, 10, 10, 0),
)  # fmt: skip
HELD = Batch((Move(Point(500, 400)), MouseDown("left"), KeyDown("shift")))
LONG_TEXT = "the quick brown fox jumps over the lazy dog and goes on " * 40
PROMPT = "what was seen on the screen and what was done about it so far " * 60
"""Some seconds of prefill for this model."""
SEQUENCE = "session"
_LOOKS = 3
"""Lines that the watcher writes after the run's end before its sandbox is given up."""
_MOST_LOOKS_S = 5.0


def acting(chance: random.Random) -> Action:
    """Something that keeps the hands busy for longer than anybody waits before stopping them."""
    one, other = (Point(chance.randint(200, 1000), chance.randint(150, 700)) for _ in range(2))
    return chance.choice(
        (
            Type(LONG_TEXT),
            Drag((one, other), duration_ms=5000),
            HoldKey(("a",), duration_ms=5000),
            HoldKey(("ctrl", "shift", "x"), duration_ms=5000),
            LongPress(one, duration_ms=5000),
            Key(("Down",), repeat=100),
        )
    )


class StateModel:
    """Brings the engine into ``state`` and says so; asked for actions, it holds something down first, or acts on and on."""

    def __init__(self, engine: Engine, state: str, chance: random.Random, mark: Callable[[str], None]) -> None:
        self.engine = engine
        self._state, self._chance, self._mark = state, chance, mark
        self._asked = 0

    async def complete(self, prompt: Prompt) -> Reply:
        self._asked += 1
        if self._state == "idle":
            if self._asked == 1:
                self._mark("busy idle")
            return as_reply(acting(self._chance))
        if self._asked == 1:
            return as_reply(HELD)
        if not self._state.endswith("decode"):
            self._reached()
        while True:
            await self._ask()

    async def _ask(self) -> None:
        number = self._chance.random()
        if self._state.endswith("decode"):
            sampling, text, grammar = Sampling(max_tokens=4000), f"{number}", "root ::= [a-z ]+"
        else:
            sampling, text, grammar = Sampling(max_tokens=1), f"{number} {PROMPT}", ""
        messages = (ChatMessage("user", (TextPart(text),)),)
        await self.engine.request(Complete(0, SEQUENCE, messages, sampling, grammar, stream=True), lambda _: self._reached())

    def _reached(self) -> None:
        """The engine is where it should be; once."""
        if not self._asked:
            return
        self._asked = 0
        if self._state.startswith("stopped"):
            os.kill(self.engine.pid, signal.SIGSTOP)
        self._mark(f"busy {self._state}")


def write_model(path: Path) -> None:
    """A model of random weights that takes its time."""
    write_text_model(path, SHAPE, 0, "Q8_0")


def watcher() -> Application:
    """Writes what the X server says to ``x.log`` in the sandbox's home."""
    python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    source = Path(__file__).with_name("x_watcher.py").read_text(encoding="utf-8")
    shell = f'exec {python} -S -P -B -c "$0" "$HOME/x.log"'
    argv = ("env", "PYTHONPATH=/opt/edgeagent/lib", f"XAUTHORITY={os.devnull}", "sh", "-c", shell, source)
    return Application(argv, wait_window=False)


class StoppedApp(EdgeAgentApp):
    """Begins at once; marks what happens on a pipe."""

    def __init__(self, model: Path, marks: int, seed: int) -> None:
        self._model, self._marks = model, marks
        self._chance = random.Random(seed)
        self._runs = 0
        super().__init__(self._runner)

    def on_ready(self) -> None:
        """Begin once the app stands."""
        spec = DesktopSpec(applications=(watcher(), Application(("mousepad",))))

        async def work(runner: Runner) -> RunResult:
            return await runner.start(RunRequest("be stopped", spec, limits=Limits(max_steps=0, timeout_s=0, max_no_effect=0)))

        self._watch(work)

    def take_hands_off(self) -> bool:
        """As the app does; says when."""
        stopped = super().take_hands_off()
        if stopped:
            self._mark(f"pulled {time.monotonic_ns()}")
        return stopped

    def _mark(self, line: str) -> None:
        os.write(self._marks, f"{line}\n".encode())

    def _runner(self) -> Runner:
        runner = Runner(SessionStore(), open_model=self._open_model)
        runner.open_desktop = lambda spec: self._looked_at(spec, runner.brake)
        runner.listeners.append(lambda fact: self._opened() if isinstance(fact, events.RunStarted) else None)
        return runner

    @asynccontextmanager
    async def _looked_at(self, spec: DesktopSpec, brake: Brake) -> AsyncGenerator[SandboxDesktop]:
        """As a runner's own; it stays after the run until the watcher has looked: a sandbox ends within milliseconds of a stop,
        and a watcher that had no turn in them would have seen nothing of the release."""
        desktop = open_desktop(spec)
        desktop.brake = brake
        async with desktop:
            try:
                yield desktop
            finally:
                self._mark(f"ending {time.monotonic_ns()}")
                await _wait_for_lines(Path(spec.home) / "x.log")
                self._mark("looked")

    def _opened(self) -> None:
        store = SessionStore()
        self._mark(f"opened {store.root / store.ids()[-1]}")

    @asynccontextmanager
    async def _open_model(self, choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        engine = Engine("llama", Load(0, str(self._model), context_tokens=8192, max_sequences=1), restarted)
        await engine.start()
        try:
            await engine.open_sequence(SEQUENCE)
            yield StateModel(engine, STATES[self._runs % len(STATES)], self._chance, self._mark)
        finally:
            self._runs += 1
            await engine.close()


async def _wait_for_lines(log: Path) -> None:
    """Until ``log`` has grown by some lines; not for ever."""
    with log.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        lines, end_s = 0, time.monotonic() + _MOST_LOOKS_S
        while lines < _LOOKS and time.monotonic() < end_s:
            lines += stream.read().count(b"\n")
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    StoppedApp(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])).run()
