"""What was done so far, as the policy remembers it between steps: opaque to the app, which keeps it in the log."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.protocol import Element, PastStep, Role

_MAX_DEEDS = 200
_MAX_SEEN = 400


class Deed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One decision."""

    kind: str
    step: int
    """How many steps had been executed when it was taken."""
    typed: tuple[int, int] | None = None
    """The instruction's words that were typed, inclusive."""
    said: tuple[tuple[int, int], ...] = ()
    """The instruction's words that named the target."""
    role: Role = "text"
    box: Rect | None = None
    text: str = ""
    label: str = ""
    value: str = ""
    """What was typed."""
    doubt: bool = False
    """It was a wait for an answer to the deed before; the network, which did not choose it, is not told of it."""
    news: bool = True
    """The screen that it was decided on said something that the one before did not."""
    took: bool = True
    """What was typed or chosen shows on the next screen, as far as that can be told."""


class Memory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All decisions, and what the screen said at the last one."""

    deeds: tuple[Deed, ...] = ()
    seen: tuple[int, ...] = ()
    """Short hashes of the texts on the screen at the last decision."""
    met: tuple[int, ...] = ()
    """The instruction's words that name what was so already on some screen: a ticked box, a value in its field."""
    complaint: str = ""
    """What the screen says against what was done."""


@dataclass(frozen=True, slots=True)
class Done:
    """A deed that was executed, with its effect: ``ok`` unless nothing changed or it was not taken."""

    deed: Deed
    ok: bool


def decode(text: str) -> Memory:
    """The memory in ``text``; one that cannot be read is an empty one, the policy then goes by the screen alone."""
    if not text:
        return Memory()
    try:
        return msgspec.json.decode(text.encode(), type=Memory)
    except msgspec.DecodeError:
        return Memory()


def encode(memory: Memory) -> str:
    return msgspec.json.encode(memory).decode()


def remember(memory: Memory, deed: Deed, elements: Sequence[Element]) -> Memory:
    """``memory`` with one more deed, decided on a screen with ``elements``."""
    deed = msgspec.structs.replace(deed, news=says_news(memory, elements))
    seen = tuple(sorted(fingerprints(elements)))[:_MAX_SEEN]
    return msgspec.structs.replace(memory, deeds=(*memory.deeds, deed)[-_MAX_DEEDS:], seen=seen)


def says_news(memory: Memory, elements: Sequence[Element]) -> bool:
    """Whether ``elements`` say something that the screen of the last decision did not."""
    return bool({fingerprint(e) for e in elements if e.text} - set(memory.seen))


def fingerprints(elements: Sequence[Element]) -> set[int]:
    """Short hashes of what the elements say."""
    return {fingerprint(e) for e in elements}


def fingerprint(element: Element) -> int:
    """A short hash of what the element says, or of where it is if it says nothing."""
    key = element.text or f"{element.role}{element.label}{element.box.left // 8},{element.box.top // 8}"
    return zlib.crc32(key.encode()) & 0xFFFFF


def executed(memory: Memory, history: Sequence[PastStep]) -> list[Done]:
    """The deeds that became steps: of several taken at the same step only the last one did, and only if the step exists."""
    by_step = {deed.step: deed for deed in memory.deeds}
    done: list[Done] = []
    for step, deed in sorted(by_step.items()):
        if step < len(history):
            effect = history[step].effect
            if effect != "refused":
                done.append(Done(deed, effect != "suspected_noop" and deed.took))
    return done
