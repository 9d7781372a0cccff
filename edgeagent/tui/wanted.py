"""What the user wrote on the first screen. Light: it is there before the first paint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from edgeagent.runner import ModelChoice
    from edgeagent_harness.policy.gate_types import GateMode

MODE_WORDS: dict[GateMode, str] = {
    "plan": "only looks",
    "ask": "asks first",
    "bounded": "by rules",
    "auto": "acts alone",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a task begins with, as it was written."""

    applications: str = ""
    url: str = ""
    home: str = ""
    model: str = "embedded"
    policy: str = ""
    mode: GateMode = "auto"
    agent: str = ""
    """The name of one of the user's agents, or a file."""


def gate_mode(said: object) -> GateMode | None:
    """The mode of that name."""
    return next((mode for mode in MODE_WORDS if mode == said), None)


class ResumeWanted(Message):
    """The user wants this session taken up again, by another model if one is named."""

    def __init__(self, session: str, message: str, model: ModelChoice | None = None) -> None:
        super().__init__()
        self.session = session
        self.message = message
        self.model = model


class SessionWanted(Message):
    """The user wants to look at this session."""

    def __init__(self, session: str) -> None:
        super().__init__()
        self.session = session


class SessionsRead(Message):
    """The sessions were read anew; ``tasks`` are theirs, oldest first, each once."""

    def __init__(self, tasks: list[str]) -> None:
        super().__init__()
        self.tasks = tasks
