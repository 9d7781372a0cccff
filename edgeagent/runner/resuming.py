"""What a recorded session goes on with: as it was begun, and as its user has changed it since."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edgeagent import events
from edgeagent.errors import UsageError
from edgeagent.sessions.store import OpenSession
from edgeagent_harness.protocol.messages import DesktopSpec

_LATEST = (events.Verdict, events.Intent, events.Rewound)
"""What was asked for before one of these is not asked for any more."""


def as_it_stands(created: events.SessionCreated, session: OpenSession) -> events.SessionCreated:
    """``created`` with what the user has changed since."""
    for event in session.writer.events:
        match event.data:
            case events.ModeChanged(mode=mode):
                created = msgspec.structs.replace(created, mode=mode)
            case events.ModelChanged(model=model, mmproj=mmproj, family=family):
                created = msgspec.structs.replace(created, model=model, mmproj=mmproj, family=family)
            case _:
                pass
    return created


def approved_by_user(session: OpenSession) -> events.Approved:
    """What the user approves with ``--approve``."""
    facts = [event.data for event in session.writer.events]
    last = next((fact for fact in reversed(facts) if isinstance(fact, _LATEST)), None)
    if not isinstance(last, events.Verdict) or last.action is None:
        raise UsageError(f"session {session.id} waits for no approval", "resume it without --approve")
    return events.Approved(last.rule, last.action)


def with_own_home(spec: DesktopSpec, session: OpenSession) -> DesktopSpec:
    """``spec`` with the session's own home where it is now: its directory may have been moved, or come from another machine.

    A file that is called like its policy is another one there: away from the session's own machine, what was recorded holds.
    """
    moves = [event.data for event in session.writer.events if isinstance(event.data, events.HandedOver | events.TakenBack)]
    if not moves and Path(spec.home).parts[-2:] != (session.id, session.home.name):
        return spec
    abroad = bool(moves) and (isinstance(moves[-1], events.HandedOver) or moves[-1].epoch == 0)
    name = Path(spec.policy_name).name if abroad else spec.policy_name
    return msgspec.structs.replace(spec, home=str(session.home), policy_name=name)
