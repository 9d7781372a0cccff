"""What all sessions did within the last hour, and which rule of the governor one of them breaks. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from edgeagent import events
from edgeagent.policy.facts import Where, characters_of, facts_of, parts_of
from edgeagent.policy.judge import Rules, covers, matches
from edgeagent_harness.policy.gate_types import GovernorLimits
from edgeagent_harness.protocol.audit import Connection, Entry

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What one event cost."""

    time_s: float
    steps: int = 0
    tokens: int = 0
    typed_characters: int = 0


@dataclass(slots=True)
class Tally:
    """The last hour of all sessions together."""

    limits: GovernorLimits
    rules: Rules
    """Of these only what is denied counts here: it is denied to every session."""
    spent: deque[Spent] = field(default_factory=deque[Spent])

    def take(self, event: events.Event) -> str:
        """Count ``event``; returns the reason to stop its session, empty for none."""
        cost = _cost(event)
        if cost is not None:
            self.spent.append(cost)
        return next(self._broken_by(event), "") or (self._exceeded(event.time) if cost is not None else "")

    def take_entry(self, entry: Entry) -> str:
        """As `take`, for an entry of a session's audit."""
        if isinstance(entry, Connection) and covers(self.limits.forbidden_hosts, entry.host):
            return f"governor: {entry.host} is a forbidden host (connection {entry.decision})"
        return ""

    def _exceeded(self, now_s: float) -> str:
        while self.spent and self.spent[0].time_s < now_s - HOUR_S:
            self.spent.popleft()
        for name in ("steps", "tokens", "typed_characters"):
            allowed = int(getattr(self.limits, f"max_{name}_per_hour"))
            used = sum(int(getattr(cost, name)) for cost in self.spent) if allowed else 0
            if used > allowed:
                words = name.replace("_", " ")
                return f"governor: {used} {words} of all sessions within an hour; {allowed} are permitted"
        return ""

    def _broken_by(self, event: events.Event) -> Iterator[str]:
        if not isinstance(event.data, events.Intent):
            return
        # Where an action goes is for the session's own gate to know; here it is judged by what it says itself.
        for facts in facts_of(event.data.action, Where(), "", event.time):
            if any(covers(self.limits.forbidden_hosts, host) for host in facts.hosts):
                yield f"governor: {', '.join(sorted(facts.hosts))} is a forbidden host"
            for entry in self.rules.rules:
                if entry.rule.decision == "deny" and matches(entry, facts):
                    yield f"governor: {entry.rule.name} denies {facts.kind}"


def _cost(event: events.Event) -> Spent | None:
    match event.data:
        case events.Intent(action=action):
            return Spent(event.time, steps=1, typed_characters=sum(map(characters_of, parts_of(action))))
        case events.Replied(usage=usage):
            return Spent(event.time, tokens=usage.prompt_tokens + usage.output_tokens)
        case _:
            return None
