"""Starts sessions and goes on with recorded ones."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec

from edgeagent import events
from edgeagent.errors import RecordingError, UsageError
from edgeagent.limits import Limits
from edgeagent.policy.live import with_current_policy
from edgeagent.runner.deciding import changed
from edgeagent.runner.one_run import OneRun
from edgeagent.runner.request import ModelChoice, RunRequest, RunResult, as_recorded, choice_of
from edgeagent.runner.resuming import approved_by_user, as_it_stands, with_own_home
from edgeagent.runner.wiring import Wiring
from edgeagent.sessions.start_home import keep_start_home


@dataclass(slots=True)
class Runner(Wiring):
    """Starts and resumes sessions with what is plugged into it."""

    async def start(self, request: RunRequest) -> RunResult:
        """A new session for ``request``, worked on until it ends. One that cannot begin leaves nothing."""
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
                limits=as_recorded(request.limits),
                mode=request.mode,
                agent=request.agent,
            )
            return await OneRun(self, session, created).go("new", created)

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
                created = msgspec.structs.replace(created, limits=as_recorded(limits))
            other = changed(choice_of(created), model) if model else None
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
            return await OneRun(self, session, created, approved).go("resumed", other, said)
