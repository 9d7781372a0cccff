"""Patterns in texts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from edgeagent.errors import UsageError
from edgeagent.policy.patterns import BadPattern, Pattern, compile_text
from edgeagent_harness.policy.redaction import Matching
from edgeagent_harness.protocol.geometry import Rect

T = TypeVar("T", bound=msgspec.Struct)

_NO_TEXT = frozenset(
    {
        "kind", "frame", "head", "model", "mmproj", "family", "home", "policy_yaml", "policy_name", "layers", "missing_layers",
        "version", "machine", "keys", "key", "modifiers", "button", "role", "status", "outcome", "secret_ref", "source",
    }
)  # fmt: skip
"""Fields that a program reads, which a pattern could hit by chance."""


@dataclass(frozen=True, slots=True)
class Word:
    """A text that was read off a screen, with where it stands."""

    text: str
    box: Rect


class Patterns:
    """The patterns of a policy, compiled."""

    def __init__(self, patterns: Sequence[Matching], source: str) -> None:
        """``source`` is what errors call the policy. Raises `UsageError`."""
        self._compiled = [(pattern.name, _compiled(pattern, source)) for pattern in patterns]
        self.taken_out: Counter[str] = Counter()
        """Pattern -> pieces of text that were taken out since this was last emptied."""

    def __bool__(self) -> bool:
        return bool(self._compiled)

    def text(self, text: str) -> str:
        """``text`` with ``[redacted NAME]`` in place of what a pattern matches."""
        for name, pattern in self._compiled:
            parts: list[str] = []
            end = 0
            for begin, stop in _spans(pattern, text):
                parts += [text[end:begin], f"[redacted {name}]"]
                end = stop
                self.taken_out[name] += 1
            text = "".join([*parts, text[end:]])
        return text

    def struct(self, value: T) -> T:
        """``value`` with every text in it redacted."""
        if not self._compiled:
            return value
        plain = msgspec.to_builtins(value)
        redacted = self._deep(plain)
        return value if redacted == plain else msgspec.convert(redacted, type(value))

    def on_screen(self, words: Sequence[Word]) -> Iterator[tuple[str, Rect]]:
        """(pattern, box) of each word that a pattern's match lies in, also where it goes over several words of a line."""
        for line in lines_of(words):
            text = " ".join(word.text for word in line)
            for name, pattern in self._compiled:
                for begin, end in _spans(pattern, text):
                    yield from ((name, box) for box in _boxes(line, begin, end))

    def _deep(self, value: object) -> object:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {key: item if key in _NO_TEXT else self._deep(item) for key, item in value.items()}
            case list() | tuple():
                return [self._deep(item) for item in value]
            case _:
                return value


def lines_of(words: Sequence[Word]) -> list[list[Word]]:
    """``words`` by the lines that they stand in, each from left to right: a number is often read in pieces."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (word.box.top, word.box.left)):
        for line in lines:
            if _same_line(line[-1].box, word.box):
                line.append(word)
                break
        else:
            lines.append([word])
    return [sorted(line, key=lambda word: word.box.left) for line in lines]


def _same_line(one: Rect, other: Rect) -> bool:
    """Whether the smaller of the two stands by half or more beside the other."""
    common = min(one.bottom, other.bottom) - max(one.top, other.top)
    return common * 2 >= min(one.height, other.height) > 0


def _boxes(line: Sequence[Word], begin: int, end: int) -> Iterator[Rect]:
    at = 0
    for word in line:
        if at < end and begin < at + len(word.text):
            yield word.box
        at += len(word.text) + 1


def _spans(pattern: Pattern, text: str) -> Iterator[tuple[int, int]]:
    """Where ``pattern`` matches; what matches nothing at a place takes nothing out."""
    for found in pattern.finditer(text):
        if found.end() > found.start():
            yield found.start(), found.end()


def _compiled(pattern: Matching, source: str) -> Pattern:
    try:
        return compile_text(pattern.match)
    except BadPattern as error:
        raise UsageError(f"{source}, line {pattern.line}: redaction.patterns: {pattern.name}: {error}") from error
