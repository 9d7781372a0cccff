"""The loop: read this first.

    observe -> compose -> complete -> parse -> judge -> perform -> observe …

Each fact is noted before it is acted on, and folded into the history. The loop knows four ports (Desktop, Model, Gate, Clock)
and a Sink; it does no I/O itself. Resuming is running again from the recorded facts. A failed action is a result that the
model sees; only a lost process or a bug raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from edgeagent import events
from edgeagent.action import Parsed, parse
from edgeagent.by_hand import by_hand
from edgeagent.errors import ReplyMalformed
from edgeagent.history import History, advance
from edgeagent.limits import Limits, in_words
from edgeagent.ports import Clock, Desktop, Gate, Hands, Look, Model, NoHands, Reply, Sink, nothing_said
from edgeagent.prompt import compose, guard_for, settle_for
from edgeagent_harness.protocol.actions import Answer, AskUser, Finish, Memorize
from edgeagent_harness.protocol.messages import SettleSpec


@dataclass(slots=True)
class Loop:
    """One session being worked on. ``history`` is what the model remembers; it grows by `note` alone."""

    desktop: Desktop
    model: Model
    gate: Gate
    clock: Clock
    sink: Sink
    limits: Limits = field(default_factory=Limits)
    history: History = field(default_factory=History)
    hands: Hands = field(default_factory=NoHands)
    inbox: Callable[[], Awaitable[Sequence[events.EventData]]] = nothing_said
    """What the user has said and changed since it was last asked."""
    stopped: Callable[[], events.RunEnded] = lambda: events.RunEnded("interrupted", "stopped by the user")
    """How the run ends when it is cancelled."""
    started_s: float = field(init=False, default=0.0)

    async def note(self, fact: events.EventData) -> None:
        """Write ``fact`` down, then remember it."""
        await self.sink.emit(fact)
        self.history = advance(self.history, fact)

    async def run(self) -> events.RunEnded:
        """Work until the model, a limit or the user ends the run; cancelling it is the user's stop."""
        self.started_s = self.clock.monotonic_s()
        try:
            look = await self.observe(SettleSpec(expect="nothing"))
            while (limit := self.limits.reached(self.history, self._elapsed_s())) is None:
                look = await self.step(await by_hand(self) if self.hands.wanted else look)
                if isinstance(look, events.RunEnded):
                    return await self._end(look)
            return await self._end_by(limit)
        except TimeoutError:
            return await self._end_by(events.LimitReached("wall_time", round(self._elapsed_s(), 3)))
        except asyncio.CancelledError:
            await asyncio.shield(self.desktop.release_all())
            return await self._end(self.stopped())

    async def step(self, look: Look) -> Look | events.RunEnded:
        """One step from the screen in ``look``: the screen after it, or how the run ends."""
        reply = await self._ask(look)
        if reply is None:
            return look
        try:
            parsed = parse(reply, look.screen.info)
        except ReplyMalformed as error:
            await self.note(events.Malformed(str(error)))
            return look
        verdict = await self.gate.judge(parsed.action, self.history)
        await self.note(verdict)
        if verdict.ends:
            return events.RunEnded(verdict.ends, verdict.reason)
        if not verdict.allow:
            return look
        if verdict.instead is not None:
            parsed, reply = replace(parsed, action=verdict.instead), replace(reply, target=None)
        match parsed.action:
            case Finish(status=status, reason=reason):
                return events.RunEnded("done" if status == "done" else "failed", reason or parsed.thought)
            case Answer(text=text):
                return events.RunEnded("done", parsed.thought, answer=text)
            case AskUser(question=question):
                return events.RunEnded("needs_user", question)
            case Memorize(fact=fact):
                await self.note(events.Memorized(fact))
                return look
            case _:
                return await self._act(parsed, reply, look)

    async def observe(self, settle: SettleSpec | None) -> Look:
        """Look at the screen and note it."""
        look = await self.desktop.observe(settle)
        began_s = self.clock.monotonic_s()
        frame = await self.sink.keep_frame(look.screen)
        await self.note(events.Observed(frame, look.capture_ms, look.settle, self._ms_since(began_s)))
        return look

    async def _ask(self, look: Look) -> Reply | None:
        """The model's reply; None: the user took over meanwhile."""
        remaining_s = self.limits.timeout_s - self._elapsed_s() if self.limits.timeout_s else None
        async with asyncio.timeout(remaining_s):
            for said in await self.inbox():
                await self.note(said)
            reply = await self.hands.unless_wanted(self.model.complete(compose(self.history, look.screen)))
        if reply is None:
            return None
        for fact in reply.facts:
            await self.note(fact)
        return reply

    async def _act(self, parsed: Parsed, reply: Reply, look: Look) -> Look:
        number, action = self.history.next_step, parsed.action
        began_s = self.clock.monotonic_s()
        frame = await self.sink.keep_frame(look.screen)
        await self.note(events.Intent(number, action, frame, parsed.thought, reply.target))
        await self.sink.flush()
        record_ms = self._ms_since(began_s)
        deed = await self.desktop.perform(action, settle_for(action, reply), guard_for(action, reply, look.screen))
        began_s = self.clock.monotonic_s()
        frame = await self.sink.keep_frame(deed.look.screen)
        record_ms += self._ms_since(began_s)
        after = deed.look
        await self.note(events.Acted(number, deed.effect, frame, deed.act_ms, after.capture_ms, record_ms, after.settle))
        return after

    async def _end_by(self, limit: events.LimitReached) -> events.RunEnded:
        await self.note(limit)
        return await self._end(events.RunEnded("limit", f"stopped by the limit on {in_words(limit)}"))

    async def _end(self, ended: events.RunEnded) -> events.RunEnded:
        await self.note(ended)
        await self.sink.flush()
        return ended

    def _ms_since(self, began_s: float) -> float:
        return (self.clock.monotonic_s() - began_s) * 1000

    def _elapsed_s(self) -> float:
        return self.clock.monotonic_s() - self.started_s
