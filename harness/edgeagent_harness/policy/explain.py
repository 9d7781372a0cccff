"""A policy in plain words: what is allowed, what is not, and which layer sees to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgeagent_harness.policy import explain_gate, redaction
from edgeagent_harness.policy.explain_gate import Line
from edgeagent_harness.policy.names import canonical
from edgeagent_harness.policy.types import HOME_INSIDE, Endpoint, Policy, Response

_FILES = "mount namespace, Landlock"
_BROKER = "egress broker"
_AFTERWARDS: dict[Response, str] = {
    "log": "goes through where it can, and is listed",
    "deny": "is refused and listed",
    "kill_sandbox": "is refused, and ends the whole sandbox at once",
}


@dataclass(frozen=True, slots=True)
class Chapter:
    """What the policy says of one matter."""

    title: str
    lines: tuple[Line, ...]


def explain(policy: Policy) -> list[Chapter]:
    """Everything that ``policy`` says, and what always holds beside it."""
    chapters = [
        Chapter("Files", tuple(_files(policy))),
        Chapter("Network", tuple(_network(policy))),
        Chapter("Programs and system calls", tuple(_programs(policy))),
        Chapter("Limits", tuple(_limits(policy))),
        Chapter("Single actions", tuple(explain_gate.lines(policy.gate))),
        Chapter("Secrets", tuple(explain_gate.secret_lines(policy.secrets))),
        Chapter("Redaction", tuple(redaction.lines(policy.redaction))),
        Chapter("If something is tried all the same", tuple(_violations(policy))),
    ]
    return [chapter for chapter in chapters if chapter.lines]


def endpoint_words(endpoint: Endpoint) -> str:
    """``endpoint`` as a person would say it."""
    host = endpoint.host
    whole = f"every name beneath {host[2:]} (not {host[2:]} itself)" if host.startswith("*.") else host
    limits = [*((", ".join(endpoint.methods),) if endpoint.methods else ())]
    limits += [f"paths {', '.join(endpoint.paths)}"] if endpoint.paths else []
    only = f", plain HTTP only: {'; '.join(limits)}" if limits else ""
    return f"{whole} port {endpoint.port}{only}"


def _files(policy: Policy) -> Iterator[Line]:
    shown = ", ".join(policy.read_only)
    yield "yes", f"reading and starting programs of {shown}", _FILES
    yield "yes", f"writing {HOME_INSIDE}, the session's home, which stays", _FILES
    for path in policy.read_write:
        yield "yes", f"writing {path} of this machine, which stays", _FILES
    vanishing = ("/tmp", *policy.tmpfs)
    yield "yes", f"writing {', '.join(vanishing)}, which vanish{'' if policy.tmpfs else 'es'} with the sandbox", _FILES
    yield "no", "starting a program that lies where something can be written", "Landlock"
    yield "no", "every other file of this machine, this policy and the audit log among them: they do not exist inside", _FILES


def _network(policy: Policy) -> Iterator[Line]:
    egress = policy.egress
    if egress.mode == "allowlist":
        for endpoint in egress.endpoints:
            yield "yes", endpoint_words(endpoint), _BROKER
            if (address := canonical(endpoint.host.removeprefix("*.")).address) and address.is_loopback:
                yield (
                    "if",
                    "that is this machine's loopback: what does not go through the proxy inside means the sandbox's own",
                    _BROKER,
                )
        if not egress.endpoints:
            yield "no", "every place: the list of endpoints is empty", _BROKER
        if policy.violations.egress == "log":
            yield "if", "a connection to any other place goes through and is listed, as on_violation.egress says log", _BROKER
        else:
            yield "no", "every other place; its name is not even resolved", _BROKER
        yield "no", "a permitted name that resolves to a private, loopback or metadata address", _BROKER
        yield (
            "no",
            "anything but HTTP, HTTPS and what speaks SOCKS5 through the broker: UDP, DNS, raw packets",
            "network namespace",
        )
    else:
        yield "no", "every connection out of the sandbox: it has a loopback of its own and nothing else", "network namespace"
    if egress.mode == "offline":
        yield "no", "connections of the model, of this program and of every helper", "network namespaces, seccomp"
    yield "no", "connections into the sandbox", "network namespace"


def _programs(policy: Policy) -> Iterator[Line]:
    native = policy.browser_sandbox == "native"
    yield "yes", f"Chromium runs {'with' if native else 'without'} its own sandbox, inside this one", "bubblewrap"
    if native:
        yield "yes", "user namespaces inside, for that: to every program, without mounts", "seccomp"
    yield "no", "mounting, tracing other programs, namespaces, kernel modules and some sixty more system calls", "seccomp"
    if policy.extra_denied:
        yield "no", f"{', '.join(policy.extra_denied)}", "seccomp"
    if policy.re_permitted:
        yield "yes", f"{', '.join(policy.re_permitted)}, as far as they are denied otherwise", "seccomp"
    killing = ", ".join(dict.fromkeys(("execve", "execveat", *policy.executor_denied)))
    yield "no", f"for the executor, which drives screen and keyboard: {killing}", "seccomp"


def _limits(policy: Policy) -> Iterator[Line]:
    limits = policy.limits
    yield "no", f"more than {limits.max_pids} processes and threads", "user namespace"
    for value, what, unit, layer in (
        (limits.max_memory_gb, "memory", "GiB of memory", "cgroup, or a watchdog"),
        (limits.cpu_percent, "processor time", "% of one core", "cgroup"),
        (limits.timeout_s, "duration", "seconds from the start", "supervisor"),
        (limits.max_disk_gb, "files in the home", "GiB in the home", "disk watch"),
    ):
        yield ("no", f"more than {value:g} {unit}", layer) if value else ("yes", f"{what} without a limit", "")


def _violations(policy: Policy) -> Iterator[Line]:
    classes = policy.violations
    responses: tuple[tuple[str, Response], ...] = (
        ("a denied system call", classes.seccomp),
        ("the executor starting a program", classes.exec),
        ("a connection that no endpoint permits", classes.egress),
        ("passing a limit on memory or disk", classes.resources),
    )
    for what, response in responses:
        yield "if", f"{what} {_AFTERWARDS[response]}", ""
    accepted = ", ".join(policy.accept_missing)
    yield "if", "a missing layer refuses to start" + (f", but for {accepted}, which may be missing" if accepted else ""), ""
    programs = "; each start of a program is listed too" if policy.audit.exec else ""
    yield (
        "if",
        f"what was denied is written to {policy.audit.path} in the session's directory, each line sealed by a hash{programs}",
        "audit",
    )
