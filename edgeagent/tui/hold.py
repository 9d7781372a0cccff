"""The user's hand on the run: pause, single steps, answers, and their own hands on the desktop. All on the run's event loop.

Beside the policy's gate: what that denies stays denied.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from edgeagent.events import Verdict
from edgeagent.history import History
from edgeagent.policy.asking import Answer, Question
from edgeagent.tui.own_hands import joined
from edgeagent_harness.protocol.actions import Action

T = TypeVar("T")
TAKEN_OVER = "the user took over before this was done; go by the screen as it is now"


class UserHands:
    """The `Hands` port: what the user does while they have taken over."""

    def __init__(self) -> None:
        self._taken = asyncio.Event()
        self._done = False
        self._waiting: deque[Action] = deque()
        self._news = asyncio.Event()

    @property
    def wanted(self) -> bool:
        return self._taken.is_set()

    def take(self) -> None:
        """Take over: what the model is about to do is dropped."""
        self._done = False
        self._taken.set()

    def add(self, action: Action) -> None:
        """Do ``action`` next; while others wait, it becomes one with the last of them where that is the same."""
        one = joined(self._waiting[-1], action) if self._waiting else None
        if one is not None:
            self._waiting[-1] = one
        else:
            self._waiting.append(action)
        self._news.set()

    def give_back(self) -> None:
        """Hand back once what waits is done."""
        self._done = True
        self._news.set()

    async def unless_wanted(self, work: Awaitable[T]) -> T | None:
        task, taken = asyncio.ensure_future(work), asyncio.ensure_future(self._taken.wait())
        try:
            await asyncio.wait([task, taken], return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            task.cancel()
            taken.cancel()
            await asyncio.gather(task, taken, return_exceptions=True)

    async def act(self, perform: Callable[[Action], Awaitable[None]]) -> None:
        while self._waiting or not self._done:
            if not self._waiting:
                self._news.clear()
                await self._news.wait()
                continue
            await perform(self._waiting.popleft())
        self._taken.clear()


class HoldingGate:
    """The `Gate` port: allows everything, but not before the user lets it."""

    def __init__(self, hands: UserHands) -> None:
        self._hands = hands
        self._may_go = asyncio.Event()
        self._may_go.set()
        self._single = False

    async def judge(self, action: Action, history: History) -> Verdict:
        """Wait while held; who takes over meanwhile has something else done."""
        if await self._hands.unless_wanted(self._may_go.wait()) is None:
            return Verdict(False, "own hands", TAKEN_OVER)
        if self._single:
            self._single = False
            self._may_go.clear()
        return Verdict(True)

    def hold(self, held: bool) -> None:
        """Pause before the next action, or go on."""
        if held:
            self._may_go.clear()
        else:
            self._may_go.set()

    def one_step(self) -> None:
        """Let one action pass."""
        self._single = True
        self._may_go.set()


class HandedOver:
    """The `Asker` port: hands the question to somebody else's thread and waits for the answer from there."""

    def __init__(self, hand_over: Callable[[Question], None]) -> None:
        self._hand_over = hand_over
        self._pending: asyncio.Future[Answer] | None = None

    async def ask(self, question: Question) -> Answer:
        """Wait for `answer`."""
        self._pending = asyncio.get_running_loop().create_future()
        self._hand_over(question)
        try:
            return await self._pending
        finally:
            self._pending = None

    def answer(self, said: Answer) -> None:
        """Settle the question that is open; none: nothing happens."""
        if self._pending is not None and not self._pending.done():
            self._pending.set_result(said)
