"""What the loop needs from the rest of the program. Each port has a full fake in `edgeagent.testing`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from edgeagent.events import Compacted, EventData, Replied, Verdict
from edgeagent.history import History
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.effects import Effect, SettleReport
from edgeagent_harness.protocol.geometry import CoordinateFrame, Rect
from edgeagent_harness.protocol.messages import Expectation, Guard, SettleSpec
from edgeagent_models.protocol import Element, Usage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Look:
    """One observation of the desktop."""

    screen: Screen
    settle: SettleReport | None
    capture_ms: float


@dataclass(frozen=True, slots=True)
class Deed:
    """One performed (or refused) action and the settled screen after it."""

    effect: Effect
    look: Look
    act_ms: float


class Desktop(Protocol):
    """The screen and the hands. Raises `DesktopLost` when the sandbox is gone."""

    async def observe(self, settle: SettleSpec | None = None) -> Look: ...

    async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None) -> Deed: ...

    async def release_all(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is asked: the task, the screen, and what happened so far."""

    task: str
    screen: Screen
    history: History


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model said. ``text`` is raw; `edgeagent.action.parse` reads it."""

    text: str
    frame: CoordinateFrame = "physical"
    """The grid that the points in ``text`` count in."""
    problem: str = ""
    """Why ``text`` is no action, where the model's adapter knows; the model is told."""
    target: Element | None = None
    """What the action is aimed at, where the model knows it; the guard then covers exactly its box."""
    expect: Expectation = "anywhere"
    memory: str = ""
    score: float = 1.0
    usage: Usage = field(default_factory=Usage)
    timings_ms: dict[str, float] = field(default_factory=dict[str, float])
    compacted: tuple[Compacted, ...] = ()
    """What of the past the model was not told any more."""

    @property
    def facts(self) -> tuple[EventData, ...]:
        """As it is recorded."""
        said = Replied(self.text, self.target, self.expect, self.memory, self.score, self.usage, self.timings_ms)
        return (said, *self.compacted)

    @property
    def target_box(self) -> Rect | None:
        return self.target.box if self.target else None


class Model(Protocol):
    """A model that can be asked for the next action. Raises `EngineLost` when its process died and could not be restarted."""

    async def complete(self, prompt: Prompt) -> Reply: ...


class Gate(Protocol):
    """Judges each action before it is performed."""

    async def judge(self, action: Action, history: History) -> Verdict: ...


class Hands(Protocol):
    """The user's own hands on the desktop: they may take over from the model at any time, and hand back."""

    @property
    def wanted(self) -> bool:
        """Whether the user has taken over, or wants to."""
        ...

    async def unless_wanted(self, work: Awaitable[T]) -> T | None:
        """What ``work`` comes to; None once the user takes over, and then it is cancelled."""
        ...

    async def act(self, perform: Callable[[Action], Awaitable[None]]) -> None:
        """Have every action of the user's performed, until they hand back."""
        ...


class NoHands:
    """Nobody who could take over."""

    wanted = False

    async def unless_wanted(self, work: Awaitable[T]) -> T | None:
        return await work

    async def act(self, perform: Callable[[Action], Awaitable[None]]) -> None:
        return


async def nothing_said() -> Sequence[EventData]:
    """The inbox of a run that nobody says anything to."""
    return ()


class Clock(Protocol):
    """Time, injected. ``monotonic_s`` for intervals, ``time_s`` (Unix) for the record."""

    def monotonic_s(self) -> float: ...

    def time_s(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class Sink(Protocol):
    """Where events go. ``emit`` returns once the event is in the log; ``flush`` once all of it is durable on disk."""

    async def emit(self, data: EventData) -> None: ...

    async def keep_frame(self, screen: Screen) -> str:
        """Store the pixels; returns the frame's content id for events to refer to."""
        ...

    async def flush(self) -> None: ...
