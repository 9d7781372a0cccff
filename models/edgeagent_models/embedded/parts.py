"""The parts of a task that ask for something that can be seen: "tick A, turn off B, set C to 4, then save"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from edgeagent_models.embedded.instruction import Instruction, parse

_ASKED_WORDS = """tick check untick uncheck choose select pick set turn switch enable disable toggle enter type write rename
remove delete add save change"""
_ASKED = frozenset(_ASKED_WORDS.split())
ORDERS = _ASKED | frozenset(
    {"press", "click", "tap", "push", "hit", "submit", "send", "confirm", "log", "sign", "open", "close", "go"}
)
"""Words that begin a part of a task."""
_LINKING = frozenset({"and", "then", "finally", "also", "next", "afterwards", "please"})
_CONDITIONAL = frozenset({"if", "unless", "otherwise", "when", "once", "until", "except"})
_SENTENCE_END = frozenset(".;!?\n")
_SETTING = frozenset({"set", "change", "rename"})
_SWITCHED_OFF = frozenset({"uncheck", "untick", "disable"})
_SWITCHED_ON = frozenset({"check", "tick", "enable"})
_TURNED = frozenset({"turn", "switch"})


@dataclass(frozen=True, slots=True)
class Part:
    """Words ``start`` to ``end`` (inclusive) of the task, which begin with ``verb``."""

    verb: str
    start: int
    end: int
    value: frozenset[int] = frozenset()
    """The words after "to", where it says what to set something to."""
    switched: bool | None = None
    """Whether it asks for something to be on; None where it asks for neither."""


@lru_cache(maxsize=256)
def parts_of(source: str) -> tuple[Part, ...]:
    """The parts of the task ``source``. What depends on a condition is left out."""
    return tuple(_parts(parse(source)))


def _parts(instruction: Instruction) -> Iterator[Part]:
    words, conditional = instruction.words, False
    begins: list[tuple[int, bool]] = []  # where a part begins, and whether it asks for something
    for i, word in enumerate(words):
        if i and words[i - 1].trailing in _SENTENCE_END:
            conditional = False
        conditional |= not word.quoted and word.text.casefold() in _CONDITIONAL
        anew = i == 0 or words[i - 1].clause != word.clause
        asks = _verb(instruction, i) is not None and (anew or words[i - 1].trailing == ",")
        if not word.quoted and (anew or asks):
            begins.append((i, asks and not conditional))
    for (start, asks), (following, _) in pairwise([*begins, (len(words), False)]):
        verb = _verb(instruction, start)
        if asks and verb is not None and following - 1 > verb:
            yield _part(instruction, verb, start, following - 1)


def _verb(instruction: Instruction, start: int) -> int | None:
    """The word that asks for something, at ``start`` or after "and then"; None: there is none."""
    words = instruction.words
    at = next((k for k in range(start, min(start + 3, len(words))) if words[k].text.casefold() not in _LINKING), start)
    return at if words[at].text.casefold() in _ASKED and not words[at].quoted else None


def _part(instruction: Instruction, verb: int, start: int, end: int) -> Part:
    said = [word.text.casefold() for word in instruction.words[: end + 1]]
    to = next((i for i in reversed(range(verb + 1, end)) if said[i] == "to"), None)
    value = frozenset(range(to + 1, end + 1)) if to is not None and said[verb] in _SETTING else frozenset[int]()
    return Part(said[verb], start, end, value, _switched(said[verb], said[verb + 1 : end + 1]))


def _switched(verb: str, rest: list[str]) -> bool | None:
    if verb in _SWITCHED_OFF or (verb in _TURNED and "off" in rest):
        return False
    return True if verb in _SWITCHED_ON or (verb in _TURNED and "on" in rest) else None
