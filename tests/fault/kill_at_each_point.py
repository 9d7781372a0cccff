"""Program of `test_kill.py`: a run is killed with SIGKILL at its N-th point, for every N, and resumed each time.

The desktop's world outlives the process: every action that takes place is appended to a file, and a new desktop starts from
what the file says. The model decides from what it finds on the desktop. One JSON line is printed for each N.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from edgeagent.events import EventData
from edgeagent.ports import Deed, Look, Model
from edgeagent.recording.reader import SessionReader
from edgeagent.recording.writer import SessionWriter
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.screen import Screen
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import Button, Checkbox, FakeClock, FakeDesktop, ScriptedModel, TextField
from edgeagent_harness.protocol.actions import Action, Batch, Click, Finish, Type
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec, Guard, SettleSpec

FIELD, BOX, SAVE = Rect(10, 10, 200, 32), Rect(10, 50, 100, 66), Rect(10, 90, 100, 112)
SCRIPT: tuple[Action, ...] = (Batch((Click(FIELD.centre), Type("Zoë"))), Click(BOX.centre), Click(SAVE.centre))
Point = Callable[[str], None]


class WitnessedDesktop:
    """A `FakeDesktop` whose actions are on file, with a point before and after each."""

    layers: tuple[str, ...] = ()
    missing_layers: tuple[str, ...] = ()
    start_ms = 0.0

    def __init__(self, world: Path, point: Point) -> None:
        self.inner = FakeDesktop([TextField("name", FIELD), Checkbox("agree", BOX), Button("Save", SAVE)])
        self._world = world
        self._point = point
        for action in taken(world):
            self.inner.hands.perform(action)

    async def observe(self, settle: SettleSpec | None = None) -> Look:
        return await self.inner.observe(settle)

    async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None) -> Deed:
        self._point("before the action")
        deed = await self.inner.perform(action, settle, guard)
        if deed.effect.performed:
            with self._world.open("ab") as file:
                file.write(msgspec.json.encode(action) + b"\n")
        self._point("after the action")
        return deed

    async def release_all(self) -> None:
        await self.inner.release_all()

    def undone(self) -> Action:
        """What the model does next: the first thing that is not to be seen on the desktop."""
        if not self.inner.widget(TextField, "name").text:
            return SCRIPT[0]
        if not self.inner.widget(Checkbox, "agree").checked:
            return SCRIPT[1]
        return SCRIPT[2] if not self.inner.widget(Button, "Save").clicks else Finish(reason="all of it is there")


def taken(world: Path) -> list[Action]:
    lines = world.read_bytes().splitlines() if world.exists() else []
    return [msgspec.json.decode(line, type=Action) for line in lines]


def count_down(number: int) -> Point:
    """Kills this process at the ``number``-th point; 0 for never."""
    left = number

    def point(name: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            sys.stdout.write(name)
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    return point


def watch(sink: type[SessionWriter], point: Point) -> None:
    """Put points around everything that is written."""
    emit, keep, flush = sink.emit, sink.keep_frame, sink.flush
    last_kind = ""

    async def watched_emit(self: SessionWriter, data: EventData) -> None:
        nonlocal last_kind
        last_kind = kind = str(data.__struct_config__.tag)
        point(f"before {kind} is written")
        await emit(self, data)
        point(f"after {kind} is written")

    async def watched_keep(self: SessionWriter, screen: Screen) -> str:
        frame = await keep(self, screen)
        point("after the frame after it is written" if last_kind == "intent" else "after the frame is written")
        return frame

    async def watched_flush(self: SessionWriter) -> None:
        await flush(self)
        point(f"after {last_kind} is durable")

    sink.emit, sink.keep_frame, sink.flush = watched_emit, watched_keep, watched_flush


def run(root: Path, kill_at: int, resume: bool) -> None:
    point = count_down(kill_at)
    watch(SessionWriter, point)
    desktops: list[WitnessedDesktop] = []

    @asynccontextmanager
    async def open_desktop(spec: DesktopSpec) -> AsyncGenerator[WitnessedDesktop]:
        desktops.append(WitnessedDesktop(root / "world", point))
        yield desktops[-1]

    @asynccontextmanager
    async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        yield ScriptedModel(lambda prompt: desktops[-1].undone())

    store = SessionStore(root)
    runner = Runner(store, FakeClock(), open_desktop=open_desktop, open_model=open_model)
    if resume:
        asyncio.run(runner.resume(store.ids()[0]))
    else:
        asyncio.run(runner.start(RunRequest("fill in and save", DesktopSpec(320, 200))))


def in_child(work: Callable[[], None]) -> tuple[int, str]:
    """Run ``work`` in a forked process: its wait status, and what it printed."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writer, 1)
        code = 1
        try:
            work()
            code = 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        printed = pipe.read()
    return os.waitpid(pid, 0)[1], printed


def told(root: Path, killed_at: str) -> dict[str, object]:
    """What was left on disk in the end, and what the world says."""
    directory = SessionStore(root).find(SessionStore(root).ids()[0])
    with SessionReader.open(directory) as session:
        steps = session.steps()
        for step in steps:
            session.frame(step.frame_before)
            session.frame(step.frame_after)
        history = session.history()
        return {
            "killed_at": killed_at,
            "outcome": history.ended.outcome if history.ended else "",
            "damage": [damage.reason for damage in session.damage()],
            "steps": [msgspec.to_builtins(step.action) for step in steps],
            "looked_at_again": [step.number for step in steps if "died while" in step.effect.message],
            "taken": [msgspec.to_builtins(action) for action in taken(root / "world")],
        }


def main(scratch: Path) -> None:
    number = 0
    while True:
        number += 1
        root = scratch / str(number)
        root.mkdir()
        status, killed_at = in_child(lambda number=number, root=root: run(root, number, resume=False))
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not killed and status:
            raise SystemExit(f"run {number} failed: {status}")
        if killed and _begun(root):
            status, _ = (0, "") if _over(root) else in_child(lambda root=root: run(root, 0, resume=True))
            if status:
                raise SystemExit(f"resuming after {killed_at} failed: {status}")
        if _begun(root):
            print(json.dumps(told(root, killed_at)), flush=True)
        if not killed:
            return


def _begun(root: Path) -> bool:
    """Whether there is a session with its first event; before it nothing was acted on, and there is nothing to resume."""
    ids = SessionStore(root).ids()
    return bool(ids) and bool(SessionReader.open(root / ids[0]).events())


def _over(root: Path) -> bool:
    return SessionReader.open(root / SessionStore(root).ids()[0]).history().ended is not None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
