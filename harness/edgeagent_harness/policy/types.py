"""What a policy says, as data. The file format is told in ``docs/policy.md``; `edgeagent_harness.policy.parse` reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edgeagent_harness.policy.gate_types import Gate, Secret
from edgeagent_harness.policy.redaction import Redaction

EgressMode = Literal["deny", "allowlist", "offline"]
"""``deny``: apps in the sandbox have no way out. ``allowlist``: a broker lets them reach the endpoints. ``offline``: nothing on
the machine that belongs to the session has a way out, the program itself included."""

Response = Literal["log", "deny", "kill_sandbox"]
"""What a violation leads to: ``log`` permits it and lists it (to find out what a policy would deny), ``deny`` refuses and lists
it, ``kill_sandbox`` refuses it and ends the whole sandbox. What can never be permitted is refused under ``log`` too."""

SYSTEM_READ_ONLY = ("/usr",)
HOME_INSIDE = "/home/agent"

ACCEPTABLE_MISSING = ("landlock", "process_limit", "nested_user_namespaces", "violation_notices")
"""Layers that can be accepted as missing by name; nothing runs without the others."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place that may be reached."""

    host: str
    """Lower case, IDNA A-labels; an IP literal in canonical form; or ``*.example.org``, which covers what is beneath it."""
    port: int
    methods: tuple[str, ...] = ()
    """Permitted methods of plain HTTP, upper case; empty: all. With TLS nothing beyond the host is seen."""
    paths: tuple[str, ...] = ()
    """Permitted path prefixes of plain HTTP, at segment borders (``/api`` covers ``/api/x``, not ``/apix``); empty: all."""


@dataclass(frozen=True, slots=True)
class Egress:
    """Which connections out of the sandbox are permitted."""

    mode: EgressMode = "deny"
    endpoints: tuple[Endpoint, ...] = ()
    """Empty: deny all."""


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """What a sandbox may use; 0 means no limit."""

    max_memory_gb: float = 0.0
    """GiB, of everything inside together."""
    max_pids: int = 1024
    cpu_percent: float = 0.0
    """Of one core: 150 is one and a half."""
    timeout_s: float = 0.0
    """Wall clock, from the sandbox's start."""
    max_disk_gb: float = 0.0
    """GiB that the home directory may hold."""


@dataclass(frozen=True, slots=True)
class Violations:
    """``on_violation``: what each class of violation leads to."""

    seccomp: Response = "deny"
    """A system call that is denied to everything inside."""
    exec: Response = "kill_sandbox"
    """The executor starting a program."""
    egress: Response = "deny"
    """A connection that no endpoint permits."""
    resources: Response = "kill_sandbox"
    """A limit on memory or disk passed."""


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """``audit``: where it is written down."""

    path: str = "audit.jsonl"
    """A file name within the session's directory, outside of the sandbox."""
    hash_chain: bool = True
    exec: bool = False
    """Whether each program started inside is listed: some 4 ms for each start."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Every value that a sandbox is started with beyond its spec."""

    profile: str = "locked"
    """``agent_profile``: a name for people and for the audit."""
    width: int = 0
    """0: as the spec says."""
    height: int = 0
    read_only: tuple[str, ...] = SYSTEM_READ_ONLY
    read_write: tuple[str, ...] = ()
    """Host directories that are writable inside at the same path, beyond the home."""
    tmpfs: tuple[str, ...] = ()
    """Beyond ``/tmp``."""
    browser_sandbox: Literal["none", "native"] = "none"
    egress: Egress = field(default_factory=Egress)
    extra_denied: tuple[str, ...] = ()
    """System calls denied to everything inside, beyond the built-in list."""
    re_permitted: tuple[str, ...] = ()
    """System calls of the built-in list that the policy permits again."""
    executor_denied: tuple[str, ...] = ()
    """System calls that kill the executor, beyond execve and execveat."""
    limits: ResourceLimits = field(default_factory=ResourceLimits)
    violations: Violations = field(default_factory=Violations)
    accept_missing: tuple[str, ...] = ()
    audit: AuditSettings = field(default_factory=AuditSettings)
    gate: Gate = field(default_factory=Gate)
    secrets: tuple[Secret, ...] = ()
    redaction: Redaction = field(default_factory=Redaction)
    teleport: Literal["allow", "deny"] = "allow"
    """Whether a session with this policy may move to another machine."""
    lines: dict[str, int] = field(default_factory=dict[str, int], compare=False)
    """Dotted key -> its line in the file, for errors that only the machine can tell."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """Where a translated policy means something else than it did in its own form: to be shown to whoever uses it."""
