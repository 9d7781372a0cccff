"""The supervisor's side of offline mode: it makes sure that the app that asks for it has put it off the network."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from edgeagent_harness.errors import EnvironmentLacks, UsageProblem
from edgeagent_harness.policy.types import Egress, Policy


def enforce(rules: Policy, policy_name: str) -> Policy:
    """``rules`` without egress. Raises `UsageProblem` if they permit some, `EnvironmentLacks` if this process has a network."""
    if rules.egress.mode == "allowlist" or rules.egress.endpoints:
        raise UsageProblem(f"{policy_name}: network.egress lists endpoints, and this is offline mode: nothing may be reached")
    devices = network_devices()
    if devices != ("lo",) and not is_filtered():
        raise EnvironmentLacks(
            f"offline mode: the supervisor was started within a network ({', '.join(devices)}) and without a filter. "
            "Mend: start it by `edgeagent --offline`"
        )
    return replace(rules, egress=Egress("offline"))


def network_devices() -> tuple[str, ...]:
    """The network devices that this process sees."""
    return tuple(line.split(":")[0].strip() for line in Path("/proc/self/net/dev").read_text().splitlines()[2:])


def is_filtered() -> bool:
    """Whether this process runs under a seccomp filter."""
    found = re.search(r"^Seccomp:\s*(\d)", Path("/proc/self/status").read_text(), re.MULTILINE)
    return found is not None and found[1] == "2"
