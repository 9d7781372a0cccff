"""Of the audit, a person hears while a run goes on what can be done something about, and at its end what `log` let through."""

from __future__ import annotations

import pytest

from edgeagent import events
from edgeagent.cli.output import TextRenderer
from edgeagent.policy.news import AuditNews
from edgeagent.runner import RunResult
from edgeagent_harness.policy.would_deny import MAX_LISTED, WouldDeny
from edgeagent_harness.protocol import audit


def connection(host: str, port: int = 443, decision: audit.Decision = "denied") -> audit.Connection:
    return audit.Connection(decision, "sandbox", "connect", host, port, "not among network.egress.endpoints")


def test_a_denied_host_is_told_once_with_the_command_that_allows_it() -> None:
    news = AuditNews()
    told = [news.words("S1", entry) for entry in (connection("a.example"), connection("a.example"), connection("::1", 80))]
    assert told == [
        "denied: a.example:443 (not among network.egress.endpoints); to allow it: "
        "edgeagent policy allow a.example:443 --session S1",
        "",
        "denied: [::1]:80 (not among network.egress.endpoints); to allow it: edgeagent policy allow [::1]:80 --session S1",
    ]


def test_a_host_that_is_denied_again_later_is_told_again() -> None:
    news = AuditNews()
    news.words("S1", connection("a.example"))
    assert news.words("S1", audit.UserAllowed("a.example", 443, "session")) == "allowed by the user: a.example:443"
    assert news.words("S1", connection("a.example")) != ""


@pytest.mark.parametrize("entry", [connection("a.example", decision="allowed"), connection(""), audit.SandboxEnded("closed")])
def test_the_rest_is_left_to_the_audit(entry: audit.Entry) -> None:
    assert AuditNews().words("S1", entry) == ""


def test_changes_of_the_policy() -> None:
    news = AuditNews()
    assert news.words("S1", audit.PolicyChanged(True, closed_connections=2)) == "the policy was read anew; 2 connections closed"
    assert news.words("S1", audit.PolicyChanged(False, "line 1: no")) == "the policy's old endpoints still hold: line 1: no"


def test_what_log_lets_through_is_counted_in_the_order_of_its_coming() -> None:
    kept = WouldDeny()
    for entry in (
        connection("b.example", decision="would_deny"),
        audit.SystemCall("would_deny", "ptrace", 7, "strace", count=3),
        connection("a.example"),
        connection("b.example", decision="would_deny"),
        audit.GateDecision("would_deny", "rule 1", "click"),
    ):
        kept.add(entry)
    assert kept.lines() == (
        "connection to b.example:443: not among network.egress.endpoints (2 times)",
        "system call ptrace by strace (3 times)",
        "click: rule 1",
    )


def test_a_flood_is_cut() -> None:
    kept = WouldDeny()
    for number in range(2 * MAX_LISTED):
        kept.add(connection(f"h{number}.example", decision="would_deny"))
    assert len(kept.lines()) == MAX_LISTED


def test_a_run_ends_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    result = RunResult("S1", events.RunEnded("done"), 1, 1.0, {}, ("connection to b.example:443: x\x1b[2J",))
    TextRenderer().result(result)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "without `log` in on_violation this would have been denied:", "     connection to b.example:443: x\\x1b[2J",
    ]  # fmt: skip
    assert result.summary()["would_deny"] == result.would_deny
