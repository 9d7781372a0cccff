"""Asking the user: what is asked, what is answered, and what an answer covers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from edgeagent.policy.facts import Facts, manner_of, parts_of, points_of, text_of
from edgeagent.policy.grants import near
from edgeagent_harness.protocol.actions import Action, SingleAction, Type, action_kind

Said = Literal["yes", "always", "no"]
"""``always``: also for what `edgeagent.policy.grants` takes for the same, for its `GRANT_S`."""


@dataclass(frozen=True, slots=True)
class Instead:
    """The user's answer is another action, to be done in place of the one asked about."""

    action: Action


Answer: TypeAlias = Said | Instead
TO_BE_APPROVED = "to be approved"
"""How the message begins of a run that ended for want of an answer."""


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
    again: str = ""
    """What ``always`` would cover, in words; empty: no more than ``yes``."""


class Asker(Protocol):
    """Somebody who can be asked: a person at a terminal, never the screen."""

    async def ask(self, question: Question) -> Answer: ...


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
    if action_kind(one) != action_kind(other) or text_of(one) != text_of(other) or manner_of(one) != manner_of(other):
        return False
    if isinstance(one, Type) and isinstance(other, Type) and one.secret_ref != other.secret_ref:
        return False
    places, others = points_of(one), points_of(other)
    return len(places) == len(others) and all(near(a.pixel(), b.pixel()) for a, b in zip(places, others, strict=True))
