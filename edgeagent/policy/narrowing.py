"""What an agent takes away from what the policy and the mode permit. Pure; nothing here can permit anything."""

from __future__ import annotations

import dataclasses

from edgeagent.agents.agent import Agent
from edgeagent.policy.facts import PASSIVE_KINDS, parts_of
from edgeagent_harness.policy.gate_types import GateLimits, GateMode
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.actions import Action, action_kind

_STRICTNESS: dict[GateMode, int] = {"auto": 0, "ask": 1, "bounded": 2, "plan": 3}
_NARROWED = ("max_tokens", "max_typed_characters", "max_files_written")
"""Limits that an agent and a policy both may set; steps and time of an agent are the run's own."""


def stricter(one: GateMode, other: GateMode | None) -> GateMode:
    """Of two modes the one that permits less."""
    return other if other and _STRICTNESS[other] > _STRICTNESS[one] else one


def narrowed(policy: Policy, agent: Agent | None) -> Policy:
    """``policy`` with the mode and the limits of ``agent`` where those permit less."""
    if agent is None:
        return policy
    gate = policy.gate
    limits = {name: _smaller(getattr(gate.limits, name), getattr(agent.limits, name)) for name in _NARROWED}
    merged: GateLimits = dataclasses.replace(gate.limits, **limits)
    return dataclasses.replace(
        policy, gate=dataclasses.replace(gate, mode=stricter(gate.mode, agent.mode or None), limits=merged)
    )


def forbidden(agent: Agent | None, action: Action) -> tuple[str, str] | None:
    """The rule and the reason why ``agent`` may not do ``action``; None: it may, as far as it goes by the agent."""
    if agent is None or not agent.actions:
        return None
    kind = next((kind for kind in _kinds(action) if kind not in agent.actions and kind not in PASSIVE_KINDS), "")
    if not kind:
        return None
    return _rule(agent), f"this agent may not do {kind}, only {', '.join(agent.actions)}"


def to_be_asked(agent: Agent | None, action: Action) -> str:
    """The rule by which ``agent`` has the user asked before ``action``; empty: it does not."""
    kind = next((kind for kind in _kinds(action) if agent is not None and kind in agent.ask), "")
    return f"{_rule(agent)} (ask: {kind})" if agent is not None and kind else ""


def _rule(agent: Agent) -> str:
    return f"agent {agent.name}"


def _kinds(action: Action) -> list[str]:
    return [action_kind(part) for part in parts_of(action)]


def _smaller(one: int, other: int) -> int:
    """Of two bounds the one that permits less; 0 is none."""
    return min(one, other) if one and other else one or other
