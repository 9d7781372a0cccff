"""A statement that was changed in any byte, signed by somebody else, or beside another recording does not verify."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from nacl.signing import SigningKey

from edgeagent import events
from edgeagent.cli.main import cli
from edgeagent.errors import RecordingDamaged, RecordingError, UsageError
from edgeagent.machine import describe_machine
from edgeagent.prove import keys, statement
from edgeagent.prove.heads import audit_head, event_head
from edgeagent.prove.statement import Check, Looks, Statement
from edgeagent.prove.verifying import verify
from edgeagent.recording import frame_writer
from edgeagent.recording.audit_trail import AUDIT_NAME
from edgeagent.recording.frame_index import PACK_NAME
from edgeagent.recording.frame_writer import FrameWriter
from edgeagent.recording.log import LOG_NAME, Author, EventLog
from edgeagent.recording.reader import SessionReader
from edgeagent.recording.tiles import Pixels, tile_digest
from edgeagent.testing import FakeClock
from edgeagent_harness.audit import AuditLog
from edgeagent_harness.protocol.audit import SandboxEnded


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session's directory with two events, one audit entry and a statement about them."""
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "data"))
    directory = tmp_path / "s1"
    directory.mkdir()
    note(directory, "one")
    note(directory, "two")
    with AuditLog(directory / AUDIT_NAME) as log:
        log.append(SandboxEnded("closed"))
    sign(directory, keys.signing_key())
    return directory


def note(directory: Path, text: str) -> None:
    log, _ = EventLog.open(directory / LOG_NAME, "s1", FakeClock()) if (directory / LOG_NAME).exists() else (None, None)
    with log or EventLog.create(directory / LOG_NAME, Author("s1"), FakeClock()) as log:
        log.append(events.UserMessage(text))


def sign(directory: Path, key: SigningKey, verdict: statement.Verdict = "PROVEN", session: str = "s1") -> None:
    heads = event_head(directory), audit_head(directory)
    stated = Statement(
        1, verdict, session, 1.0, 2.0, *heads, {"edgeagent": "0"}, describe_machine(), 0, 1,
        (Check("a", "b", "passed"),), (), (), Looks(1, 0.1), (),
    )  # fmt: skip
    statement.write(directory / statement.STATEMENT_NAME, stated, key)


def problems(directory: Path, trusted: str = "") -> str:
    return "; ".join(verify(directory / statement.STATEMENT_NAME, trusted).problems)


def test_what_was_signed_verifies(session: Path) -> None:
    found = verify(session / statement.STATEMENT_NAME)
    assert found.ok
    assert found.key_words == "this user's key on this machine"
    assert (session / statement.STATEMENT_NAME).stat().st_mode & 0o777 == 0o600
    assert verify(session / statement.STATEMENT_NAME, keys.public_text(keys.signing_key().verify_key)).ok


def test_a_verdict_of_not_proven_is_not_ok(session: Path) -> None:
    sign(session, keys.signing_key(), "NOT PROVEN")
    assert not verify(session / statement.STATEMENT_NAME).ok


def test_every_changed_byte_is_found(session: Path) -> None:
    path = session / statement.STATEMENT_NAME
    raw = path.read_bytes()
    for at in range(len(raw)):
        changed = bytes((*raw[:at], raw[at] ^ 1, *raw[at + 1 :]))
        path.write_bytes(changed)
        try:
            found = verify(path)
        except RecordingDamaged:
            continue
        # A hexadecimal digit in the other case says the same.
        assert found.statement == msgspec.json.decode(raw.splitlines()[0], type=Statement), at
        assert changed.lower() == raw.lower()


def test_the_key_of_somebody_else(session: Path) -> None:
    mine = keys.public_text(keys.signing_key().verify_key)
    sign(session, SigningKey.generate())
    found = verify(session / statement.STATEMENT_NAME)
    assert "not known here" in found.key_words
    assert "anybody can sign" in " ".join(found.notes)
    assert "not with the key that was given" in problems(session, mine)


def test_the_recording_that_lies_beside_it(session: Path) -> None:
    log = session / LOG_NAME
    raw = log.read_bytes()
    log.write_bytes(raw.splitlines(keepends=True)[0])
    assert "had 2 events when it was signed and has 1 now" in problems(session)
    log.write_bytes(raw.replace(b"one", b"new"))
    assert "altered" in problems(session)
    log.unlink()
    note(session, "another")
    note(session, "chain")
    assert "not the log that the statement is about" in problems(session)
    log.write_bytes(raw)
    note(session, "later")
    assert "1 event came after the statement" in problems(session)
    log.write_bytes(raw)
    sign(session, keys.signing_key(), session="s2")
    assert "about session s2" in problems(session)


