"""Opens a run's model, and tells it when it will not be asked for a while, when it will, and when the run has ended."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, runtime_checkable

from edgeagent import events
from edgeagent.history import History
from edgeagent.ports import Desktop, Model
from edgeagent.runner.foreseeing import ForeseeingDesktop, Peekable
from edgeagent.runner.request import ModelChoice
from edgeagent.screen import Screen
from edgeagent_harness.protocol.audit import Entry


class _Waiting(Protocol):
    def wait(self) -> None: ...

    def go_on(self) -> None: ...


@runtime_checkable
class _Leavable(Protocol):
    """A model whose engine remembers something; others need not."""

    @property
    def parking(self) -> _Waiting | None: ...

    def recall(self, history: History) -> None: ...

    async def leave(self, history: History) -> None: ...


@runtime_checkable
class _Foreseeing(Protocol):
    """A model whose engine can work on the next question before it is asked."""

    def foresee(self, screen: Screen) -> None: ...


class Attendance:
    """One run's."""

    def __init__(self) -> None:
        self.foresees = False
        """Whether the model is shown screens that have not settled."""
        self._waiting: _Waiting | None = None
        self._model: Model | None = None

    @asynccontextmanager
    async def of(self, model: Model, history: Callable[[], History]) -> AsyncGenerator[None]:
        """Look after ``model``, to the end of its run; ``history`` is the run's as it stands."""
        self._model = model
        if not isinstance(model, _Leavable):
            yield
            return
        model.recall(history())
        self._waiting = model.parking
        yield
        self._waiting = None
        await model.leave(history())

    def desktop(self, desktop: Desktop, looked_on: bool) -> Desktop:
        """``desktop``, showing the model what is there while an action is carried out, if that is wanted. Not where someone
        else looks on (``looked_on``): each change is told once. Not where something is masked: that takes a settled screen."""
        if self.foresees and not looked_on and isinstance(self._model, _Foreseeing) and isinstance(desktop, Peekable):
            return ForeseeingDesktop(desktop, self._foresee)
        return desktop

    def _foresee(self, screen: Screen) -> None:
        if isinstance(self._model, _Foreseeing):
            self._model.foresee(screen)

    def heard(self, fact: events.EventData) -> None:
        """Something was noted."""
        if self._waiting and isinstance(fact, events.StateChanged):
            if fact.state == "running":
                self._waiting.go_on()
            else:
                self._waiting.wait()

    def expect(self) -> None:
        """The user has begun to answer: bring back what is parked, on the run's own loop."""
        if self._waiting:
            self._waiting.go_on()


def real_model(
    choice: ModelChoice,
    seed: int,
    restarted: Callable[[str], None],
    audited: Callable[[Entry], None],
    session: str,
) -> AbstractAsyncContextManager[Model]:
    """The model that ``choice`` names. Raises `ModelUnusable` where it is known to count otherwise than it is read."""
    from edgeagent.calibration.remembered import refuse_wrong_convention
    from edgeagent.engine import open_model

    refuse_wrong_convention(choice.model, choice.mmproj, choice.family)
    return open_model(choice.model, choice.mmproj, seed, restarted, choice.family, choice.skip_unchanged, audited, session)
