"""What a policy says of single actions and of secrets, as data. The format: ``docs/gate.md`` and ``docs/secrets.md``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edgeagent_harness.protocol.geometry import Rect

GateMode = Literal["plan", "ask", "bounded", "auto"]
"""What is done where no rule says anything. ``plan``: look, never act. ``ask``: ask the user. ``bounded``: deny.
``auto``: allow."""

GateDecision = Literal["allow", "ask", "deny"]

Escalation = Literal["tell", "ask", "pause", "end"]
"""``tell`` the model and go on; ``ask`` the user, on a terminal; ``pause``: end resumable, waiting for the user (exit code 4);
``end`` the run (exit code 5)."""

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

SecretSource = Literal["keyring", "environment"]


@dataclass(frozen=True, slots=True)
class Hours:
    """A span of the local day in minutes after midnight, the end not in it; ``start > end`` runs over midnight."""

    start_min: int
    end_min: int

    def contains(self, minute: int) -> bool:
        if self.start_min <= self.end_min:
            return self.start_min <= minute < self.end_min
        return minute >= self.start_min or minute < self.end_min


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Every condition that it has must hold; one that it lacks (empty) always does."""

    decision: GateDecision
    name: str
    """For people and for the audit; ``rule N`` where the file gives none."""
    actions: tuple[str, ...] = ()
    """Action kinds of ``docs/actions.md``."""
    applications: tuple[str, ...] = ()
    """Process name or window class, lower case, with ``*`` and ``?``."""
    titles: tuple[str, ...] = ()
    """Window title, with ``*`` and ``?``; case does not count."""
    hosts: tuple[str, ...] = ()
    """As in ``network.egress.endpoints``: a name, an address, or ``*.example.org``."""
    regions: tuple[Rect, ...] = ()
    """Places on the screen, physical pixels."""
    text: tuple[str, ...] = ()
    """RE2 patterns, found anywhere in what is typed, pressed, opened or put on the clipboard."""
    hours: tuple[Hours, ...] = ()
    days: tuple[Weekday, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Bounds on one session; 0 means none."""

    max_steps: int = 0
    max_wall_s: float = 0.0
    """Of one run."""
    max_tokens: int = 0
    """Prompt and output tokens that the model used."""
    max_typed_characters: int = 0
    max_files_written: int = 0
    """Files of the home that are new or changed, those in hidden folders not counted."""


@dataclass(frozen=True, slots=True)
class Escalations:
    """What happens beyond the decision itself."""

    on_limit: Escalation = "end"
    on_denied: Escalation = "tell"
    unanswered: Escalation = "pause"
    """The user must be asked and there is nobody to ask."""


@dataclass(frozen=True, slots=True)
class GovernorLimits:
    """Bounds on all running sessions of the user together, over the last hour; 0 means none. For ``edgeagent governor``."""

    max_steps_per_hour: int = 0
    max_tokens_per_hour: int = 0
    max_typed_characters_per_hour: int = 0
    max_sessions: int = 0
    """Running at once; the newest one beyond it is stopped."""
    forbidden_hosts: tuple[str, ...] = ()
    """A session that opens or reaches one is stopped."""


@dataclass(frozen=True, slots=True)
class Gate:
    """``gate``: how each action is judged."""

    mode: GateMode = "auto"
    rules: tuple[Rule, ...] = ()
    limits: GateLimits = field(default_factory=GateLimits)
    escalation: Escalations = field(default_factory=Escalations)
    governor: GovernorLimits = field(default_factory=GovernorLimits)


@dataclass(frozen=True, slots=True)
class Secret:
    """``secrets``: one value that can be typed by reference, and where it may be typed. Everywhere else it is refused."""

    name: str
    source: SecretSource
    service: str = ""
    """The keyring's service; the entry's user name is ``account``."""
    account: str = ""
    hosts: tuple[str, ...] = ()
    """Pages that it may be typed into: Chromium must state the host, and every frame and window of it must be one of these."""
    applications: tuple[str, ...] = ()
    """Other applications that it may be typed into."""
    line: int = 0