def keep(directory: Path, shade: int) -> str:
    """A screen of one tile in the session's pack; returns its content id."""
    writer = FrameWriter(directory)
    frame_id = writer.keep(64, 64, bytes([shade]) * 64 * 64 * 4)
    writer.close()
    return frame_id


def test_the_screens_that_lie_beside_it(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame_id, pack = keep(session, 10), session / PACK_NAME
    log, _ = EventLog.open(session / LOG_NAME, "s1", FakeClock())
    with log:
        log.append(events.Observed(frame_id, 1.0))
    sign(session, keys.signing_key())
    assert problems(session) == ""
    pack.unlink()
    assert "1 of the screens are not those that were recorded" in problems(session)
    # Exchanged with care: every checksum in the pack is right, only the pixels are others.
    original = tile_digest(np.full((64, 64), 0x0A0A0A0A, np.uint32))

    def pretend(_tile: Pixels) -> bytes:
        return original

    monkeypatch.setattr(frame_writer, "tile_digest", pretend)
    assert keep(session, 200) == frame_id
    with SessionReader.open(session) as reader:
        assert reader.damage() == []
        assert reader.frame(frame_id).pixels[0] == 200
    assert "1 of the screens are not those that were recorded" in problems(session)


def verified(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and output of `edgeagent audit verify`."""
    done = CliRunner().invoke(cli, ["audit", "verify", *map(str, arguments)])
    return done.exit_code, done.output


def test_a_copied_recording_is_verified_by_its_directory(session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    public = tmp_path / "key.txt"
    public.write_text(keys.public_text(keys.signing_key().verify_key))
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "elsewhere"))
    code, told = verified(session, "--key", public)
    assert code == 0, told
    assert "proof.jsonl: valid, says PROVEN, signed with the key that was given" in told
    assert "audit.jsonl, 1 line," in told
    (session / AUDIT_NAME).write_bytes((session / AUDIT_NAME).read_bytes().replace(b"closed", b"opened"))
    assert verified(session, "--key", public)[0] == 1
    assert not (tmp_path / "elsewhere").exists()


def test_a_statement_that_can_no_longer_be_told_for_one_is_damaged_when_there_is_a_key(session: Path, tmp_path: Path) -> None:
    public, path = tmp_path / "key.txt", session / statement.STATEMENT_NAME
    public.write_text(keys.public_text(keys.signing_key().verify_key))
    for spoilt in (path.read_bytes().replace(b"outside_network", b"outside-network"), path.read_bytes()[:40], b""):
        path.write_bytes(spoilt)
        assert verified(path, "--key", public)[0] == 1
    with pytest.raises(UsageError, match="no signed statement"):
        cli.main(["audit", "verify", str(session / AUDIT_NAME), "--key", str(public)], standalone_mode=False)


def test_an_audit_that_cannot_be_read_is_told_as_that(session: Path) -> None:
    (session / AUDIT_NAME).unlink()
    (session / AUDIT_NAME).mkdir()
    (session / statement.STATEMENT_NAME).unlink()
    for command in ("verify", "show"):
        with pytest.raises(RecordingError, match=f"cannot read .*{AUDIT_NAME}: Is a directory"):
            cli.main(["audit", command, str(session)], standalone_mode=False)


def test_the_audit_that_lies_beside_it(session: Path) -> None:
    path = session / AUDIT_NAME
    raw = path.read_bytes()
    with AuditLog(path) as log:
        log.append(SandboxEnded("more"))
    assert "came after the statement" in problems(session)
    path.write_bytes(b"")
    assert "its end was cut off" in problems(session)
    path.write_bytes(raw.replace(b"closed", b"opened"))
    assert "edited" in problems(session)
    path.unlink()
    assert "is not there now" in problems(session)


def test_the_key_is_for_its_owner_only(session: Path) -> None:
    path = keys.key_path()
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.signing_key() == keys.signing_key()
    path.chmod(0o640)
    with pytest.raises(UsageError, match="can be read by others"):
        keys.signing_key()
    path.chmod(0o600)
    path.write_text("zz")
    with pytest.raises(UsageError, match="holds no key"):
        keys.signing_key()


def test_a_public_key_file(tmp_path: Path, session: Path) -> None:
    public = keys.public_text(keys.signing_key().verify_key)
    path = tmp_path / "key"
    path.write_text(public.upper().replace("ED25519", "ed25519") + "\n")
    assert keys.read_public(path) == public
    path.write_text("ed25519:12")
    with pytest.raises(UsageError, match="no public key"):
        keys.read_public(path)
