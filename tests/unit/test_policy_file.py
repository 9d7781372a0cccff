"""A policy file is read strictly: what it says is what is enforced, and anything else is refused with its line."""

from __future__ import annotations

import pytest

from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.types import Policy, ResourceLimits

FULL = """\
version: 1
agent_profile: desktop-default
execution_environment:
  backend: bwrap
  display: {width: 1024, height: 768}
  filesystem: {read_only: [/usr], read_write: [/home/agent], tmpfs: [/tmp, /scratch]}
  browser_sandbox: none
network:
  egress: {mode: allowlist, endpoints: []}
  ingress: {mode: deny}
system_calls: {default: allow, deny: [ptrace, fsync], executor_deny: [execve, chmod]}
resource_limits: {max_pids: 256, timeout_seconds: 600}
enforcement: {missing_layer: fail, accept_missing: [landlock]}
"""


def test_an_empty_text_is_the_locked_default() -> None:
    assert parse("") == Policy()


def test_every_enforced_key_arrives() -> None:
    assert parse(FULL) == Policy(
        width=1024, height=768, tmpfs=("/scratch",), extra_denied=("fsync",), executor_denied=("execve", "chmod"), limits=ResourceLimits(max_pids=256, timeout_s=600),
        accept_missing=("landlock",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("max_pids", "max_pid", 12, "did you mean 'max_pids'"),
        ("network:", "netwerk:", 8, "did you mean 'network'"),
        ("endpoints: []", "endpoints: [{host: a.example, port: 443}]", 9, "an allowlist is not in this version"),
        ("mode: deny", "mode: allow", 10, "network.ingress.mode must be deny"),
        ("[ptrace, fsync]", "[ptrase]", 11, "no system call"),
        ("[ptrace, fsync]", "[execve]", 11, "executor_deny"),
        ("none", "native", 7, "not enforced in this version"),
        ("version: 1", "version: 2", 1, "version must be"),
        ("version: 1", "version: one", 1, "must be a whole number"),
        ("timeout_seconds: 600", "max_memory_gb: 2", 12, "not enforced in this version"),
        ("timeout_seconds: 600", "timeout_seconds: 0", 12, "must be from 1"),
        ("bwrap", "docker", 4, "must be bwrap"),
        ("[/usr]", "[/usr, /etc]", 6, "none of the system's private ones"),
        ("[/usr]", "[/bin]", 6, "must contain /usr"),
        ("[/home/agent]", "[/home/agent, /srv]", 6, "only /home/agent can be writable"),
        ("[/tmp, /scratch]", "[/usr/bin]", 6, "cannot be one"),
        ("[landlock]", "[seccomp]", 13, "cannot be accepted as missing"),
        ("enforcement:", "audit: {path: a.jsonl}\nenforcement:", 13, "not enforced in this version"),
        ("version: 1", "version: 1\nversion: 1", 2, "given twice, first in line 1"),
        ("{missing_layer", "[missing_layer", 13, "no valid YAML"),
        ("resource_limits: {", "resource_limits: 7 #", 12, "must be a mapping"),
    ],
)
def test_anything_else_is_refused_with_its_line(old: str, new: str, line: int, says: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        parse(FULL.replace(old, new, 1), "my.yaml")
    assert f"my.yaml, line {line}:" in str(refused.value)
    assert says in str(refused.value)


def test_a_policy_without_content_is_refused() -> None:
    with pytest.raises(UsageProblem, match="the policy is empty"):
        parse("# nothing\n")
