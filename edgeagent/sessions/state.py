"""The state of a session: a fold over its facts, and whether a process owns it. Pure.

created ─ run ─▶ running ⇄ waiting, paused            (a process owns it)
running ─ its end ─▶ done, failed, waiting, parked, interrupted
running ─ its process dies ─▶ interrupted              (nothing is written: the lock is free)
any but running ─ hand-over ─▶ teleported ─ taken back ─▶ what its last run ended as
done, failed, waiting, parked, interrupted ─ run ─▶ running
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from edgeagent import events

State = Literal["created", "running", "waiting", "paused", "parked", "done", "failed", "interrupted", "teleported"]
"""``waiting``: for its user's answer or approval; ``paused``: held by its user; ``parked``: set aside by a limit, a policy, a
stop, a fork or a rewind; ``interrupted``: Ctrl-C, an error, or its process died; ``teleported``: it is another's."""

_BY_OUTCOME: dict[events.Outcome, State] = {
    "done": "done",
    "failed": "failed",
    "needs_user": "waiting",
    "limit": "parked",
    "stopped": "parked",
    "interrupted": "interrupted",
    "error": "interrupted",
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the log says by itself."""

    state: State = "created"
    under_way: bool = False
    """A run has begun and did not end: true only while a process works on it."""
    ended: State = "parked"
    """What the last run ended as, wherever that was."""

    def seen(self, owned: bool) -> State:
        """The state, given whether a process owns the session now."""
        return "interrupted" if self.under_way and not owned else self.state


def advance(recorded: Recorded, fact: events.EventData) -> Recorded:
    """``recorded`` after one more ``fact``."""
    match fact:
        case events.RunStarted():
            return Recorded("running", True)
        case events.StateChanged(state=state):
            return Recorded(state, True)
        case events.RunEnded(outcome=outcome):
            return Recorded(_BY_OUTCOME[outcome], ended=_BY_OUTCOME[outcome])
        case events.Forked() | events.Rewound():
            return Recorded("parked")
        case events.HandedOver():
            return Recorded("teleported", ended=recorded.ended)
        case events.TakenBack():
            return Recorded(recorded.ended, ended=recorded.ended)
        case _:
            return recorded


def recorded_state(facts: Iterable[events.EventData]) -> Recorded:
    """The state after all of ``facts``."""
    recorded = Recorded()
    for fact in facts:
        recorded = advance(recorded, fact)
    return recorded
