"""How far the logs of a session have come: what a statement about it covers."""

from __future__ import annotations

from pathlib import Path

from edgeagent.events import SessionCreated
from edgeagent.prove.statement import LogHead
from edgeagent.recording.audit_trail import AUDIT_NAME, audit_path
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import read_log
from edgeagent_harness import audit


def event_head(directory: Path) -> LogHead:
    """Where the event log of the session in ``directory`` ends."""
    contents = read_log(directory / LOG_NAME)
    return LogHead(contents.next_seq, contents.last_hash)


def audit_head(directory: Path) -> LogHead:
    """Where its audit log ends; no lines if there is none."""
    path = audit_of(directory)
    head = audit.verify(path).head if path.exists() else audit.Head()
    return LogHead(head.lines, head.hash)


def audit_of(directory: Path) -> Path:
    """Its audit log, which its policy may have named."""
    facts = (event.data for event in read_log(directory / LOG_NAME).events)
    created = next((fact for fact in facts if isinstance(fact, SessionCreated)), None)
    return audit_path(directory, created.desktop) if created else directory / AUDIT_NAME
