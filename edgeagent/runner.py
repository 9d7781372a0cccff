"""One run of one session: who owns the desktop, the engine and the recording, and what happens when one of them dies."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from edgeagent import events, offline
from edgeagent.agents.agent import Agent
from edgeagent.attending import Attendance, real_model
from edgeagent.brake import Brake
from edgeagent.clock import SystemClock
from edgeagent.deciding import Deciding, ModelSwitch, attended, changed
from edgeagent.errors import DesktopLost, EdgeAgentError, PolicyStopped, RecordingError, StoppedAtDesktop, UsageError
from edgeagent.history import History, advance
from edgeagent.homes.keeping import KeepingSink
from edgeagent.limits import Limits
from edgeagent.loop import Loop
from edgeagent.machine import machine_line
from edgeagent.noting import Listener, NotingSink
from edgeagent.offline.attesting import attested
from edgeagent.policy.asking import Asker
from edgeagent.policy.guarding import Guarding, guard
from edgeagent.policy.live import LivePolicy, with_current_policy
from edgeagent.policy.loading import keep_apart
from edgeagent.ports import Clock, Desktop, Gate, Hands, Model, NoHands
from edgeagent.recording.audit_trail import AuditTrail, audit_path
from edgeagent.redaction.noting import MaskNoting
from edgeagent.redaction.screens import RedactingDesktop
from edgeagent.resuming import approved_by_user, as_it_stands, with_own_home
from edgeagent.screen import Screen
from edgeagent.sessions.holding import NotedAsker, NotedGate
from edgeagent.sessions.leaving import leave_if_asked
from edgeagent.sessions.reconcile import reconcile
from edgeagent.sessions.start_home import keep_start_home
from edgeagent.sessions.stopping import take_note
from edgeagent.sessions.store import OpenSession, SessionStore
from edgeagent.teleport.restoring import restore
from edgeagent.timings import median_phases
from edgeagent_harness.policy.gate_types import GateMode
from edgeagent_harness.policy.would_deny import WouldDeny
from edgeagent_harness.protocol.audit import Entry
from edgeagent_harness.protocol.messages import DesktopSpec

StartReason = Literal["new", "resumed", "desktop_restarted"]
AuditListener = Callable[[str, Entry], None]
"""(session, entry), once the entry is in the audit log."""

MAX_DESKTOP_RESTARTS = 3


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model: ``embedded``, the path of a GGUF file with that of its vision part, or ``openai:URL#NAME``."""

    model: str = "embedded"
    mmproj: str = ""
    family: str = ""
    """How a GGUF model is spoken to; empty: as its header suggests."""
    skip_unchanged: bool = False
    """A screen that stays as it was is not sent again: the model is told so."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A new session."""

    task: str
    desktop: DesktopSpec = field(default_factory=DesktopSpec)
    model: ModelChoice = field(default_factory=ModelChoice)
    limits: Limits = field(default_factory=Limits)
    seed: int | None = None
    mode: events.GateModeName = ""
    """How the gate judges what no rule decides; empty: as the policy and the agent say."""
    agent: Agent | None = None
    """What it works as: narrows what may be done."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    session: str
    ended: events.RunEnded
    steps: int
    wall_s: float
    timings: dict[str, float]
    """Median ms of each phase, and ``total_ms``."""
    would_deny: tuple[str, ...] = ()
    """What ``on_violation: log`` let through: one line for each different thing."""

    def summary(self) -> dict[str, object]:
        """The object that ``--output json`` ends with."""
        return {
            "outcome": self.ended.outcome,
            "session": self.session,
            "steps": self.steps,
            "answer": self.ended.answer,
            "message": self.ended.message,
            "wall_s": round(self.wall_s, 3),
            "timings": self.timings,
            **({"would_deny": self.would_deny} if self.would_deny else {}),
        }


class RunningDesktop(Desktop, Protocol):
    """A started sandbox."""

    @property
    def layers(self) -> tuple[str, ...]: ...

    @property
    def missing_layers(self) -> tuple[str, ...]: ...

    @property
    def start_ms(self) -> float: ...


DesktopFactory = Callable[[DesktopSpec], AbstractAsyncContextManager[RunningDesktop]]
ModelFactory = Callable[["ModelChoice", int, Callable[[str], None]], AbstractAsyncContextManager[Model]]
"""(choice, seed, told when the engine was restarted and why) -> a loaded model."""


@dataclass(slots=True)
class Runner:
    """Starts and resumes sessions. The factories are the real ones unless a test or a benchmark gives others."""

    store: SessionStore = field(default_factory=SessionStore)
    clock: Clock = field(default_factory=SystemClock)
    gate: Gate | None = None
    """A gate that must allow an action too, beside the policy's own."""
    asker: Asker | None = None
    """Whom the policy's gate asks; None: nobody can be asked, so the run ends and waits for its approval."""
    listeners: list[Listener] = field(default_factory=list[Listener])
    open_desktop: DesktopFactory | None = None
    open_model: ModelFactory | None = None
    audit_listeners: list[AuditListener] = field(default_factory=list[AuditListener])
    on_opened: Callable[[str, Path], None] | None = None
    """Told a session's id and directory as soon as it is owned."""
    on_frame: Callable[[str, Screen], None] | None = None
    """Told each screen with its content id once it is kept."""
    brake: Brake = field(default_factory=Brake)
    """Takes the hands off the sandbox at once; a runner whose brake was pulled acts no more."""
    inbox: Callable[[], Sequence[events.EventData]] = tuple
    """Gives what the user has said or changed since it was last asked: noted before the model's next decision."""
    hands: Hands = field(default_factory=NoHands)
    """Who may take over from the model."""
    wanted_mode: Callable[[], GateMode | None] = lambda: None
    """The mode that the user wants the gate to judge in from now on; None: as it is."""
    model_switch: ModelSwitch = field(default_factory=ModelSwitch)
    """The model that the user wants to decide from now on."""
    attendance: Attendance = field(default_factory=Attendance)
    """Tells the model when its user is waited for, and has begun to answer."""
    viewing: Callable[[Desktop], AbstractAsyncContextManager[None]] | None = None
    """Entered for as long as there is a desktop: whoever wants to see it live."""

    async def start(self, request: RunRequest) -> RunResult:
        """A new session for ``request``, worked on until it ends. One whose policy asks for what is not there leaves nothing."""
        with self.store.create(self.clock) as session:
            desktop = request.desktop
            if desktop.home:
                keep_start_home(Path(desktop.home), session.directory)
            else:
                desktop = msgspec.structs.replace(desktop, home=str(session.home))
            created = events.SessionCreated(
                task=request.task,
                model=request.model.model,
                mmproj=request.model.mmproj,
                family=request.model.family,
                skip_unchanged=request.model.skip_unchanged,
                desktop=desktop,
                version=version("edgeagent"),
                seed=request.seed,
                limits=_as_recorded(request.limits),
                mode=request.mode,
                agent=request.agent,
            )
            try:
                run = _Run(self, session, created)
            except EdgeAgentError:
                shutil.rmtree(session.directory, ignore_errors=True)
                raise
            return await run.go("new", created)

    async def resume(
        self,
        prefix: str,
        message: str = "",
        limits: Limits | None = None,
        mode: events.GateModeName = "",
        approve: bool = False,
        model: ModelChoice | None = None,
    ) -> RunResult:
        """Go on with a recorded session.

        ``message`` is what the user adds (an answer, a correction); ``limits``, ``mode`` and ``model`` replace those that the
        session had; ``approve`` permits, once, the action that it had ended for.
        """
        with self.store.open(prefix, self.clock) as session:
            created = next((event.data for event in session.writer.events if isinstance(event.data, events.SessionCreated)), None)
            if created is None:
                raise RecordingError(f"session {session.id} has no first event", "nothing was recorded; start the task anew")
            if session.history.ended and session.history.ended.outcome == "done" and not message:
                raise UsageError(f"session {session.id} is done already", "say what more to do: --message 'then also …'")
            created = as_it_stands(created, session)
            if limits is not None:
                created = msgspec.structs.replace(created, limits=_as_recorded(limits))
            other = changed(_choice(created), model) if model else None
            if model is not None:
                created = msgspec.structs.replace(created, model=model.model, mmproj=model.mmproj, family=model.family)
            if mode:
                created = msgspec.structs.replace(created, mode=mode)
            approved = approved_by_user(session) if approve else None
            desktop = with_current_policy(with_own_home(created.desktop, session))
            created = msgspec.structs.replace(created, desktop=desktop)
            last = session.writer.events[-1].data
            for listener in self.listeners if isinstance(last, events.LogRepaired) else ():
                listener(last)
            said = events.UserMessage(message) if message else None
            return await _Run(self, session, created, approved).go("resumed", other, said)


