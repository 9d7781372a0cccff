"""Where a secret may be typed. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from edgeagent.policy.facts import Facts
from edgeagent.policy.judge import covers
from edgeagent.policy.patterns import glob
from edgeagent_harness.policy.gate_types import Secret


def place_refusal(secrets: Iterable[Secret], facts: Facts) -> str:
    """Why the secret of ``facts`` may not be typed there; empty: it may, or there is none."""
    secret = next((secret for secret in secrets if secret.name == facts.secret), None)
    if secret is None:
        return ""
    if secret.hosts and facts.sure_hosts and all(covers(secret.hosts, host) for host in facts.sure_hosts):
        return ""
    if facts.processes and all(_is_application(secret, process) for process in facts.processes):
        return ""
    allowed = ", ".join((*secret.hosts, *secret.applications))
    return f"the secret {secret.name!r} may only be typed into {allowed}, and this is {_told(facts)}"


def _is_application(secret: Secret, process: str) -> bool:
    return any(glob(pattern).fullmatch(process) for pattern in secret.applications)


def _told(facts: Facts) -> str:
    places = sorted(facts.hosts) or sorted(facts.applications)
    return ", ".join(place[:80] for place in places[:5]) or "a place that is not known"
