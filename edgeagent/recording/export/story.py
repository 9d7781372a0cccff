"""A recorded session as a reader wants it told: who, what, each step with all that belongs to it, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edgeagent import events
from edgeagent.recording.log_reading import Damage
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.effects import Effect
from edgeagent_models.protocol import Element, Usage

Tone = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened between steps: a refusal by the gate, a restart, a word of the user."""

    tone: Tone
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class StepStory:
    """One executed action. ``effect`` is None when the program died before it was known."""

    number: int
    action: Action
    thought: str = ""
    target: Element | None = None
    effect: Effect | None = None
    frame_before: str = ""
    frame_after: str = ""
    reply: str = ""
    usage: Usage = field(default_factory=Usage)
    score: float = 1.0
    phases_ms: dict[str, float] = field(default_factory=dict[str, float])
    began_s: float = 0.0
    """Unix time of the intent."""
    ended_s: float = 0.0
    notes: tuple[Note, ...] = ()
    """What happened since the step before."""
    model: str = ""
    """Which decided it; empty: it was done by the user's own hands."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the session stands after its last event; ``outcome`` is empty while it has not ended (or died)."""

    outcome: events.Outcome | Literal[""] = ""
    message: str = ""
    answer: str = ""
    thought: str = ""
    reply: str = ""
    frame: str = ""
    """The last screen that was seen."""
    phases_ms: dict[str, float] = field(default_factory=dict[str, float])
    usage: Usage = field(default_factory=Usage)
    notes: tuple[Note, ...] = ()
    time_s: float = 0.0
    """Unix time of the last event."""


@dataclass(frozen=True, slots=True)
class Story:
    """The whole session."""

    session: str
    agent: str
    parent: str
    task: str
    model: str
    works_as: str
    """Name of the session's agent file (docs/agents.md), if it has one."""
    version: str
    seed: int | None
    width_px: int
    height_px: int
    machine: str
    start_ms: float
    """Of the desktop, in the last run."""
    layers: tuple[str, ...]
    missing_layers: tuple[str, ...]
    began_s: float
    worked_s: float
    """Sum over its runs: the time between a stop and a resume does not count."""
    runs: int
    steps: tuple[StepStory, ...]
    ending: Ending
    damage: tuple[Damage, ...] = ()

    @property
    def usage(self) -> Usage:
        """Tokens of the whole session."""
        parts = [*(step.usage for step in self.steps), self.ending.usage]
        return Usage(
            sum(part.prompt_tokens for part in parts),
            sum(part.cached_tokens for part in parts),
            sum(part.image_tokens for part in parts),
            sum(part.output_tokens for part in parts),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """Which decided, each once, in the order in which they came; never none."""
        return tuple(dict.fromkeys((self.model, *filter(None, (step.model for step in self.steps)))))

    def frame_ids(self) -> list[str]:
        """Every frame that is shown, once, in the order in which it first appears."""
        shown = [frame for step in self.steps for frame in (step.frame_before, step.frame_after)]
        return list(dict.fromkeys(frame for frame in (*shown, self.ending.frame) if frame))