def _choice(created: events.SessionCreated) -> ModelChoice:
    return ModelChoice(created.model, created.mmproj, created.family, created.skip_unchanged)


def _as_recorded(limits: Limits) -> dict[str, float]:
    return {key: float(value) for key, value in dataclasses.asdict(limits).items()}


class _Run:
    """One process's turn at a session."""

    def __init__(
        self, runner: Runner, session: OpenSession, created: events.SessionCreated, approved: events.Approved | None = None
    ) -> None:  # fmt: skip
        self._runner = runner
        self._session = session
        self._audit = AuditTrail(audit_path(session.directory, created.desktop), runner.clock)
        asker = NotedAsker(runner.asker, self.note) if runner.asker else None
        held = NotedGate(runner.gate, self.note) if runner.gate else None
        self._guard: Guarding = guard(created, self._audited, runner.clock, asker, held)
        self._guard.gate.approved = approved
        self._guard.gate.wanted_mode = runner.wanted_mode
        self._created = msgspec.structs.replace(created, task=self._guard.scrub(events.UserMessage(created.task)).text)
        own_home = session.home if created.desktop.home == str(session.home) else None
        self._keeping = KeepingSink(session.writer, session.directory, own_home)
        self._masks = MaskNoting(self._keeping, self._guard.patterns)
        self._sink = NotingSink(self._masks, runner.listeners, runner.on_frame, self._guard.scrub)
        self._history = session.history
        self._loop: Loop | None = None
        self._deciding = Deciding(self._opened, _choice(created), self._guard.read_by)
        self._attendance = runner.attendance
        self._would_deny = WouldDeny()
        self._policy = LivePolicy(created.desktop, session.directory, self._audited)

    def _audited(self, entry: Entry) -> None:
        """Write ``entry`` down, then tell it: without any secret's value."""
        entry = self._guard.scrub(entry)
        self._audit.write(entry)
        self._would_deny.add(entry)
        for listener in self._runner.audit_listeners:
            listener(self._session.id, entry)

    async def note(self, fact: events.EventData) -> None:
        """Write ``fact`` down, then remember it."""
        await self._sink.emit(fact)
        self._attendance.heard(fact)
        self._history = advance(self._history, fact)

    async def go(self, reason: StartReason, *first: events.EventData | None) -> RunResult:
        """Work until the run ends; whatever ends it is in the log before this returns or raises."""
        began_s = self._runner.clock.monotonic_s()
        if self._runner.on_opened is not None:
            self._runner.on_opened(self._session.id, self._session.directory)
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
        wall_s = self._runner.clock.monotonic_s() - began_s
        return RunResult(
            self._session.id, ended, len(self._history.steps), wall_s, median_phases(self._sink.timings), self._would_deny.lines()
        )  # fmt: skip

    async def _heard(self) -> tuple[events.EventData, ...]:
        leave_if_asked(self._session.directory)
        other = await self._deciding.follow(self._runner.model_switch)
        return tuple(map(self._guard.scrub, (*self._runner.inbox(), *((other,) if other else ()))))

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
            return await self._on_this_desktop(self._open_desktop(), reason)
        finally:
            await self._note_anchor()

    def _open_desktop(self) -> AbstractAsyncContextManager[RunningDesktop]:
        agent = self._created.agent
        keep_apart(self._created.desktop, self._policy.policy, self._session.directory.parent, agent.source if agent else "")
        spec = self._guard.spec(self._created.desktop)
        return self._runner.open_desktop(spec) if self._runner.open_desktop else self._real_desktop(spec)

    def _real_desktop(self, spec: DesktopSpec) -> AbstractAsyncContextManager[RunningDesktop]:
        from edgeagent.desktop import open_desktop

        desktop = open_desktop(spec)
        desktop.on_audited = self._audited
        desktop.brake = self._runner.brake
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
                seen = self._attendance.desktop(seen, looked_on=self._runner.viewing is not None)
                if reason == "resumed":
                    await self._restore(seen)
                self._history = await reconcile(self._history, seen, self._sink)
                limits = msgspec.convert(self._created.limits, Limits, strict=False)
                self._loop = loop = Loop(
                    seen, guarded, self._guard.judge(), self._runner.clock, self._sink, limits, self._history,
                    self._runner.hands, self._heard, self._stopped,
                )  # fmt: skip
                try:
                    return await loop.run()
                finally:
                    self._history, self._loop = loop.history, None

    async def _restore(self, desktop: Desktop) -> None:
        if restored := await restore(self._session.directory, self._session.writer.events, desktop):
            await self.note(restored)

    def _viewed(self, desktop: Desktop) -> AbstractAsyncContextManager[None]:
        return self._runner.viewing(desktop) if self._runner.viewing else contextlib.nullcontext()

    def _opened(self, choice: ModelChoice) -> AbstractAsyncContextManager[Model]:
        opening = self._runner.open_model or partial(real_model, audited=self._audited, session=self._session.id)
        return attended(partial(opening, choice, self._created.seed or 0), self._attendance, self._now, self.note)
