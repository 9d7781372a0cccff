"""Reads a grammar in llama.cpp's notation (GBNF), so that it can be asked what must come next. Pure.

llama.cpp's own grammar sampler says whether a token may come, and cannot say that only one text can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

_TOKEN = re.compile(
    r"""\s*(?:\#[^\n]*\n\s*)*(?:
        (?P<rule>[A-Za-z0-9-]+)\s*::=   | (?P<name>[A-Za-z0-9-]+)
        | "(?P<text>(?:[^"\\]|\\.)*)"   | \[(?P<set>\^?(?:[^\]\\]|\\.)*)\]
        | (?P<times>[*+?]|\{\d+(?:,\d*)?\}) | (?P<mark>[|().])
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x(?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|(?P<char>.))", re.DOTALL)
_NAMED = {"n": "\n", "r": "\r", "t": "\t"}


class NotUnderstood(ValueError):
    """The text is no grammar, or uses what is not read here."""


@dataclass(frozen=True, slots=True, eq=False)
class Chars:
    """One character: of ``ranges``, or of none of them if ``negated``. Equal to itself alone, which is quick to tell."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def has(self, char: str) -> bool:
        return any(low <= char <= high for low, high in self.ranges) != self.negated

    @property
    def single(self) -> str:
        """The only character, else empty."""
        ((low, high),) = self.ranges if len(self.ranges) == 1 else (("", "-"),)
        return low if low == high and not self.negated else ""


@dataclass(frozen=True, slots=True, eq=False)
class Ref:
    """Whatever rule ``rule`` says."""

    rule: int


Element: TypeAlias = Chars | Ref
Sequence: TypeAlias = tuple[Element, ...]
Rules: TypeAlias = list[tuple[Sequence, ...]]
"""Of each rule its alternatives. Rule 0 is the root."""
_ANY = Chars((), negated=True)


def read(text: str) -> Rules:
    """The rules of ``text``. Raises `NotUnderstood`."""
    return _Reader(text).rules


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._numbers: dict[str, int] = {"root": 0}
        self.rules: Rules = [()]
        while self._at < len(self._tokens):
            kind, name = self._tokens[self._at]
            if kind != "rule":
                raise NotUnderstood(f"a rule was expected, not {name!r}")
            self._at += 1
            self.rules[self._number(name)] = self._alternatives()
        if not all(self.rules):
            raise NotUnderstood("a rule is used and nowhere said")

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = self._new(())
        return self._numbers[name]

    def _new(self, alternatives: tuple[Sequence, ...]) -> int:
        self.rules.append(alternatives)
        return len(self.rules) - 1

    def _alternatives(self) -> tuple[Sequence, ...]:
        found = [self._sequence()]
        while self._next_is("mark", "|"):
            self._at += 1
            found.append(self._sequence())
        return tuple(found)

    def _sequence(self) -> Sequence:
        found: list[Element] = []
        while self._at < len(self._tokens):
            kind, value = self._tokens[self._at]
            if kind == "rule" or (kind == "mark" and value in "|)"):
                break
            self._at += 1
            found += self._repeated(self._item(kind, value))
        return tuple(found)

    def _item(self, kind: str, value: str) -> Sequence:
        if kind == "text":
            return tuple(Chars(((char, char),)) for char in _unescaped(value))
        if kind == "set":
            return (_chars(value),)
        if kind == "name":
            return (Ref(self._number(value)),)
        if value == ".":
            return (_ANY,)
        if value != "(":
            raise NotUnderstood(f"{value!r} stands where nothing can be repeated")
        inside = self._alternatives()
        if not self._next_is("mark", ")"):
            raise NotUnderstood("a bracket is not closed")
        self._at += 1
        return (Ref(self._new(inside)),)

    def _repeated(self, item: Sequence) -> Sequence:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != "times":
            return item
        low, high = _bounds(self._tokens[self._at][1])
        self._at += 1
        if high is None:
            more = self._new(())
            self.rules[more] = ((*item, Ref(more)), ())
            return (*item * low, Ref(more))
        tail: Sequence = ()
        for _ in range(high - low):
            tail = (Ref(self._new(((*item, *tail), ()))),)
        return (*item * low, *tail)

    def _next_is(self, kind: str, value: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at] == (kind, value)


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise NotUnderstood(f"not understood from {text[at : at + 20]!r} on")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


def _bounds(times: str) -> tuple[int, int | None]:
    """Least and most repetitions; None: without end."""
    simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
    if times in simple:
        return simple[times]
    low, comma, high = times[1:-1].partition(",")
    return int(low), (int(high) if high else None) if comma else int(low)


def _chars(inside: str) -> Chars:
    negated = inside.startswith("^")
    # An escaped minus or bracket is a plain character: marks are looked for before escapes are resolved.
    parts = re.findall(r"(?:\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\.|[^\\])", inside[negated:], re.DOTALL)
    ranges: list[tuple[str, str]] = []
    at = 0
    while at < len(parts):
        low = _unescaped(parts[at])
        is_range = at + 2 < len(parts) and parts[at + 1] == "-"
        ranges.append((low, _unescaped(parts[at + 2]) if is_range else low))
        at += 3 if is_range else 1
    return Chars(tuple(ranges), negated)


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match["x"] or match["u"] or match["U"]
        return chr(int(code, 16)) if code else _NAMED.get(match["char"], match["char"])

    return _ESCAPE.sub(one, text)
