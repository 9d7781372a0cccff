"""A policy file is read strictly: what it says is what is enforced, and anything else is refused with its line."""

from __future__ import annotations

import pytest

from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.types import Egress, Endpoint, Policy, ResourceLimits, Violations

EXAMPLE = """\
version: 1
agent_profile: desktop-default
execution_environment:
  backend: bwrap
  display: {width: 1280, height: 800}
  filesystem: {read_only: [/usr], read_write: [/home/agent], tmpfs: [/tmp]}
  browser_sandbox: native            # native | none
network:
  egress: {mode: allowlist, endpoints: [{host: a.example, port: 443}]}   # deny | allowlist | offline
  ingress: {mode: deny}
system_calls: {default: allow, deny: [ptrace, bpf, io_uring_setup], executor_deny: [execve, execveat]}
resource_limits: {max_memory_gb: 2, max_pids: 256, cpu_percent: 100, timeout_seconds: 600}
on_violation: {seccomp: kill_sandbox, exec: kill_sandbox, egress: log}
enforcement: {missing_layer: fail, accept_missing: []}
audit: {path: audit.jsonl, hash_chain: true}
"""


def test_an_empty_text_is_the_locked_default() -> None:
    assert parse("") == Policy()


def test_every_key_of_the_example_arrives() -> None:
    assert parse(EXAMPLE) == Policy(
        profile="desktop-default", width=1280, height=800, browser_sandbox="native",
        egress=Egress("allowlist", (Endpoint("a.example", 443),)),
        extra_denied=("ptrace", "bpf", "io_uring_setup"), executor_denied=("execve", "execveat"),
        limits=ResourceLimits(max_memory_gb=2, max_pids=256, cpu_percent=100, timeout_s=600),
        violations=Violations("kill_sandbox", "kill_sandbox", "log", "kill_sandbox"),
    )  # fmt: skip


def test_keys_that_the_example_lacks_arrive_too() -> None:
    policy = parse(
        """\
execution_environment:
  filesystem: {read_only: [/usr, /srv/books], read_write: [/home/agent, /srv/out], tmpfs: [/tmp, /scratch]}
network:
  egress:
    mode: allowlist
    endpoints:
      - {host: "*.B.Example", port: 80, methods: [GET, HEAD], paths: [/a, /b/c]}
      - {host: "2001:db8::1", port: 8080}
system_calls: {allow: [ptrace]}
resource_limits: {max_disk_gb: 0.5}
on_violation: {resources: deny}
enforcement: {accept_missing: [landlock]}
audit: {exec: true, path: a.jsonl}
"""
    )
    assert (policy.read_only, policy.read_write, policy.tmpfs) == (("/usr", "/srv/books"), ("/srv/out",), ("/scratch",))
    assert policy.egress.endpoints == (
        Endpoint("*.b.example", 80, ("GET", "HEAD"), ("/a", "/b/c")),
        Endpoint("2001:db8::1", 8080),
    )
    assert (policy.re_permitted, policy.limits.max_disk_gb, policy.violations.resources) == (("ptrace",), 0.5, "deny")
    assert (policy.accept_missing, policy.audit.exec, policy.audit.path) == (("landlock",), True, "a.jsonl")


