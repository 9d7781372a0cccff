"""The user's hand on the run: pause, single steps, and answers. Beside the policy's gate: what that denies stays denied."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from edgeagent.events import Verdict
from edgeagent.history import History
from edgeagent.policy.asking import Question, Said
from edgeagent_harness.protocol.actions import Action


class HoldingGate:
    """The `Gate` port: allows everything, but not before the user lets it. Lives on the run's event loop."""

    def __init__(self) -> None:
        self._may_go = asyncio.Event()
        self._may_go.set()
        self._single = False

    async def judge(self, action: Action, history: History) -> Verdict:
        """Wait while held."""
        await self._may_go.wait()
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
        self._pending: asyncio.Future[Said] | None = None

    async def ask(self, question: Question) -> Said:
        """Wait for `answer`."""
        self._pending = asyncio.get_running_loop().create_future()
        self._hand_over(question)
        try:
            return await self._pending
        finally:
            self._pending = None

    def answer(self, said: Said) -> None:
        """Settle the question that is open; none: nothing happens. Call it on the run's loop."""
        if self._pending is not None and not self._pending.done():
            self._pending.set_result(said)
