"""A policy: what a session may do. Format: ``docs/policy.md``. Pure: what only the machine can tell (which system calls and
directories there are) is checked by `edgeagent_harness.outside.containment.policy_check`."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Literal, cast

from edgeagent_harness.policy import gate_parse, nemoclaw
from edgeagent_harness.policy.environment import execution_environment
from edgeagent_harness.policy.keys import nearest
from edgeagent_harness.policy.network import network
from edgeagent_harness.policy.redaction import redaction
from edgeagent_harness.policy.strict_yaml import Section, read
from edgeagent_harness.policy.types import (
    ACCEPTABLE_MISSING,
    AuditSettings,
    Policy,
    ResourceLimits,
    Response,
    Violations,
)

_MAX_PIDS = 32_768
_DAY_S = 86_400
_RESPONSES = ("log", "deny", "kill_sandbox")


@lru_cache(maxsize=8)
def parse(text: str, source: str = "policy") -> Policy:
    """The policy that ``text`` says; empty: the locked default. Raises `UsageProblem` with the line and the mend."""
    if not text:
        return Policy()
    top = read(text, source)
    foreign = nemoclaw.is_form(top)
    top.integer("version", 1, 1, 1)
    policy = Policy(profile=top.text("agent_profile", Policy().profile), lines=top.document.lines)
    if foreign:
        nemoclaw.environment(top)
    elif section := top.section("execution_environment"):
        policy = execution_environment(section, policy)
    if section := top.section("network"):
        policy = network(section, policy)
    if section := top.section("system_calls"):
        policy = _system_calls(section, policy, foreign)
    if section := top.section("resource_limits"):
        policy = _resource_limits(section, policy)
    if section := top.section("on_violation"):
        policy = _on_violation(section, policy)
    if section := top.section("enforcement"):
        policy = _enforcement(section, policy)
    if section := top.section("audit"):
        policy = _audit(section, policy)
    if section := top.section("gate"):
        policy = replace(policy, gate=gate_parse.gate(section))
    if section := top.section("redaction"):
        policy = replace(policy, redaction=redaction(section))
    policy = replace(policy, secrets=gate_parse.secrets(top.sections("secrets")))
    policy = replace(policy, teleport=cast(Literal["allow", "deny"], top.text("teleport", "allow", ("allow", "deny"))))
    top.done()
    if policy.violations.egress == "log" and policy.egress.mode != "allowlist":
        reason = f"network.egress.mode is {policy.egress.mode!r}, so there is nothing that could let a connection through"
        raise top.error(f"on_violation.egress: 'log' cannot be honoured: {reason}", top.document.lines["on_violation.egress"])
    return policy


def _system_calls(section: Section, policy: Policy, foreign: bool) -> Policy:
    section.text("default", "allow", ("allow",))
    denied, allowed = section.texts("deny"), section.texts("allow")
    executor_denied = section.texts("executor_deny")
    section.done()
    for name in denied:
        if name in allowed:
            raise section.error(f"system_calls: {name!r} is in both deny and allow", section.line_of("allow"))
    notes: list[str] = []
    if foreign:
        denied, notes = nemoclaw.system_calls(section, allowed, denied)
    return replace(
        policy, extra_denied=denied, re_permitted=allowed, executor_denied=executor_denied, notes=(*policy.notes, *notes)
    )  # fmt: skip


def _resource_limits(section: Section, policy: Policy) -> Policy:
    limits = ResourceLimits(
        max_memory_gb=section.number("max_memory_gb", 0.0, 0.25, 4096, "no limit"),
        max_pids=section.integer("max_pids", policy.limits.max_pids, 64, _MAX_PIDS, f"{policy.limits.max_pids}"),
        cpu_percent=section.number("cpu_percent", 0.0, 10, 100_000, "no limit"),
        timeout_s=section.number("timeout_seconds", 0.0, 1, _DAY_S, "no limit"),
        max_disk_gb=section.number("max_disk_gb", 0.0, 0.01, 65_536, "no limit"),
    )
    section.done()
    return replace(policy, limits=limits)


def _on_violation(section: Section, policy: Policy) -> Policy:
    default = policy.violations

    def response(name: str, otherwise: Response) -> Response:
        return cast(Response, section.text(name, otherwise, _RESPONSES))

    violations = Violations(
        response("seccomp", default.seccomp),
        response("exec", default.exec),
        response("egress", default.egress),
        response("resources", default.resources),
    )
    section.done()
    return replace(policy, violations=violations)


def _enforcement(section: Section, policy: Policy) -> Policy:
    section.text("missing_layer", "fail", ("fail",))
    accepted = section.texts("accept_missing")
    section.done()
    for name in accepted:
        if name not in ACCEPTABLE_MISSING:
            hint = nearest(name, ACCEPTABLE_MISSING, always=True)
            message = f"enforcement.accept_missing: {name!r} cannot be accepted as missing{hint}"
            raise section.error(message, section.line_of("accept_missing"))
    return replace(policy, accept_missing=accepted)


def _audit(section: Section, policy: Policy) -> Policy:
    default = policy.audit
    path = section.text("path", default.path)
    settings = AuditSettings(path, section.boolean("hash_chain", True), section.boolean("exec", default.exec))
    section.done()
    if "/" in path or not path.endswith(".jsonl") or path in (".jsonl", "events.jsonl"):
        reason = "a file name ending in .jsonl, in the session's directory, and not the recording's events.jsonl"
        raise section.error(f"audit.path: {path!r} must be {reason}", section.line_of("path"))
    if not settings.hash_chain:
        reason = "without the chain nobody could tell whether a line was taken out"
        raise section.error(f"audit.hash_chain: false is refused: {reason}; remove it", section.line_of("hash_chain"))
    return replace(policy, audit=settings)
