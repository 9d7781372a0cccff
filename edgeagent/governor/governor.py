"""Looks at every running session again and again, and stops what breaks a rule."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edgeagent.errors import EdgeAgentError
from edgeagent.events import Event
from edgeagent.governor.follow import Followed, running
from edgeagent.governor.tally import HOUR_S, Tally
from edgeagent.sessions.stopping import Stopped, stop
from edgeagent_harness.audit import AuditLog
from edgeagent_harness.protocol.audit import SessionStopped

POLL_S = 0.1
_LIST_EVERY_S = 0.3
"""How often new sessions are looked for: each takes a lock for a moment."""


@dataclass(slots=True)
class Governor:
    """Watches the sessions below ``root``. Its own audit log says what it stopped, when and why."""

    root: Path
    tally: Tally
    audit: AuditLog
    tell: Callable[[str], None]
    stop: Callable[[Path, str], Stopped] = stop
    _followed: dict[Path, Followed] = field(default_factory=dict[Path, Followed])
    _listed_s: float = 0.0

    def watch(self) -> None:
        """Until interrupted."""
        while True:
            began_s = time.monotonic()
            self.look()
            time.sleep(max(0.0, POLL_S - (time.monotonic() - began_s)))

    def look(self) -> None:
        """Take in what is new, and stop whoever breaks a rule by it."""
        if time.monotonic() - self._listed_s >= _LIST_EVERY_S:
            self._list()
        for directory, session in list(self._followed.items()):
            reason = self._take_in(session)
            if reason:
                self._stop(directory, reason)

    def _list(self) -> None:
        self._listed_s = time.monotonic()
        found = running(self.root)
        for directory in found:
            if directory not in self._followed:
                self.tell(f"watching {directory.name}")
                self._followed[directory] = Followed(directory)
        for gone in self._followed.keys() - set(found):
            self._take_in(self._followed.pop(gone))
        allowed = self.tally.limits.max_sessions
        for directory in found[allowed:] if allowed else ():
            self._stop(directory, f"governor: {len(found)} sessions run at once; {allowed} are permitted")

    def _take_in(self, session: Followed) -> str:
        """Count what is new; the first reason to stop the session. What is older than an hour counts for nothing."""
        reasons = [
            self.tally.take(news) if isinstance(news, Event) else self.tally.take_entry(news)
            for news in session.news()
            if not isinstance(news, Event) or news.time > time.time() - HOUR_S
        ]
        return next(filter(None, reasons), "")

    def _stop(self, directory: Path, reason: str) -> None:
        self._followed.pop(directory, None)
        try:
            stopped = self.stop(directory, reason)
        except EdgeAgentError as error:
            self.audit.append(SessionStopped(directory.name, reason, failed=str(error)[:500]))
            self.tell(f"{directory.name} could not be stopped: {error}")
            return
        self.audit.append(SessionStopped(directory.name, reason, stopped.pid, stopped.by))
        self.tell(f"stopped {directory.name} after {stopped.took_s:.2f} s: {reason}")
