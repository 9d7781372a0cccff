"""A session's audit log: this process is its only writer, and anchors its head in the event log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeagent import events
from edgeagent.errors import RecordingDamaged
from edgeagent.ports import Clock
from edgeagent.recording.problems import recording_problem
from edgeagent_harness.audit import AuditDamaged, AuditLog, Checked, Head, Problem, missing_from, verify
from edgeagent_harness.errors import HarnessError
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.protocol.audit import Entry
from edgeagent_harness.protocol.messages import DesktopSpec

AUDIT_NAME = "audit.jsonl"


def audit_path(directory: Path, spec: DesktopSpec) -> Path:
    """Where the session in ``directory`` keeps its audit log: its policy may give the file another name."""
    try:
        return directory / (parse(spec.policy_yaml, spec.policy_name).audit.path if spec.policy_yaml else AUDIT_NAME)
    except HarnessError:  # told by whoever starts the sandbox
        return directory / AUDIT_NAME


class AuditTrail:
    """Writes entries as they come; the file is made with the first. The caller holds the session's lock."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._log: AuditLog | None = None
        self._anchored = Head()

    def write(self, entry: Entry) -> None:
        """Write ``entry``; durable on return. Raises `RecordingError`."""
        try:
            if self._log is None:
                self._log = AuditLog(self._path, self._clock.time_s)
            self._log.append(entry)
        except OSError as error:
            raise recording_problem(error, self._path) from error
        except AuditDamaged as error:
            hint = f"`edgeagent audit verify {self._path}` tells more; the session cannot go on, a new one can be started"
            raise RecordingDamaged(str(error), hint) from error

    def anchor(self) -> events.AuditAnchored | None:
        """The fact to note in the event log so that a cut tail is found; None if nothing came since the last."""
        if self._log is None or self._log.head == self._anchored:
            return None
        self._anchored = self._log.head
        return events.AuditAnchored(self._anchored.lines, self._anchored.hash)

    def close(self) -> None:
        if self._log:
            self._log.close()


@dataclass(frozen=True, slots=True)
class Verified:
    """What there is to say of an audit log and its anchors."""

    checked: Checked
    problems: tuple[Problem, ...]
    anchored_lines: int
    """How many of its lines an anchor covers: of those, none is missing at the end, and the chain was not written anew."""

    @property
    def ok(self) -> bool:
        return not self.problems and not self.checked.torn


def verify_session(path: Path, facts: list[events.EventData]) -> Verified:
    """Check the log at ``path`` and that it is the one that ``facts`` anchor. Raises OSError if it cannot be read."""
    anchors = [Head(fact.lines, fact.head) for fact in facts if isinstance(fact, events.AuditAnchored)]
    checked = verify(path) if path.exists() or not anchors else Checked()
    reasons = {reason: anchor.lines for anchor in anchors if (reason := missing_from(checked, anchor))}
    problems = [*checked.problems, *(Problem(lines, reason) for reason, lines in reasons.items())]
    covered = max((anchor.lines for anchor in anchors), default=0)
    return Verified(checked, tuple(problems), min(covered, len(checked.hashes)))
