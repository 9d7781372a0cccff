"""Is a statement what was signed, by a key that is trusted, and about this recording?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeagent.counts import counted
from edgeagent.prove.heads import audit_of
from edgeagent.prove.keys import key_path, public_text, signing_key
from edgeagent.prove.statement import STATEMENT_NAME, LogHead, Statement, read
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import line_hash, read_log
from edgeagent.recording.reader import SessionReader
from edgeagent_harness import audit


@dataclass(frozen=True, slots=True)
class Verified:
    """What there is to say of a statement whose signature holds."""

    statement: Statement
    public_key: str
    key_words: str
    """Whose key it is, as far as that is known here."""
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether it says PROVEN, and everything that could be checked here fits."""
        return not self.problems and self.statement.verdict == "PROVEN"


def verify(path: Path, trusted: str = "") -> Verified:
    """Verify the statement at ``path``, and the recording beside it if there is one.

    ``trusted``: the public key that it must be signed with, if that is known. Raises `RecordingDamaged` for a wrong signature.
    """
    stated, signature = read(path)
    problems: list[str] = []
    notes: list[str] = []
    if trusted:
        words = "the key that was given" if signature.public_key == trusted else "another key than the one that was given"
        if signature.public_key != trusted:
            problems.append(f"it is signed with {signature.public_key}, not with the key that was given")
    elif _own_key() == signature.public_key:
        words = "this user's key on this machine"
    else:
        words = "a key that is not known here"
        notes.append("whose key it is cannot be told without --key FILE; anybody can sign with a key of their own")
    if (path.parent / LOG_NAME).is_file():
        _compare_events(path.parent / LOG_NAME, stated, problems, notes)
        _compare_audit(audit_of(path.parent), stated.audit, problems)
        with SessionReader.open(path.parent) as reader:
            problems += [damage.reason for damage in reader.altered_frames()]
    else:
        notes.append("the recording does not lie beside it, and was not compared")
    return Verified(stated, signature.public_key, words, tuple(problems), tuple(notes))


def statement_path(target: Path) -> Path | None:
    """The statement that is meant by a file or a session's directory; None if it is none."""
    if target.is_dir():
        return target / STATEMENT_NAME if (target / STATEMENT_NAME).is_file() else None
    if not target.is_file():
        return None
    with target.open("rb") as stream:
        return target if b'"outside_network":' in stream.readline() else None


def _own_key() -> str:
    return public_text(signing_key().verify_key) if key_path().exists() else ""


def _compare_events(path: Path, stated: Statement, problems: list[str], notes: list[str]) -> None:
    contents = read_log(path)
    problems += [f"{path.name}, line {damage.line}: {damage.reason}" for damage in contents.damage]
    lines = path.read_bytes().split(b"\n")
    head = stated.events
    if head.lines > contents.next_seq:
        problems.append(f"{path.name} had {counted(head.lines, 'event')} when it was signed and has {contents.next_seq} now")
    elif head.lines and line_hash(lines[head.lines - 1]) != head.hash:
        problems.append(f"{path.name} is not the log that the statement is about, or was written anew")
    elif head.lines < contents.next_seq:
        problems.append(f"{counted(contents.next_seq - head.lines, 'event')} came after the statement: it does not speak of them")
    if contents.events and contents.events[0].session != stated.session:
        problems.append(f"it is about session {stated.session}, and {path.parent.name} lies beside it")
    if contents.torn:
        notes.append(f"{path.name} ends in a line that was cut off")


def _compare_audit(path: Path, head: LogHead, problems: list[str]) -> None:
    if not path.exists():
        if head.lines:
            problems.append(f"{path.name} had {counted(head.lines, 'line')} when it was signed and is not there now")
        return
    checked = audit.verify(path)
    problems += [f"{path.name}, line {problem.line}: {problem.reason}" for problem in checked.problems]
    if reason := audit.missing_from(checked, audit.Head(head.lines, head.hash)):
        problems.append(f"{path.name}: {reason}")
    elif len(checked.hashes) > head.lines:
        problems.append(f"{counted(len(checked.hashes) - head.lines, 'line')} of {path.name} came after the statement")
