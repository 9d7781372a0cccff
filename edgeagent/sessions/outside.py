"""What a session did that no rewind takes back: connections, files outside of its own home, the user's own desktop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from edgeagent import events
from edgeagent.counts import counted
from edgeagent.errors import UsageError
from edgeagent.policy.loading import read_policy
from edgeagent.recording.audit_trail import audit_path
from edgeagent.sessions.summary import human_bytes
from edgeagent.words import describe
from edgeagent_harness.audit import read
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.audit import Connection
from edgeagent_harness.protocol.messages import DesktopSpec

_MAX_TOLD = 20
_SENDS_NOTHING = (act.Screenshot, act.Zoom, act.Wait, act.WaitUntil, act.CursorPosition, act.Move, act.Scroll)


def not_undoable(directory: Path, created: events.SessionCreated, later: Sequence[events.Event]) -> tuple[str, ...]:
    """What ``later`` (events that are taken back or left behind) did outside of the session's own home, in words."""
    acts = [event.data for event in later if isinstance(event.data, events.Intent)]
    if not acts:
        return ()
    spec = created.desktop
    connections = _connections(directory, spec, min(event.time for event in later if isinstance(event.data, events.Intent)))
    told = [*connections, *_written(directory, spec)]
    if connections:
        told += [
            f"step {done.step}, which may have sent something: {describe(done.action, done.target)}"
            for done in acts
            if not isinstance(done.action, _SENDS_NOTHING)
        ]
    return (*told[:_MAX_TOLD], f"and {len(told) - _MAX_TOLD} more") if len(told) > _MAX_TOLD else tuple(told)


def _connections(directory: Path, spec: DesktopSpec, since_s: float) -> list[str]:
    """Permitted connections that ended after ``since_s``; the audit lists each when it ends."""
    path = audit_path(directory, spec)
    if not path.exists():
        return []
    counts, sent = Counter[str](), Counter[str]()
    for line in read(path):
        match line.entry:
            case Connection(decision="allowed" | "would_deny") as made if line.time >= since_s:
                place = f"{made.host}:{made.port}"
                counts[place] += 1
                sent[place] += made.bytes_out
            case _:
                pass
    return [f"{counted(count, 'connection')} to {place}, {human_bytes(sent[place])} sent" for place, count in counts.items()]


def _written(directory: Path, spec: DesktopSpec) -> list[str]:
    """Folders of the user's that could be written."""
    try:
        folders = list(read_policy(spec.policy_yaml, spec.policy_name).read_write)
    except UsageError:  # told by whoever starts it
        folders = []
    if Path(spec.home).parts[-2:] != (directory.name, "home"):
        folders.append(spec.home)
    return [f"whatever was written to {folder}" for folder in folders if folder]
