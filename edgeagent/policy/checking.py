"""Whether a run would take a text as its policy: all that can be told without starting anything."""

from __future__ import annotations

from edgeagent.folders import sessions_root
from edgeagent.policy.judge import compile_rules
from edgeagent.policy.loading import keep_apart, read_policy
from edgeagent.redaction.texts import Patterns
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.messages import DesktopSpec


def require_sound(text: str, name: str) -> Policy:
    """What ``text`` (called ``name`` in errors) says.

    Raises `UsageError` for what it does not read, for patterns that are none, and for directories that show the sandbox the
    policy itself or the program's own.
    """
    policy = read_policy(text, name)
    compile_rules(policy.gate, name)
    Patterns(policy.redaction.patterns, name)
    keep_apart(DesktopSpec(policy_yaml=text, policy_name=name), policy, sessions_root())
    return policy
