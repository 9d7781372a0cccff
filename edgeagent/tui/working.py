"""A run on a thread of its own, and what it tells of itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from edgeagent import events
from edgeagent.brake import Brake
from edgeagent.errors import EdgeAgentError
from edgeagent.policy.asking import Answer, Question
from edgeagent.runner import ModelChoice, Runner, RunResult
from edgeagent.runner.attending import Attendance
from edgeagent.runner.deciding import ModelSwitch
from edgeagent.screen import Screen
from edgeagent.tui.hold import HandedOver, HoldingGate, UserHands
from edgeagent.tui.loop_thread import LoopThread
from edgeagent_harness.policy.gate_types import GateMode
from edgeagent_harness.protocol.actions import Action
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
class Glimpsed:
    """There is a newer picture in `RunThread.take_glimpse`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The run waits for `RunThread.answer`."""

    question: Question


@dataclass(frozen=True, slots=True)
class Audited:
    """Something was put into the audit."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class ModelLoading:
    """The model that the user wants is being loaded, in the place of the one that decided."""

    model: str


@dataclass(frozen=True, slots=True)
class ModelKept:
    """The model that the user wants cannot decide; the one before goes on."""

    model: str
    why: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The run is over."""

    result: RunResult


@dataclass(frozen=True, slots=True)
class Broken:
    """The run could not go on."""

    message: str
    hint: str


Told: TypeAlias = Opened | Fact | Seen | Glimpsed | Asked | Audited | ModelLoading | ModelKept | Finished | Broken
Work: TypeAlias = Callable[[Runner], Coroutine[Any, Any, RunResult]]


_LOOK_S = 0.1
"""Between live pictures. What is still costs a comparison; what moves is shown some eight times a second."""


@runtime_checkable
class _Peekable(Protocol):
    """A desktop that can be looked at live; a fake need not."""

    async def peek(self) -> Screen | None: ...


class RunThread(LoopThread[Told]):
    """Works on one session."""

    def __init__(self, work: Work, make_runner: Callable[[], Runner] = Runner, live: bool = True) -> None:
        super().__init__("run")
        self._work = work
        self._make_runner = make_runner
        self._hands = UserHands()
        self._gate = HoldingGate(self._hands)
        self._asker = HandedOver(lambda question: self.tell(Asked(question)))
        self._said: deque[events.EventData] = deque()
        self._mode: GateMode | None = None
        self._switch = ModelSwitch(
            loading=lambda choice: self.tell(ModelLoading(choice.model)),
            kept=lambda choice, why: self.tell(ModelKept(choice.model, f"{why}. {why.hint}".rstrip(". "))),
        )
        self._glimpse: Screen | None = None
        self._live = live
        self.watched = True
        """Whether anybody looks on: else no live pictures are taken."""
        self._brake = Brake()
        self._task: asyncio.Task[RunResult] | None = None
        self._attendance = Attendance()
        self._stop_wanted = False

    @property
    def stopping(self) -> bool:
        """Whether it was stopped, and may not have ended yet."""
        return self._stop_wanted

    def stop(self) -> None:
        """Take the hands off now; the session stays resumable. Safe to call at any time, from any thread."""
        self._brake.pull()
        self._stop_wanted = True
        self._on_loop(self._cancel)

    def expect(self) -> None:
        """The user has begun to say something: what the model's engine had put aside comes back meanwhile."""
        self._on_loop(lambda: self._attendance.expect())

    def steer(self, text: str) -> None:
        """Tell the model something before its next decision."""
        self._said.append(events.UserMessage(text))

    def set_mode(self, mode: GateMode) -> None:
        """Have the gate judge in ``mode`` from the next action on."""
        self._mode = mode
        self._said.append(events.ModeChanged(mode))

    def set_model(self, choice: ModelChoice) -> None:
        """Have another model decide from the next step on, in the same sandbox; told of it with `ModelLoading`, `ModelKept`."""
        self._switch.wanted = choice

    def take_over(self) -> None:
        """The user's hands instead of the model's: what it was about to do is dropped."""
        self._on_loop(self._hands.take)

    def act(self, action: Action) -> None:
        """Do what the user does, while they have taken over."""
        self._on_loop(lambda: self._hands.add(action))

    def hand_back(self) -> None:
        """The model goes on, from the screen as it is then."""
        self._on_loop(self._hands.give_back)

    def take_glimpse(self) -> Screen | None:
        """The newest live picture, once."""
        glimpse, self._glimpse = self._glimpse, None
        return glimpse

    def room_mb(self) -> float:
        """Memory that another model will have, in MB."""
        return self._switch.room_mb()

    def hold(self, held: bool) -> None:
        """Pause before the next action, or go on."""
        self._on_loop(lambda: self._gate.hold(held))

    def one_step(self) -> None:
        """Let one action pass, then pause again."""
        self._on_loop(self._gate.one_step)

    def answer(self, said: Answer) -> None:
        """The user's answer to the question that was asked last."""
        self._on_loop(lambda: self._asker.answer(said))

    async def _run(self) -> Told:
        runner = self._make_runner()
        runner.brake = self._brake
        self._attendance = runner.attendance
        runner.gate = self._gate
        runner.asker = self._asker
        runner.audit_listeners.append(lambda _session, entry: self.tell(Audited(entry)))
        runner.listeners.append(lambda data: self.tell(Fact(data)))
        runner.on_opened = lambda session, directory: self.tell(Opened(session, directory))
        runner.on_frame = lambda frame, screen: self.tell(Seen(frame, screen))
        runner.inbox = self._take_said
        runner.hands = self._hands
        runner.wanted_mode = lambda: self._mode
        runner.model_switch = self._switch
        runner.viewing = self._viewing
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

    def _take_said(self) -> tuple[events.EventData, ...]:
        taken = tuple(self._said)
        for _ in taken:
            self._said.popleft()
        return taken

    @asynccontextmanager
    async def _viewing(self, desktop: object) -> AsyncGenerator[None]:
        """Take live pictures of ``desktop`` for as long as it is there."""
        task = asyncio.ensure_future(self._look_on(desktop)) if self._live and isinstance(desktop, _Peekable) else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _look_on(self, desktop: _Peekable) -> None:
        """One picture at a time: the next is taken when the user's screen has had the last."""
        with contextlib.suppress(EdgeAgentError):  # whoever works with a lost desktop is told
            while True:
                if self.watched and self._glimpse is None and (screen := await desktop.peek()) is not None:
                    self._glimpse = screen
                    self.tell(Glimpsed())
                await asyncio.sleep(_LOOK_S)
