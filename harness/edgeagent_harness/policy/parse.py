"""A policy: what a sandbox may do. Format: ``docs/policy.md``. What this version cannot enforce is refused, not ignored."""

from __future__ import annotations

import os
from dataclasses import replace

from edgeagent_harness.outside import seccomp
from edgeagent_harness.outside.layers import ACCEPTABLE
from edgeagent_harness.outside.sandbox import HOME_INSIDE
from edgeagent_harness.policy.strict_yaml import Section, read
from edgeagent_harness.policy.types import SYSTEM_READ_ONLY, Policy, ResourceLimits
from edgeagent_harness.protocol.frames import MAX_SIDE_PX

_HIDDEN = ("/", "/proc", "/sys", "/dev", "/etc", "/root", "/home", "/run", "/tmp", "/var", "/boot")
_MAX_PIDS = 32_768
_DAY_S = 86_400
_LATER_SECTIONS = ("on_violation", "audit")


def parse(text: str, source: str = "policy") -> Policy:
    """The policy that ``text`` says; empty: the locked default. Raises `UsageProblem` with the line and the mend."""
    if not text:
        return Policy()
    top = read(text, source)
    top.integer("version", 1, 1, 1)
    top.text("agent_profile", "desktop-default")
    policy = Policy()
    if section := top.section("execution_environment"):
        policy = _execution_environment(section, policy)
    if section := top.section("network"):
        _network(section)
    if section := top.section("system_calls"):
        policy = _system_calls(section, policy)
    if section := top.section("resource_limits"):
        policy = _resource_limits(section, policy)
    if section := top.section("enforcement"):
        policy = _enforcement(section, policy)
    for name in _LATER_SECTIONS:
        top.not_yet(name)
    top.done()
    return policy


def _execution_environment(section: Section, policy: Policy) -> Policy:
    section.text("backend", "bwrap", ("bwrap",))
    if section.text("browser_sandbox", "none", ("none", "native")) == "native":
        section.not_yet("browser_sandbox")
    if display := section.section("display"):
        width, height = display.integer("width", 1280, 64, MAX_SIDE_PX), display.integer("height", 800, 64, MAX_SIDE_PX)
        display.done()
        policy = replace(policy, width=width, height=height)
    if filesystem := section.section("filesystem"):
        policy = _filesystem(filesystem, policy)
    section.done()
    return policy


def _filesystem(section: Section, policy: Policy) -> Policy:
    read_only = section.texts("read_only", SYSTEM_READ_ONLY)
    writable = section.texts("read_write", (HOME_INSIDE,))
    tmpfs = section.texts("tmpfs", ("/tmp",))
    section.done()
    if "/usr" not in read_only:
        raise section.error("filesystem.read_only must contain /usr: nothing could run inside", section.line_of("read_only"))
    for path in read_only:
        if not os.path.isabs(path) or os.path.normpath(path) != path or path in _HIDDEN or not os.path.isdir(path):
            reason = "an existing directory, by its absolute path, and none of the system's private ones"
            raise section.error(f"filesystem.read_only: {path!r} must be {reason}", section.line_of("read_only"))
    for path in writable:
        if path != HOME_INSIDE:
            reason = f"only {HOME_INSIDE} can be writable in this version; bring files in with the home directory"
            raise section.error(f"filesystem.read_write: {path!r} is refused: {reason}", section.line_of("read_write"))
    for path in tmpfs:
        if (
            not os.path.isabs(path)
            or os.path.normpath(path) != path
            or path.split("/")[1] in ("", "usr", "etc", "proc", "dev", "opt")
        ):
            raise section.error(f"filesystem.tmpfs: {path!r} cannot be one", section.line_of("tmpfs"))
    return replace(policy, read_only=read_only, tmpfs=tuple(path for path in tmpfs if path != "/tmp"))


def _network(section: Section) -> None:
    """This version has no egress at all, so every rule that permits some is refused."""
    if egress := section.section("egress"):
        mode = egress.text("mode", "deny", ("deny", "offline", "allowlist"))
        endpoints = egress.sections("endpoints")
        egress.done()
        if endpoints:
            reason = "an allowlist is not in this version: the sandbox has no network beyond its own loopback"
            mend = f"Remove the endpoints (mode {mode!r} then denies all)"
            raise egress.error(f"network.egress.endpoints: {reason}. {mend}", egress.line_of("endpoints"))
    if ingress := section.section("ingress"):
        ingress.text("mode", "deny", ("deny",))
        ingress.done()
    section.done()


def _system_calls(section: Section, policy: Policy) -> Policy:
    section.text("default", "allow", ("allow",))
    denied, executor_denied = section.texts("deny"), section.texts("executor_deny")
    section.done()
    for key, names in (("deny", denied), ("executor_deny", executor_denied)):
        for name in seccomp.check_names(names):
            raise section.error(f"system_calls.{key}: {name!r} is no system call of this machine", section.line_of(key))
    for name in seccomp.NEEDED_BY_ALL:
        if name in denied:
            hint = "everything inside needs it; to deny it to the executor alone, name it in executor_deny"
            raise section.error(f"system_calls.deny: {name!r} cannot be denied: {hint}", section.line_of("deny"))
    extra = tuple(name for name in denied if name not in seccomp.DENIED)
    return replace(policy, extra_denied=extra, executor_denied=executor_denied)


def _resource_limits(section: Section, policy: Policy) -> Policy:
    timeout_s = section.number("timeout_seconds", 0.0, 1, _DAY_S)
    max_pids = section.integer("max_pids", policy.limits.max_pids, 64, _MAX_PIDS)
    section.not_yet("max_memory_gb")
    section.not_yet("cpu_percent")
    section.done()
    return replace(policy, limits=ResourceLimits(timeout_s=timeout_s, max_pids=max_pids))


def _enforcement(section: Section, policy: Policy) -> Policy:
    section.text("missing_layer", "fail", ("fail",))
    accepted = section.texts("accept_missing")
    section.done()
    for name in accepted:
        if name not in ACCEPTABLE:
            known = ", ".join(ACCEPTABLE)
            line = section.line_of("accept_missing")
            raise section.error(f"enforcement.accept_missing: {name!r} cannot be accepted as missing; it can be {known}", line)
    return replace(policy, accept_missing=accepted)