FILESYSTEM = "{read_only: [/usr], read_write: [/home/agent], tmpfs: [/tmp]}"
ENDPOINT = "{host: a.example, port: 443}"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("max_pids", "max_pid", 12, "did you mean 'max_pids'"),
        ("network:", "netwerk:", 8, "did you mean 'network'"),
        ("{host: a.example", "{hots: a.example", 9, "lacks 'host'; 'hots' is no key here"),
        (ENDPOINT, "{host: a.example}", 9, "network.egress.endpoints[0] lacks 'port'\n"),
        (ENDPOINT, "{host: a.example, prot: 443}", 9, "lacks 'port'; 'prot' is no key here"),
        (ENDPOINT, "{host: *.a.example, port: 443}", 9, "a text that begins with * must be quoted, like '*.example.org'"),
        (ENDPOINT, "{host: *a, port: 443}", 9, "aliases (*name) are not read; write the value out, or quote it"),
        (ENDPOINT, "{host: a.example, port: 80, paths: ['/a/*']}", 9, "without escapes, query, wildcard"),
        ("max_pids: 256", "max_pids: 10000000", 12, "must be from 64 to 32768, not 10000000"),
        (ENDPOINT, "{host: a.example, port: 0}", 9, "must be from 1 to 65535"),
        (ENDPOINT, "{host: a.example, port: 443, methods: [GET]}", 9, "TLS, which hides methods"),
        (ENDPOINT, "{host: a.example, port: 443, paths: [/a]}", 9, "TLS, which hides paths"),
        (ENDPOINT, "{host: a.example, port: 80, methods: [get]}", 9, "did you mean 'GET'"),
        (ENDPOINT, "{host: a.example, port: 80, methods: [CONNECT]}", 9, "no method that can be permitted"),
        (ENDPOINT, "{host: a.example, port: 80, methods: []}", 9, "leave it away to permit all"),
        (ENDPOINT, "{host: a.example, port: 80, paths: [a]}", 9, "must be like /api/v1"),
        (ENDPOINT, "{host: a.example, port: 80, paths: [/a/../b]}", 9, "must be like /api/v1"),
        (ENDPOINT, "{host: a.example, port: 80, paths: [/a%2fb]}", 9, "must be like /api/v1"),
        (ENDPOINT, "{host: a.example, port: 80, paths: [/a/]}", 9, "must be like /api/v1"),
        (ENDPOINT, f"{ENDPOINT}, {{host: A.EXAMPLE, port: 443}}", 9, "a.example port 443 is given twice"),
        ("mode: allowlist", "mode: deny", 9, "mode 'deny' permits none"),
        ("mode: allowlist", "mode: offline", 9, "mode 'offline' permits none"),
        (f"mode: allowlist, endpoints: [{ENDPOINT}]", "mode: deny", 13, "'log' cannot be honoured"),
        ("mode: allowlist", "mode: allow", 9, "did you mean 'allowlist'"),
        ("mode: allowlist", "mode: off", 9, "must be text; to mean the text, quote it: 'off'"),
        ("mode: deny", "mode: allow", 10, "network.ingress.mode must be deny"),
        ("ingress: {mode: deny}", "ingress: allow-all", 10, "network.ingress must be deny-all"),
        ("deny: [ptrace", "allow: [bpf], deny: [ptrace", 11, "in both deny and allow"),
        ("default: allow", "default: deny", 11, "system_calls.default must be allow"),
        ("version: 1", "version: 2", 1, "version must be"),
        ("version: 1", "version: one", 1, "must be a whole number"),
        ("version: 1", 'version: "1"', 1, "must be a whole number"),
        ("max_pids: 256", "max_pids: 0o400", 12, "must be a whole number"),
        ("max_pids: 256", "max_pids: 4:16", 12, "must be a whole number"),
        ("max_pids: 256", "max_pids: 0x100", 12, "must be a whole number"),
        ("timeout_seconds: 600", "timeout_seconds: 0", 12, "must be from 1 to 86400, not 0; leave it away for no limit"),
        ("max_memory_gb: 2", "max_memory_gb: .inf", 12, "must be a number"),
        ("max_memory_gb: 2", "max_memory_gb: 2e3", 12, "must be a number"),
        ("bwrap", "docker", 4, "must be bwrap"),
        ("exec: kill_sandbox", "exec: kill", 13, "on_violation.exec must be log or deny or kill_sandbox, not 'kill'"),
        ("[]}\naudit", "[seccomp]}\naudit", 14, "cannot be accepted as missing"),
        ("[]}\naudit", "[landlok]}\naudit", 14, "did you mean 'landlock'"),
        ("audit.jsonl", "../audit.jsonl", 15, "a file name ending in .jsonl"),
        ("audit.jsonl", "events.jsonl", 15, "not the recording's"),
        ("hash_chain: true", "hash_chain: false", 15, "refused"),
        ("hash_chain: true", "hash_chain: yes", 15, "must be true or false"),
        ("version: 1", "version: 1\nversion: 1", 2, "given twice, first in line 1"),
        ("{missing_layer", "[missing_layer", 14, "no valid YAML"),
        ("resource_limits: {", "resource_limits: 7 #", 12, "must be a mapping"),
        ("[/usr]", "[/usr, /etc]", 6, "the system's private directories"),
        ("[/usr]", "[/usr, /run/user/1000]", 6, "the system's private directories"),
        ("[/usr]", "[/usr, /usr]", 6, "given twice"),
        ("[/usr]", "[/usr, srv/books]", 6, "is relative"),
        ("[/usr]", "[/usr, /srv/../etc]", 6, "is not normalized; write '/etc'"),
        ("[/usr]", "[/usr, //etc]", 6, "is not normalized"),
        ("[/usr]", "[/bin]", 6, "must contain /usr"),
        ("[/home/agent]", "[/srv/a]", 6, "must contain /home/agent"),
        ("[/home/agent]", "[/home/agent, /usr/local]", 6, "belongs to the system"),
        ("[/home/agent]", "[/home/agent, /opt/edgeagent]", 6, "one of ours"),
        ("[/tmp]", "[/scratch]", 6, "must contain /tmp"),
        ("[/tmp]", "[/tmp, /usr/bin]", 6, "cannot be one"),
        (FILESYSTEM, "{read_only: [/usr, /srv/a], tmpfs: [/tmp, /srv/a/b]}", 6, "lies in /srv/a, a directory of the host"),
        (FILESYSTEM, "{read_only: [/usr, /srv/a], tmpfs: [/tmp, /srv/a]}", 6, "'/srv/a' is in read_only or read_write too"),
        (FILESYSTEM, "{read_only: [/usr, /srv/a/b], tmpfs: [/tmp, /srv/a]}", 6, "would hide /srv/a/b"),
        (FILESYSTEM, "{read_only: [/usr, /srv/a], read_write: [/home/agent, /srv/a]}", 6, "is in read_only too"),
        (FILESYSTEM, "{read_only: [/usr, /srv/a/b], read_write: [/home/agent, /srv/a]}", 6, "which read_write makes writable"),
    ],
)
def test_anything_else_is_refused_with_its_line(old: str, new: str, line: int, says: str) -> None:
    assert old in EXAMPLE
    with pytest.raises(UsageProblem) as refused:
        parse(EXAMPLE.replace(old, new, 1), "my.yaml")
    assert f"my.yaml, line {line}:" in str(refused.value)
    assert says in f"{refused.value}\n"


@pytest.mark.parametrize("condition", ["actions", "applications", "titles", "hosts", "regions", "text", "times", "days"])
def test_a_condition_without_values_is_refused_as_it_would_hold_always(condition: str) -> None:
    with pytest.raises(UsageProblem, match=rf"line 2: gate.rules\[0\].{condition} is empty; name something, or leave it away"):
        parse(f"gate:\n  rules: [{{decision: allow, {condition}: []}}]\n")


def test_a_policy_without_content_is_refused() -> None:
    with pytest.raises(UsageProblem, match="the policy is empty"):
        parse("# nothing\n")
