"""What a policy has the app itself see to in one session: the gate, and the secrets on their way in and out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar, cast, runtime_checkable

import msgspec

from edgeagent import events
from edgeagent.errors import UsageError
from edgeagent.history import History
from edgeagent.policy.asking import Asker
from edgeagent.policy.gate import Nowhere, PolicyGate, Surroundings, gate_for, needs_hosts, needs_windows
from edgeagent.policy.loading import read_policy
from edgeagent.policy.narrowing import narrowed
from edgeagent.policy.possible import SECRET_MARK
from edgeagent.policy.surroundings import DesktopSurroundings, TellingDesktop
from edgeagent.ports import Clock, Desktop, Gate, Model
from edgeagent.redaction.screens import RedactingDesktop
from edgeagent.redaction.texts import Patterns
from edgeagent.secrets.desktop import GuardingDesktop, Reader, SecretDesktop
from edgeagent.secrets.mask import Covers
from edgeagent.secrets.model import SecretModel
from edgeagent.secrets.scrub import Scrubber
from edgeagent.secrets.vault import Lookup, Vault
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.audit import Entry
from edgeagent_harness.protocol.messages import DesktopSpec

T = TypeVar("T", bound=msgspec.Struct)
_REFERENCE = re.compile(re.escape(SECRET_MARK) + r"([^{}]*)\}")


@runtime_checkable
class ReadingModel(Protocol):
    """A model whose engine can read what stands on a screen."""

    @property
    def read(self) -> Reader: ...


@runtime_checkable
class _Windowed(Protocol):
    """A desktop that knows windows and pages; a fake need not."""

    def windows(self) -> object: ...

    def pages(self) -> object: ...


@dataclass(slots=True)
class Agreeing:
    """The `Gate` port of two: what the first allows, the second must allow too."""

    first: Gate
    second: Gate

    async def judge(self, action: Action, history: History) -> events.Verdict:
        verdict = await self.first.judge(action, history)
        if not verdict.allow:
            return verdict
        second = await self.second.judge(verdict.instead or action, history)
        return verdict if second.allow else second


@dataclass(slots=True)
class Guarding:
    """Made once for each process's turn at a session."""

    gate: PolicyGate
    vault: Vault
    scrubber: Scrubber
    patterns: Patterns
    further_gate: Gate | None = None
    covers: Covers = field(default_factory=Covers)
    _looking: list[SecretDesktop | RedactingDesktop] = field(default_factory=list[SecretDesktop | RedactingDesktop])
    """What has screens read before anyone sees them."""

    def spec(self, spec: DesktopSpec) -> DesktopSpec:
        """``spec`` with what must be known of the sandbox to judge by."""
        return msgspec.structs.replace(spec, browser_debug_pipe=True) if needs_hosts(self.gate.policy) else spec

    def scrub(self, value: T) -> T:
        """``value`` without any secret's value, and without what the policy has redacted."""
        return self.patterns.struct(self.scrubber.struct(value))

    def model(self, model: Model) -> Model:
        """``model``, kept from passing on a secret."""
        return SecretModel(model, self.vault) if self.vault.secrets else model

    def desktop(self, desktop: Desktop, model: Model) -> Desktop:
        """``desktop``, able to type secrets and covering them, and with what the policy redacts painted over; what ``model`` can
        read is looked through for both. Raises `UsageError` if patterns are to be found and nothing can read."""
        self.gate.surroundings = self._surroundings(desktop)
        read = self._reader(model)
        self._looking.clear()
        if self.vault.secrets and isinstance(desktop, _Windowed):
            desktop = SecretDesktop(cast(GuardingDesktop, desktop), self.gate.surroundings, self.vault, self.covers, read)
            self._looking.append(desktop)
        elif not self._redacts:
            return desktop
        redacting = RedactingDesktop(
            desktop, self.gate.policy.redaction.regions, self.patterns, read, lambda: self.covers.painted
        )  # fmt: skip
        self._looking.append(redacting)
        return redacting

    def read_by(self, model: Model) -> None:
        """From here on ``model``, which decides now, reads the screens. Raises `UsageError` as `desktop` does."""
        read = self._reader(model)
        for looking in self._looking:
            looking.read = read

    def _reader(self, model: Model) -> Reader | None:
        if isinstance(model, ReadingModel):
            return model.read
        if self.patterns:
            hint = "take --model embedded, or list regions instead of patterns"
            raise UsageError("the policy's redaction.patterns cannot be looked for: this model's engine reads no text", hint)
        return None

    @property
    def _redacts(self) -> bool:
        return bool(self.patterns or self.gate.policy.redaction.regions)

    def judge(self) -> Gate:
        """The gate, with whatever else must agree."""
        return Agreeing(self.gate, self.further_gate) if self.further_gate else self.gate

    def _surroundings(self, desktop: Desktop) -> Surroundings:
        policy = self.gate.policy
        if not isinstance(desktop, _Windowed):
            return Nowhere()
        self.gate.looks = needs_windows(policy) or self.gate.on_host
        return DesktopSurroundings(cast(TellingDesktop, desktop), needs_hosts(policy))


def guard(
    created: events.SessionCreated,
    audit: Callable[[Entry], None],
    clock: Clock,
    asker: Asker | None = None,
    further_gate: Gate | None = None,
    lookup: Lookup | None = None,
) -> Guarding:
    """What the policy of ``created`` asks for, and its agent beyond that.

    Raises `UsageError` (a bad policy, a task with a secret that it does not list), `EnvironmentProblem` (no such secret).
    """
    spec = created.desktop
    policy = narrowed(read_policy(spec.policy_yaml, spec.policy_name), created.agent)
    _check_task(created.task, policy)
    vault = Vault.open(policy.secrets, lookup)
    scrubber = Scrubber(vault.values)
    gate = gate_for(policy, spec.policy_name, created.mode or None, Path(spec.home) if spec.home else None)
    gate.clock, gate.asker, gate.on_host, gate.agent = clock, asker, spec.host is not None, created.agent
    gate.audit = lambda entry: audit(scrubber.struct(entry))
    return Guarding(gate, vault, scrubber, Patterns(policy.redaction.patterns, spec.policy_name), further_gate)


def _check_task(task: str, policy: Policy) -> None:
    known = [secret.name for secret in policy.secrets]
    for name in _REFERENCE.findall(task):
        if name not in known:
            listed = f"it lists {', '.join(known)}" if known else "it lists none; docs/secrets.md tells how to"
            raise UsageError(f"the task names the secret {name!r}, which the policy does not list", listed)
