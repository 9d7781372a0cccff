"""A run's audit is complete and anchored; a violation ends the run with its reason and code, and nothing is started again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click.testing
import msgspec
import psutil
import pytest
import real_run

from edgeagent import events
from edgeagent.cli.audit import audit as audit_command
from edgeagent.cli.exits import exit_for
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import Runner, RunRequest, RunResult
from edgeagent.sessions.store import SessionStore
from edgeagent_harness import audit
from edgeagent_harness.protocol.actions import Finish, Wait
from edgeagent_harness.protocol.audit import SandboxEnded, SandboxStarted, SystemCall
from edgeagent_harness.protocol.messages import Application, DesktopSpec

pytestmark = pytest.mark.sandbox
SMALL = DesktopSpec(640, 480)


def go(root: Path, policy: str, command: str) -> RunResult:
    spec = msgspec.structs.replace(
        SMALL, policy_yaml=policy, policy_name="mine", applications=(Application(("sh", "-c", command), wait_window=False),)
    )
    model = real_run.scripted(lambda prompt: Wait(500) if len(prompt.history.steps) < 6 else Finish())
    return asyncio.run(Runner(SessionStore(root), open_model=model).start(RunRequest("wait", spec)))


def facts(root: Path, session: str) -> list[events.EventData]:
    with SessionReader.open(root / session) as reader:
        assert reader.damage() == []
        return [event.data for event in reader.events()]


def verified(target: str) -> tuple[int, dict[str, object]]:
    done = click.testing.CliRunner().invoke(audit_command, ["verify", target, "--output", "json"])
    return done.exit_code, json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    root = tmp_path_factory.mktemp("quiet")
    return root, go(root, "audit: {path: mine.jsonl}\n", "unshare -U true; exec sleep 60")


def test_a_run_is_audited_from_its_header_to_its_end(quiet: tuple[Path, RunResult]) -> None:
    root, result = quiet
    assert result.ended.outcome == "done"
    entries = [line.entry for line in audit.read(root / result.session / "mine.jsonl")]
    assert isinstance(entries[0], SandboxStarted)
    assert (entries[0].policy, len(entries[0].policy_sha256)) == ("mine", 64)
    assert [entry.call for entry in entries if isinstance(entry, SystemCall)] == ["unshare"]
    assert entries[-1] == SandboxEnded("closed")
    anchors = [fact for fact in facts(root, result.session) if isinstance(fact, events.AuditAnchored)]
    assert anchors[0].lines >= 1
    assert anchors[-1].lines == len(entries)
    assert (root / result.session / "mine.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_cut_or_rewritten_audit_is_found(quiet: tuple[Path, RunResult], monkeypatch: pytest.MonkeyPatch) -> None:
    root, result = quiet
    monkeypatch.setenv("EDGEAGENT_HOME", str(root))
    (root / "sessions").symlink_to(root)
    log = root / result.session / "mine.jsonl"
    whole = log.read_bytes()
    code, report = verified(result.session)
    assert (code, report["ok"], report["anchored_lines"]) == (0, True, report["lines"])
    changes = {
        "cut off": b"".join(whole.splitlines(keepends=True)[:-1]),
        "edited": whole.replace(b"unshare", b"getppid"),
        "torn": whole[:-5],
    }
    for what, changed in changes.items():
        log.write_bytes(changed)
        code, report = verified(result.session)
        assert (code, report["ok"]) == (1, False), what
    log.unlink()
    assert verified(result.session)[0] == 1
    log.write_bytes(whole)
    assert verified(str(log))[0] == 0


def test_a_violation_ends_the_run_and_nothing_is_started_again(tmp_path: Path) -> None:
    result = go(tmp_path, "on_violation: {seccomp: kill_sandbox}\n", "sleep 1; unshare -U true; sleep 60")
    assert exit_for(result.ended.outcome) == 5
    assert "made the denied system call unshare" in result.ended.message
    recorded = facts(tmp_path, result.session)
    assert [fact.violation for fact in recorded if isinstance(fact, events.DesktopWasLost)] == [True]
    assert len([fact for fact in recorded if isinstance(fact, events.RunStarted)]) <= 1
    last = audit.read(tmp_path / result.session / "audit.jsonl")[-1].entry
    assert isinstance(last, SandboxEnded)
    assert last.violation


def test_an_audit_that_cannot_be_written_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_log: audit.AuditLog, _entry: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(audit.AuditLog, "append", full)
    with pytest.raises(Exception, match="the disk is full"):
        go(tmp_path, "version: 1\n", "exec sleep 60")
    assert not [child for child in psutil.Process().children() if "edgeagent_harness.outside" in child.cmdline()]
