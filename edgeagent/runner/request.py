"""What is asked of the runner, and what it answers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from edgeagent import events
from edgeagent.agents.agent import Agent
from edgeagent.limits import Limits
from edgeagent_harness.protocol.messages import DesktopSpec


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model: ``embedded``, the path of a GGUF file with that of its vision part, or ``openai:URL#NAME``."""

    model: str = "embedded"
    mmproj: str = ""
    family: str = ""
    """How a GGUF model is spoken to; empty: as its header suggests."""
    skip_unchanged: bool = False
    """A screen that stays as it was is not sent again: the model is told so."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A new session."""

    task: str
    desktop: DesktopSpec = field(default_factory=DesktopSpec)
    model: ModelChoice = field(default_factory=ModelChoice)
    limits: Limits = field(default_factory=Limits)
    seed: int | None = None
    mode: events.GateModeName = ""
    """How the gate judges what no rule decides; empty: as the policy and the agent say."""
    agent: Agent | None = None
    """What it works as: narrows what may be done."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    session: str
    ended: events.RunEnded
    steps: int
    wall_s: float
    timings: dict[str, float]
    """Median ms of each phase, and ``total_ms``."""
    would_deny: tuple[str, ...] = ()
    """What ``on_violation: log`` let through: one line for each different thing."""

    def summary(self) -> dict[str, object]:
        """The object that ``--output json`` ends with."""
        return {
            "outcome": self.ended.outcome,
            "session": self.session,
            "steps": self.steps,
            "answer": self.ended.answer,
            "message": self.ended.message,
            "wall_s": round(self.wall_s, 3),
            "timings": self.timings,
            **({"would_deny": self.would_deny} if self.would_deny else {}),
        }


def choice_of(created: events.SessionCreated) -> ModelChoice:
    """The model that a session was begun with."""
    return ModelChoice(created.model, created.mmproj, created.family, created.skip_unchanged)


def as_recorded(limits: Limits) -> dict[str, float]:
    """``limits`` as its session keeps them."""
    return {key: float(value) for key, value in dataclasses.asdict(limits).items()}
