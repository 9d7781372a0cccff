"""Writes down that a run stands still for its user: asked something, or held before an action."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from edgeagent import events
from edgeagent.history import History
from edgeagent.policy.asking import Answer, Asker, Question
from edgeagent.ports import Gate
from edgeagent_harness.protocol.actions import Action

Note = Callable[[events.EventData], Awaitable[None]]
_HELD_S = 0.2
"""A gate that takes longer waits for its user; the policy's own takes milliseconds."""


@dataclass(frozen=True, slots=True)
class NotedAsker:
    """An `Asker`; while it asks, the session waits."""

    inner: Asker
    note: Note

    async def ask(self, question: Question) -> Answer:
        await self.note(events.StateChanged("waiting", question.action))
        try:
            return await self.inner.ask(question)
        finally:
            await self.note(events.StateChanged("running"))


@dataclass(frozen=True, slots=True)
class NotedGate:
    """A `Gate` by which the user holds the run; while it does, the session is paused."""

    inner: Gate
    note: Note

    async def judge(self, action: Action, history: History) -> events.Verdict:
        judging = asyncio.ensure_future(self.inner.judge(action, history))
        try:
            await asyncio.wait([judging], timeout=_HELD_S)
            if judging.done():
                return judging.result()
            await self.note(events.StateChanged("paused", "held by the user"))
            try:
                return await judging
            finally:
                await self.note(events.StateChanged("running"))
        finally:
            judging.cancel()
