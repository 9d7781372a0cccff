"""A run on a thread of its own, with its own event loop: however long something in it takes, the UI stays awake."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from edgeagent import events
from edgeagent.brake import Brake
from edgeagent.errors import EdgeAgentError
from edgeagent.policy.asking import Question, Said
from edgeagent.runner import Runner, RunResult
from edgeagent.screen import Screen
from edgeagent.tui.hold import HandedOver, HoldingGate
from edgeagent_harness.protocol.audit import Entry


@dataclass(frozen=True, slots=True)
class Opened:
    """The session exists."""

    session: str
    directory: Path


@dataclass(frozen=True, slots=True)
class Fact:
    """Something was noted."""

    data: events.EventData


@dataclass(frozen=True, slots=True)
class Seen:
    """A screen was kept under this content id."""

    frame: str
    screen: Screen


@dataclass(frozen=True, slots=True)
class Asked:
    """The run waits for `RunThread.answer`."""

    question: Question


@dataclass(frozen=True, slots=True)
class Audited:
    """Something was put into the audit."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Finished:
    """The run is over."""

    result: RunResult


@dataclass(frozen=True, slots=True)
class Broken:
    """The run could not go on."""

    message: str
    hint: str


Told: TypeAlias = Opened | Fact | Seen | Asked | Audited | Finished | Broken
Work: TypeAlias = Callable[[Runner], Coroutine[Any, Any, RunResult]]


class RunThread:
    """Works on one session."""

    def __init__(self, work: Work, make_runner: Callable[[], Runner] = Runner) -> None:
        self.tell: Callable[[Told], None] = lambda told: None
        """Called on the run's own thread."""
        self._work = work
        self._make_runner = make_runner
        self._gate = HoldingGate()
        self._asker = HandedOver(lambda question: self.tell(Asked(question)))
        self._messages: deque[str] = deque()
        self._brake = Brake()
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[RunResult] | None = None
        self._stop_wanted = False
        self._thread = threading.Thread(target=self._main, name="run", daemon=True)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take the hands off now; the session stays resumable. Safe to call at any time, from any thread."""
        self._brake.pull()
        self._stop_wanted = True
        self._on_loop(self._cancel)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def steer(self, text: str) -> None:
        """Tell the model something before its next decision."""
        self._messages.append(text)

    def hold(self, held: bool) -> None:
        """Pause before the next action, or go on."""
        self._on_loop(lambda: self._gate.hold(held))

    def one_step(self) -> None:
        """Let one action pass, then pause again."""
        self._on_loop(self._gate.one_step)

    def answer(self, said: Said) -> None:
        """The user's answer to the question that was asked last."""
        self._on_loop(lambda: self._asker.answer(said))

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            told = self._loop.run_until_complete(self._run())
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
        self.tell(told)

    async def _run(self) -> Told:
        runner = self._make_runner()
        runner.brake = self._brake
        runner.gate = self._gate
        runner.asker = self._asker
        runner.audit_listeners.append(lambda _session, entry: self.tell(Audited(entry)))
        runner.listeners.append(lambda data: self.tell(Fact(data)))
        runner.on_opened = lambda session, directory: self.tell(Opened(session, directory))
        runner.on_frame = lambda frame, screen: self.tell(Seen(frame, screen))
        runner.inbox = self._take_messages
        self._task = asyncio.ensure_future(self._work(runner))
        if self._stop_wanted:
            self._task.cancel()
        try:
            return Finished(await self._task)
        except asyncio.CancelledError:
            return Broken("stopped before it began", "")
        except EdgeAgentError as error:
            return Broken(str(error), error.hint)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _take_messages(self) -> tuple[str, ...]:
        taken = tuple(self._messages)
        for _ in taken:
            self._messages.popleft()
        return taken

    def _on_loop(self, call: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:  # the loop is closed: the run is over
            return
