"""Which sessions are to go by the user's rules. Nothing goes by itself: the caller shows the list and asks.

Never listed: what a process owns, what belongs to another machine, what a later version wrote, what waits for its user, and
what the user keeps (a file ``keep`` in the session's directory).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeagent.recording.problems import recording_problem
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.summary import SessionSummary

KEEP_NAME = "keep"
_DAY_S = 86_400
_STAYS = frozenset({"running", "waiting", "paused", "teleported"})


@dataclass(frozen=True, slots=True)
class Rules:
    """Each rule alone makes a session go; None: there is no such rule."""

    older_than_days: float | None = None
    keep_last: int | None = None
    """How many of the newest stay."""
    total_bytes: int | None = None
    """What all together may have; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Doomed:
    """A session that is to go."""

    summary: SessionSummary
    why: str


def doomed(summaries: Sequence[SessionSummary], rules: Rules, kept: frozenset[str], now_s: float) -> list[Doomed]:
    """What goes by ``rules``, oldest first. ``summaries`` are oldest first; ``kept`` are ids that the user keeps. Pure."""
    found: list[Doomed] = []
    left_bytes = sum(summary.size_bytes for summary in summaries)
    for place, summary in enumerate(summaries):
        if summary.state in _STAYS or summary.owner_pid is not None or summary.newer or summary.id in kept:
            continue
        newer = len(summaries) - place - 1
        age_days = (now_s - summary.updated_s) / _DAY_S
        why = ""
        if rules.older_than_days is not None and age_days > rules.older_than_days:
            why = f"{age_days:.0f} days old"
        elif rules.keep_last is not None and newer >= rules.keep_last:
            why = f"{newer} are newer"
        elif rules.total_bytes is not None and left_bytes > rules.total_bytes:
            why = "all together are too large"
        if why:
            left_bytes -= summary.size_bytes
            found.append(Doomed(summary, why))
    return found


def kept_by_user(store: SessionStore) -> frozenset[str]:
    """Ids of the sessions that the user keeps whatever the rules say."""
    return frozenset(session for session in store.ids() if (store.root / session / KEEP_NAME).exists())


def keep(store: SessionStore, prefix: str, kept: bool = True) -> str:
    """Keep the session whatever the rules say, or (``kept`` false) no longer; returns its id. Raises `RecordingError`."""
    directory = store.find(prefix)
    path = directory / KEEP_NAME
    try:
        if kept:
            path.touch(mode=0o600)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise recording_problem(error, path) from error
    return directory.name
