"""The audit log: whatever is edited, dropped, put in or reordered is found; a cut tail and a new chain are, with an anchor."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeagent_harness import audit
from edgeagent_harness.protocol.audit import Connection, Entry, Executed, SandboxEnded, SandboxStarted, SystemCall

ENTRIES: list[Entry] = [
    SandboxStarted("locked", "ab" * 32, ("landlock", "seccomp")),
    SystemCall("denied", "ptrace", 12, 'sh -c "é\n"', count=3),
    Connection("denied", "sandbox", "connect", "b.example", 443, "no endpoint names it"),
    Executed("/usr/bin/true", 40),
    SandboxEnded("closed"),
]


def written(path: Path, entries: list[Entry]) -> bytes:
    with audit.AuditLog(path, now_s=lambda: 5.0) as log:
        for entry in entries:
            log.append(entry)
    return path.read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return written(tmp_path_factory.mktemp("audit") / "audit.jsonl", ENTRIES)


def test_what_was_written_verifies_and_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    written(path, ENTRIES[:2])
    written(path, ENTRIES[2:])
    checked = audit.verify(path)
    assert (checked.problems, checked.torn, checked.head.lines) == ([], b"", len(ENTRIES))
    assert [line.entry for line in audit.read(path)] == ENTRIES
    assert path.stat().st_mode & 0o777 == 0o600


def test_two_do_not_write_one_log(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with audit.AuditLog(path) as log:
        with pytest.raises(OSError, match="another program is writing it"):
            audit.AuditLog(path)
        log.append(ENTRIES[0])
    written(path, ENTRIES[1:])
    assert audit.verify(path).problems == []


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_changed_byte_is_found(whole: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(whole) - 2))
    changed = data.draw(st.integers(0, 255).filter(lambda value: value != whole[at]))
    assert audit.verify_bytes(whole[:at] + bytes([changed]) + whole[at + 1 :]).problems


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_lines_dropped_repeated_or_reordered_are_found(whole: bytes, data: st.DataObject) -> None:
    lines = whole.splitlines(keepends=True)
    order = data.draw(st.lists(st.integers(0, len(lines) - 1), min_size=1, max_size=8))
    unharmed = order == list(range(len(order)))
    assert bool(audit.verify_bytes(b"".join(lines[at] for at in order)).problems) != unharmed


def test_a_cut_tail_and_a_new_chain_are_found_with_an_anchor(tmp_path: Path, whole: bytes) -> None:
    head = audit.verify_bytes(whole).head
    cut = audit.verify_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    assert not cut.problems
    assert "cut off" in audit.missing_from(cut, head)
    forged = audit.verify_bytes(written(tmp_path / "forged.jsonl", [*ENTRIES[:-1], SandboxEnded("all was well")]))
    assert not forged.problems
    assert "written anew" in audit.missing_from(forged, head)
    grown = audit.verify_bytes(written(tmp_path / "grown.jsonl", [*ENTRIES, SandboxEnded("again")]))
    assert audit.missing_from(grown, head) == ""


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_torn_line_is_cut_and_kept(whole: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(whole)))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "audit.jsonl")
        path.write_bytes(whole[:at])
        torn = audit.verify(path).torn
        with audit.AuditLog(path) as log:
            log.append(ENTRIES[-1])
        checked = audit.verify(path)
        assert (checked.problems, checked.torn) == ([], b"")
        beside = path.with_name("audit.jsonl.torn")
        assert (beside.read_bytes() if torn else b"\n") == torn + b"\n"


def test_a_damaged_log_takes_nothing_more(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(whole.replace(b"ptrace", b"getpid"))
    with pytest.raises(audit.AuditDamaged, match="line 2: it was edited"):
        audit.AuditLog(path)


def test_a_log_that_is_a_symlink_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        audit.AuditLog(tmp_path / "audit.jsonl")
