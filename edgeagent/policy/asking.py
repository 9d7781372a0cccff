"""Asking the user: what is asked, what is answered, and what an answer covers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from edgeagent.policy.facts import Facts, parts_of, points_of, text_of
from edgeagent_harness.protocol.actions import Action, SingleAction, Type, action_kind

Said = Literal["yes", "always", "no"]
"""``always``: for the same thing in the same place again, for `GRANT_S`."""
GRANT_S = 900.0


@dataclass(frozen=True, slots=True)
class Instead:
    """The user's answer is another action, to be done in place of the one asked about."""

    action: Action


Answer: TypeAlias = Said | Instead
TO_BE_APPROVED = "to be approved"
"""How the message begins of a run that ended for want of an answer."""
_SAME_PLACE_PX = 24


@dataclass(frozen=True, slots=True)
class Question:
    """What the user decides on. Everything in it may quote a screen: show it with control characters escaped."""

    action: str
    """In words."""
    rule: str
    places: tuple[str, ...]
    """Applications and hosts that it goes to, as the sandbox and the browser state them."""
    why: str = ""
    proposed: Action | None = None
    """What would be done, where the user may put something else in its place."""


class Asker(Protocol):
    """Somebody who can be asked: a person at a terminal, never the screen."""

    async def ask(self, question: Question) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Grant:
    """The user's word for one thing: the same kinds of action with the same text, to the same applications and hosts, at the
    same places (within 24 px)."""

    facts: tuple[Facts, ...]
    until_s: float
    """On the monotonic clock."""
    once: bool

    def covers(self, facts: tuple[Facts, ...]) -> bool:
        return len(facts) == len(self.facts) and all(map(_alike, self.facts, facts))


@dataclass(slots=True)
class Grants:
    """What the user has permitted in this run."""

    given: list[Grant] = field(default_factory=list[Grant])

    def add(self, facts: tuple[Facts, ...], now_s: float, once: bool) -> None:
        self.given.append(Grant(facts, now_s + GRANT_S, once))

    def take(self, facts: tuple[Facts, ...], now_s: float) -> bool:
        """Whether a grant covers ``facts``; one that holds once is used up by it."""
        self.given = [grant for grant in self.given if grant.until_s > now_s]
        for grant in self.given:
            if grant.covers(facts):
                if grant.once:
                    self.given.remove(grant)
                return True
        return False


def places_of(facts: Iterable[Facts]) -> tuple[str, ...]:
    """Where an action goes, in words."""
    found: list[str] = []
    for one in facts:
        found += [*sorted(one.hosts), *(sorted(one.processes) or sorted(one.applications))]
    return tuple(dict.fromkeys(found))


def is_like(approved: Action, wanted: Action) -> bool:
    """Whether ``wanted`` does what ``approved`` does, at about the same places: a restart moves things a little."""
    one, other = parts_of(approved), parts_of(wanted)
    return len(one) == len(other) and all(map(_same_deed, one, other))


def _same_deed(one: SingleAction, other: SingleAction) -> bool:
    if action_kind(one) != action_kind(other) or text_of(one) != text_of(other):
        return False
    if isinstance(one, Type) and isinstance(other, Type) and one.secret_ref != other.secret_ref:
        return False
    places, others = points_of(one), points_of(other)
    return len(places) == len(others) and all(_near(a.pixel(), b.pixel()) for a, b in zip(places, others, strict=True))


def _alike(granted: Facts, wanted: Facts) -> bool:
    same = ("kind", "processes", "applications", "hosts", "sure_hosts", "text", "secret")
    return (
        all(getattr(granted, name) == getattr(wanted, name) for name in same)
        and len(granted.points) == len(wanted.points)
        and all(map(_near, granted.points, wanted.points))
    )


def _near(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return abs(one[0] - other[0]) <= _SAME_PLACE_PX and abs(one[1] - other[1]) <= _SAME_PLACE_PX
