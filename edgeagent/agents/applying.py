"""What a run begins with: what the user says, else what the agent says, else the defaults.

An agent file that does not lie in the user's own folder may be anybody's: it can take away, but not widen what a run may reach.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from edgeagent.agents.agent import Agent
from edgeagent.agents.reading import is_own
from edgeagent.errors import UsageError
from edgeagent.limits import Limits
from edgeagent.remote_names import is_remote
from edgeagent_harness.policy.files import PROFILES

_MINE = "agents of your own folder may: edgeagent agents new NAME --from FILE"
_NO_WIDER = ("locked", "offline")
"""Profiles that permit no more than a run without any policy has."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the user says of a run; empty or None: nothing."""

    applications: tuple[str, ...] = ()
    url: str = ""
    home: str = ""
    model: str = ""
    mmproj: str = ""
    family: str = ""
    policy: str = ""
    max_steps: int | None = None
    timeout_s: float | None = None

    @property
    def limits(self) -> Limits:
        default = Limits()
        steps = default.max_steps if self.max_steps is None else self.max_steps
        return Limits(steps, default.timeout_s if self.timeout_s is None else self.timeout_s)


def completed(said: Said, agent: Agent | None) -> Said:
    """``said`` with what ``agent`` says where the user says nothing. Raises `UsageError` for what an agent may not ask for."""
    if agent is None:
        return said
    if not said.model:
        _refuse_to_widen(agent, "model", is_remote(agent.model), "--model")
        said = replace(said, model=agent.model, mmproj=said.mmproj or agent.mmproj, family=said.family or agent.family)
    if not said.policy:
        policy = _beside(agent, agent.policy) if agent.policy not in PROFILES else agent.policy
        _refuse_to_widen(agent, "policy", bool(policy) and policy not in _NO_WIDER, "--policy")
        said = replace(said, policy=policy)
    if not said.home:
        home = _beside(agent, agent.start.home)
        _refuse_to_widen(agent, "start.home", bool(home) and not _below(home, agent), "--home")
        said = replace(said, home=home)
    return replace(
        said,
        applications=said.applications or agent.start.apps,
        url=said.url or agent.start.url,
        max_steps=(agent.limits.max_steps or None) if said.max_steps is None else said.max_steps,
        timeout_s=(agent.limits.timeout_s or None) if said.timeout_s is None else said.timeout_s,
    )


def _refuse_to_widen(agent: Agent, key: str, widens: bool, option: str) -> None:
    if widens and not is_own(agent):
        reason = "widens what a run may reach, which a file from elsewhere cannot do"
        raise UsageError(f"{agent.source}: {key} {reason}", f"say it yourself with {option}, or: {_MINE}")


def _beside(agent: Agent, path: str) -> str:
    """``path`` as it counts from the agent's file; empty stays empty."""
    return str(Path(agent.source).parent / Path(path).expanduser()) if path else ""


def _below(path: str, agent: Agent) -> bool:
    """Whether ``path``, links followed, is a folder below that of the agent's file."""
    top = os.path.realpath(Path(agent.source).parent)
    return os.path.realpath(path).startswith(f"{top}/")
