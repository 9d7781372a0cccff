"""NemoClaw's public example form loads by the documented translation, and says where it means something else than it did."""

from __future__ import annotations

import pytest

from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.types import Egress, Endpoint, Policy, ResourceLimits

FORM = """\
agent_profile: "research-assistant"
execution_environment: "isolated-container"
network:
  egress:
    mode: "allowlist"
    endpoints:
      - "https://api.example.com/v1"
      - "https://b.example:8443"
      - "http://docs.example/a/"
  ingress: "deny-all"
system_calls:
  allow: ["read", "write", "open"]
  deny: ["execve", "ptrace"]
resource_limits:
  max_memory_gb: 4
  timeout_seconds: 300
"""


def test_the_form_is_translated() -> None:
    assert parse(FORM) == Policy(
        profile="research-assistant",
        egress=Egress(
            "allowlist",
            (Endpoint("api.example.com", 443), Endpoint("b.example", 8443), Endpoint("docs.example", 80, paths=("/a",))),
        ),
        extra_denied=("ptrace",),
        re_permitted=("read", "write", "open"),
        limits=ResourceLimits(max_memory_gb=4, timeout_s=300),
    )


def test_each_change_of_meaning_is_told_with_its_line() -> None:
    notes = parse(FORM).notes
    assert [note.split(":")[0] for note in notes] == ["line 7", "line 13", "line 12"]
    assert "TLS hides the path" in notes[0]
    assert notes[1].startswith("line 13: execve is denied to the program that drives screen and keyboard")
    assert "permits again" in notes[2]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("isolated-container", "docker", 2, "execution_environment must be isolated-container"),
        ("deny-all", "allow-all", 10, "network.ingress must be deny-all"),
        ("https://api.example.com/v1", "api.example.com", 7, "is no http or https URL"),
        ("https://api.example.com/v1", "ftp://api.example.com", 7, "is no http or https URL"),
        ("https://api.example.com/v1", "https://u:p@api.example.com", 7, "user information"),
        ("https://api.example.com/v1", "https://api.example.com/?q=1", 7, "query or fragment"),
        ("https://api.example.com/v1", "https://api.example.com:0", 7, "port 0"),
        ("https://api.example.com/v1", "https://api.example.com:x", 7, "is no URL"),
        ("https://api.example.com/v1", "https:///v1", 7, "the host is empty"),
        ("https://api.example.com/v1", "https://127.1/v1", 7, "IPv4"),
        ("http://docs.example/a/", "http://docs.example:443/a", 9, "port 443 is TLS; write https"),
        ("http://docs.example/a/", "http://docs.example:443", 9, "port 443 is TLS; write https"),
        ('"open"', '"execve"', 12, "'execve' is in both deny and allow"),
        ("http://docs.example/a/", "http://docs.example/a/../b", 9, "must be like /api/v1"),
        ("http://docs.example/a/", "https://b.example:8443/other", 9, "is given twice"),
        ('"ptrace"', '"read"', 12, "in both deny and allow"),
        ("max_memory_gb", "memory_gb", 15, "did you mean 'max_memory_gb'"),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_its_line(old: str, new: str, line: int, says: str) -> None:
    assert old in FORM
    with pytest.raises(UsageProblem) as refused:
        parse(FORM.replace(old, new, 1), "theirs.yaml")
    assert f"theirs.yaml, line {line}:" in str(refused.value)
    assert says in str(refused.value)


def test_in_our_own_form_execve_is_not_turned_into_something_else() -> None:
    assert parse("system_calls: {deny: [execve]}").extra_denied == ("execve",)
