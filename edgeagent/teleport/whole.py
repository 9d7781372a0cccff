"""Whether a session's files are all that there is of it, so that elsewhere it is exactly what it was: the claim `exact`. Pure.

It is made only where the desktop itself said, after the run, that nothing was open and nothing else would end with it: what a
page or a program holds in memory nobody can carry.
"""

from __future__ import annotations

from collections.abc import Iterable

from edgeagent import events
from edgeagent.teleport.gathering import CACHE
from edgeagent.teleport.manifest import Stays
from edgeagent.teleport.paths import HOME
from edgeagent.teleport.windows import left_by
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.messages import DesktopSpec

WHOLE_NAME = "arrived.whole"
"""In a session's directory where its bundle said that nothing of it stayed behind. It never leaves with it."""


def is_whole(facts: Iterable[events.EventData], spec: DesktopSpec, policy: Policy, stays: Iterable[Stays]) -> bool:
    """Whether nothing of the session is anywhere but in what goes along. ``stays``: what does not, of its directory and home."""
    outside = policy.read_write or policy.tmpfs or spec.shared_dirs
    return nothing_open(facts) and not outside and not any(_counts(stay) for stay in stays)


def nothing_open(facts: Iterable[events.EventData]) -> bool:
    """Whether the last run left a bare desktop, and said so."""
    left = left_by(facts)
    return left is not None and not left.windows and not left.besides


def _counts(stay: Stays) -> bool:
    return stay.path.split("/")[0] == HOME and stay.why != CACHE
