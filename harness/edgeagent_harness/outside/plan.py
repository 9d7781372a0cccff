"""How a desktop is to be started. Imports nothing of what a sandbox needs: the user's own desktop may be on another system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeagent_harness.policy.types import Policy

if TYPE_CHECKING:
    from edgeagent_harness.outside.containment import sandbox
    from edgeagent_harness.outside.containment.cgroups import Group
    from edgeagent_harness.outside.containment.runtime import Runtime


class NotStarted(Exception):
    """Init could not start what was asked for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides how a sandbox is started."""

    width: int
    height: int
    binds: sandbox.Binds
    policy: Policy
    runtime: Runtime
    session_bus: bool = False
    accept_missing: tuple[str, ...] = ()
    policy_name: str = "locked"
    policy_sha256: str = ""
    group: Group | None = None
    """Its control group, if it has one."""

    @property
    def accepted(self) -> tuple[str, ...]:
        """Layers that may be missing."""
        return self.policy.accept_missing + self.accept_missing
