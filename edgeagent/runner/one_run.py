"""One run of one session: who owns the desktop, the engine and the recording, and what happens when one of them dies."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Literal

import msgspec

from edgeagent import events, offline
from edgeagent.errors import DesktopLost, EdgeAgentError, PolicyStopped, StoppedAtDesktop
from edgeagent.history import History, advance
from edgeagent.homes.keeping import KeepingSink
from edgeagent.limits import Limits
from edgeagent.loop import Loop
from edgeagent.machine import machine_line
from edgeagent.offline.attesting import attested
from edgeagent.policy.guarding import Guarding, guard
from edgeagent.policy.live import LivePolicy
from edgeagent.policy.loading import keep_apart
from edgeagent.ports import Desktop, Model
from edgeagent.recording.audit_trail import AuditTrail, audit_path
from edgeagent.redaction.noting import MaskNoting
from edgeagent.redaction.screens import RedactingDesktop
from edgeagent.runner.attending import real_model
from edgeagent.runner.deciding import Deciding, attended
from edgeagent.runner.noting import NotingSink
from edgeagent.runner.request import ModelChoice, RunResult, choice_of
from edgeagent.runner.wiring import RunningDesktop, Wiring
from edgeagent.sessions.holding import NotedAsker, NotedGate
from edgeagent.sessions.leaving import leave_if_asked
from edgeagent.sessions.reconcile import reconcile
from edgeagent.sessions.stopping import take_note
from edgeagent.sessions.store import OpenSession
from edgeagent.teleport import windows
from edgeagent.teleport.restoring import arrived_whole, restore
from edgeagent.timings import median_phases
from edgeagent_harness.policy.would_deny import WouldDeny
from edgeagent_harness.protocol.audit import Entry
from edgeagent_harness.protocol.messages import DesktopSpec

StartReason = Literal["new", "resumed", "desktop_restarted"]

MAX_DESKTOP_RESTARTS = 3


class OneRun:
    """One process's turn at a session."""

    def __init__(
        self, wiring: Wiring, session: OpenSession, created: events.SessionCreated, approved: events.Approved | None = None
    ) -> None:  # fmt: skip
        self._wiring = wiring
        self._session = session
        self._audit = AuditTrail(audit_path(session.directory, created.desktop), wiring.clock)
        asker = NotedAsker(wiring.asker, self.note) if wiring.asker else None
        held = NotedGate(wiring.gate, self.note) if wiring.gate else None
        self._guard: Guarding = guard(created, self._audited, wiring.clock, asker, held)
        self._guard.gate.approved = approved
        self._guard.gate.wanted_mode = wiring.wanted_mode
        self._created = msgspec.structs.replace(created, task=self._guard.scrub(events.UserMessage(created.task)).text)
        own_home = session.home if created.desktop.home == str(session.home) else None
        self._keeping = KeepingSink(session.writer, session.directory, own_home)
        self._masks = MaskNoting(self._keeping, self._guard.patterns)
        self._sink = NotingSink(self._masks, wiring.listeners, wiring.on_frame, self._guard.scrub)
        self._history = session.history
        self._loop: Loop | None = None
        self._deciding = Deciding(self._opened, choice_of(created), self._guard.read_by)
        self._attendance = wiring.attendance
        self._would_deny = WouldDeny()
        self._policy = LivePolicy(created.desktop, session.directory, self._audited)

    def _audited(self, entry: Entry) -> None:
        """Write ``entry`` down, then tell it: without any secret's value."""
        entry = self._guard.scrub(entry)
        self._audit.write(entry)
        self._would_deny.add(entry)
        for listener in self._wiring.audit_listeners:
            listener(self._session.id, entry)

    async def note(self, fact: events.EventData) -> None:
        """Write ``fact`` down, then remember it."""
        await self._sink.emit(fact)
        self._attendance.heard(fact)
        self._history = advance(self._history, fact)

    async def go(self, reason: StartReason, *first: events.EventData | None) -> RunResult:
        """Work until the run ends; whatever ends it is in the log before this returns or raises."""
        began_s = self._wiring.clock.monotonic_s()
        if self._wiring.on_opened is not None:
            self._wiring.on_opened(self._session.id, self._session.directory)
        for fact in filter(None, (*first, self._guard.gate.approved)):
            await self.note(self._guard.scrub(fact))
        try:
            ended = await self._work(reason)
        except asyncio.CancelledError:  # while something was starting: the loop takes care of its own stops
            ended = await self._end(self._stopped(" before the first step"))
        except EdgeAgentError as error:
            with contextlib.suppress(EdgeAgentError):  # a full disk may be what ended it
                await self._end(events.RunEnded("error", str(error)))
            raise
        finally:
            self._audit.close()
            await self._keeping.close()
        wall_s = self._wiring.clock.monotonic_s() - began_s
        return RunResult(
            self._session.id, ended, len(self._history.steps), wall_s, median_phases(self._sink.timings), self._would_deny.lines()
        )  # fmt: skip

    async def _heard(self) -> tuple[events.EventData, ...]:
        leave_if_asked(self._session.directory)
        other = await self._deciding.follow(self._wiring.model_switch)
        return tuple(map(self._guard.scrub, (*self._wiring.inbox(), *((other,) if other else ()))))

    def _now(self) -> History:
        """What the model remembers at this moment."""
        return self._loop.history if self._loop else self._history

    def _stopped(self, when: str = "") -> events.RunEnded:
        """How a cancelled run ends: whoever else stopped it has left word."""
        why = take_note(self._session.directory)
        return events.RunEnded("stopped", why) if why else events.RunEnded("interrupted", f"stopped by the user{when}")

    async def _end(self, ended: events.RunEnded) -> events.RunEnded:
        await self.note(ended)
        await self._sink.flush()
        return ended

    async def _work(self, reason: StartReason) -> events.RunEnded:
        async with self._deciding:
            for _ in range(MAX_DESKTOP_RESTARTS):
                try:
                    return await self._on_one_desktop(reason)
                except StoppedAtDesktop as stop:
                    return await self._end(events.RunEnded("interrupted", str(stop)))
                except PolicyStopped as stop:
                    await self.note(events.DesktopWasLost(str(stop), violation=True))
                    return await self._end(events.RunEnded("stopped", f"stopped by its policy: {stop}"))
                except DesktopLost as lost:
                    await self.note(events.DesktopWasLost(str(lost)))
                    reason = "desktop_restarted"
            return await self._on_one_desktop(reason)

    async def _on_one_desktop(self, reason: StartReason) -> events.RunEnded:
        try:
            return await self._on_this_desktop(self._open_desktop(reason), reason)
        finally:
            await self._note_anchor()

    def _open_desktop(self, reason: StartReason) -> AbstractAsyncContextManager[RunningDesktop]:
        agent = self._created.agent
        keep_apart(self._created.desktop, self._policy.policy, self._session.directory.parent, agent.source if agent else "")
        spec = self._guard.spec(self._created.desktop)
        if reason == "resumed" and arrived_whole(self._session.directory, self._session.writer.events):
            spec = msgspec.structs.replace(spec, applications=(), url="")
        return self._wiring.open_desktop(spec) if self._wiring.open_desktop else self._real_desktop(spec)

    def _real_desktop(self, spec: DesktopSpec) -> AbstractAsyncContextManager[RunningDesktop]:
        from edgeagent.desktop import open_desktop

        desktop = open_desktop(spec)
        desktop.on_audited = self._audited
        desktop.brake = self._wiring.brake
        return desktop

    async def _note_anchor(self) -> None:
        if anchor := self._audit.anchor():
            await self.note(anchor)
            await self._sink.flush()

    async def _on_this_desktop(
        self, opening: AbstractAsyncContextManager[RunningDesktop], reason: StartReason
    ) -> events.RunEnded:  # fmt: skip
        async with opening as desktop:
            layers, missing = (*desktop.layers, *offline.layers()), (*desktop.missing_layers, *offline.missing())
            await self.note(events.RunStarted(reason, layers, missing, desktop.start_ms, machine_line()))
            await self._note_anchor()
            deciding = self._deciding
            proven = attested(self._session.id, desktop, lambda: deciding.model, layers)
            async with proven, self._policy.watching(desktop), self._viewed(desktop):
                seen, guarded = self._guard.desktop(desktop, deciding.model), self._guard.model(deciding)
                self._masks.desktop = seen if isinstance(seen, RedactingDesktop) else None
                seen = self._attendance.desktop(seen, looked_on=self._wiring.viewing is not None)
                if reason == "resumed":
                    await self._restore(seen, desktop)
                self._history = await reconcile(self._history, seen, self._sink)
                limits = msgspec.convert(self._created.limits, Limits, strict=False)
                self._loop = loop = Loop(
                    seen, guarded, self._guard.judge(), self._wiring.clock, self._sink, limits, self._history,
                    self._wiring.hands, self._heard, self._stopped,
                )  # fmt: skip
                try:
                    ended = await loop.run()
                finally:
                    self._history, self._loop = loop.history, None
                await self._note_windows(desktop)
                return ended

    async def _restore(self, seen: Desktop, desktop: RunningDesktop) -> None:
        if restored := await restore(self._session.directory, self._session.writer.events, seen, desktop):
            await self.note(restored)

    async def _note_windows(self, desktop: RunningDesktop) -> None:
        """What is open as the run ends: if the session moves, that is how it is to be found there."""
        spec, painted = self._created.desktop, self._policy.policy.redaction.regions
        if spec.host is None and (left := await windows.noted(desktop, (spec.width, spec.height), titles=not painted)):
            await self.note(left)
            await self._sink.flush()

    def _viewed(self, desktop: Desktop) -> AbstractAsyncContextManager[None]:
        return self._wiring.viewing(desktop) if self._wiring.viewing else contextlib.nullcontext()

    def _opened(self, choice: ModelChoice) -> AbstractAsyncContextManager[Model]:
        opening = self._wiring.open_model or partial(real_model, audited=self._audited, session=self._session.id)
        return attended(partial(opening, choice, self._created.seed or 0), self._attendance, self._now, self.note)
