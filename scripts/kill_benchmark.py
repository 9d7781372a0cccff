"""`kill -9` at random moments: how many sessions are unreadable, lost, or cannot go on? (docs/sessions.md)

A process runs a scripted session on a desktop in memory (recording, kept homes and locks are real), forks it, rewinds it, and
goes on, for ever; it is killed at a random moment. Then every session that is there is looked at as a user would: it is listed,
each of its steps and screens reads, nothing is damaged but a torn tail, it is opened for writing, its home is whole, it forks at
its last step, and the one that was under way is resumed to its end. Exit code 1 if any of that fails for any session.
A killed process loses nothing that the system holds in memory; for power loss see tests/fault/test_storage.py.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from edgeagent.clock import SystemClock
from edgeagent.errors import EdgeAgentError
from edgeagent.machine import machine_line
from edgeagent.ports import Deed, Prompt
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions import branching
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import AllowAll, Button, FakeDesktop, ScriptedModel, TextField
from edgeagent_harness.protocol.actions import Action, Click, Finish, Type
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec, Guard, SettleSpec

FIELD, SAVE = Rect(10, 10, 200, 32), Rect(10, 50, 100, 72)
STEPS = 12


class SavingDesktop(FakeDesktop):
    """Rewrites two files of its home with each action."""

    def __init__(self, home: Path) -> None:
        super().__init__([TextField("name", FIELD), Button("Save", SAVE)], clock=SystemClock())
        self._home = home

    async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None) -> Deed:
        deed = await super().perform(action, settle, guard)
        text = f"{len(self.performed)} {self.widget(TextField, 'name').text}"
        (self._home / "a.txt").write_text(text)
        (self._home / "big.bin").write_bytes(os.urandom(64) * 2000)
        await asyncio.sleep(0.002)
        return deed


def choose(prompt: Prompt) -> Action:
    number = len(prompt.history.steps)
    script: tuple[Action, ...] = (Click(FIELD.centre), Type(f"w{number} "), Click(SAVE.centre))
    return Finish() if number >= STEPS else script[number % 3]


def runner(store: SessionStore) -> Runner:
    @asynccontextmanager
    async def open_desktop(spec: DesktopSpec) -> AsyncGenerator[SavingDesktop]:
        yield SavingDesktop(Path(spec.home))

    @asynccontextmanager
    async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[ScriptedModel]:
        yield ScriptedModel(choose)

    return Runner(store, SystemClock(), AllowAll(), open_desktop=open_desktop, open_model=open_model)


def work(store: SessionStore, ready: int) -> None:
    """Sessions, forks and rewinds until killed."""
    os.write(ready, b"!")
    while True:
        session = asyncio.run(runner(store).start(RunRequest("fill in", DesktopSpec(320, 200)))).session
        forked = branching.fork(store, session, STEPS // 2, SystemClock()).session
        asyncio.run(runner(store).resume(forked))
        branching.rewind(store, session, STEPS // 3, SystemClock())
        asyncio.run(runner(store).resume(session))


def killed_after(store: SessionStore, delay_s: float) -> None:
    """Let a process work for so long, then kill it."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work(store, write_end)
        except BaseException as error:
            print(f"the worker failed by itself: {error!r}", file=sys.stderr)
            code = 2
        finally:
            os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        pipe.read(1)
        time.sleep(delay_s)
        os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
    if not os.WIFSIGNALED(status):
        raise SystemExit(f"the worker ended by itself: {status}")


def look_at(store: SessionStore, session: str) -> str:
    """What is wrong with the session; empty: nothing. Its state before it was touched is counted by the caller."""
    directory = store.root / session
    with SessionReader.open(directory) as reader:
        if damage := reader.damage():
            return f"damaged: {damage[0].reason}"
        steps = reader.steps()
        for step in steps:
            reader.frame(step.frame_before)
            reader.frame(step.frame_after)
    with store.open(session, SystemClock()) as opened:
        if not opened.home.is_dir():
            return "its home is gone"
        begun = bool(opened.history.task)
    if not begun:
        return ""  # killed before its first event: there is nothing to go on with
    forked = branching.fork(store, session, len(steps), SystemClock())
    if forked.home not in ("restored", "as_it_is"):
        return f"the fork's home is {forked.home}"
    shutil.rmtree(store.root / forked.session)
    if store.summaries() and next(one for one in store.summaries() if one.id == session).state in ("interrupted", "parked"):
        result = asyncio.run(runner(store).resume(session))
        if result.ended.outcome != "done":
            return f"resumed, it ended as {result.ended}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--within", type=float, default=0.8, help="seconds after its start by which a process is killed")
    arguments = parser.parse_args()
    moments, states, wrong = random.Random(arguments.seed), Counter[str](), list[str]()
    looked_at = 0
    for number in range(arguments.kills):
        with tempfile.TemporaryDirectory(prefix="edgeagent-kill-") as scratch:
            store = SessionStore(Path(scratch))
            delay_s = moments.uniform(0, arguments.within)
            killed_after(store, delay_s)
            states.update(summary.state for summary in store.summaries())
            for session in store.ids():
                looked_at += 1
                try:
                    problem = look_at(store, session)
                except (EdgeAgentError, OSError, AssertionError) as error:
                    problem = repr(error)
                if problem:
                    wrong.append(f"kill {number} after {delay_s * 1000:.1f} ms: {session}: {problem}")
                    print(wrong[-1], flush=True)
        if (number + 1) % 50 == 0:
            print(f"  {number + 1} kills, {looked_at} sessions, {len(wrong)} wrong", file=sys.stderr, flush=True)
    print(f"{arguments.kills} kills on {machine_line()}: {looked_at} sessions looked at ({dict(states)}), {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
