"""Function calls as text, ``click(x=1, y='two')``: read without running anything. Pure.

A quote that is not escaped inside a text is understood where what follows it cannot end the text; a text that never ends was
cut off, and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from edgeagent_models.families.family import UnreadableReply

MAX_CALLS = 16
MAX_NESTING = 4
_CALL = re.compile(r"(?<![\w.])([A-Za-z_][\w.]{0,60})\s*\(")
_NAMED = re.compile(r"\s*([A-Za-z_]\w{0,60})\s*=(?!=)\s*")
_PLAIN = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?(?![\w.])|[A-Za-z_][\w.]{0,60}")
_AFTER_TEXT = re.compile(r"\s*(?:[)\]]|,\s*(?:[A-Za-z_]\w*\s*=|['\"\[(\d-]|[)\]])|\Z)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_WORDS = {"True": True, "False": False, "None": None, "true": True, "false": False}


@dataclass(slots=True)
class Call:
    """One call: its name, and what stood in the brackets."""

    name: str
    positional: list[object] = field(default_factory=list[object])
    named: dict[str, object] = field(default_factory=dict[str, object])

    def values(self, order: tuple[str, ...]) -> dict[str, object]:
        """All arguments by name; those without one go by ``order``."""
        return dict(zip(order, self.positional, strict=False)) | self.named


def quoted(text: str) -> str:
    """``text`` as a literal that `calls_in` reads back."""
    for plain, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return f"'{text}'"


def calls_in(text: str, names: tuple[str, ...] = ()) -> Iterator[Call]:
    """The calls in ``text`` one after the other (only of ``names``, if given); raises `UnreadableReply` on a broken one."""
    at = found = 0
    while (match := _CALL.search(text, at)) and found < MAX_CALLS:
        at = match.end()
        if names and match[1] not in names:
            continue
        call = Call(match[1])
        at = _read_arguments(call, text, at)
        found += 1
        yield call


def _read_arguments(call: Call, text: str, at: int) -> int:
    while True:
        at = _skip(text, at, ", \n\t\r")
        if at >= len(text):
            if text.rstrip()[-1:] in ("'", '"', "]"):
                return at  # only the bracket is missing: what stands in it was whole
            raise UnreadableReply(f"{call.name}(…) was cut off")
        if text[at] == ")":
            return at + 1
        named = _NAMED.match(text, at)
        value, at = _value(call.name, text, named.end() if named else at, 0)
        if named:
            call.named[named[1]] = value
        else:
            call.positional.append(value)


def _value(name: str, text: str, at: int, depth: int) -> tuple[object, int]:
    char = text[at : at + 1]
    if char in ("'", '"'):
        return _text(name, text, at)
    if char in ("[", "(") and depth < MAX_NESTING:
        return _list(name, text, at, depth)
    match = _PLAIN.match(text, at)
    if match is None:
        raise UnreadableReply(f"{name}(…) cannot be read at {text[at : at + 20]!r}")
    said = match[0]
    if said[0].isdigit() or said[0] == "-":
        return (float(said) if "." in said else int(said)), match.end()
    return _WORDS.get(said, said), match.end()


def _list(name: str, text: str, at: int, depth: int) -> tuple[list[object], int]:
    end = {"[": "]", "(": ")"}[text[at]]
    items: list[object] = []
    at += 1
    while True:
        at = _skip(text, at, ", \n\t\r")
        if at >= len(text):
            raise UnreadableReply(f"{name}(…) was cut off inside a list")
        if text[at] == end:
            return items, at + 1
        value, at = _value(name, text, at, depth + 1)
        items.append(value)


def _text(name: str, text: str, start: int) -> tuple[str, int]:
    quote = text[start]
    out: list[str] = []
    at = start + 1
    while at < len(text):
        char = text[at]
        at += 1
        if char == "\\" and at < len(text):
            out.append(_ESCAPES.get(text[at], char + text[at]))
            at += 1
        elif char == quote and _AFTER_TEXT.match(text, at):
            return "".join(out), at
        else:
            out.append(char)
    raise UnreadableReply(f"{name}(…) was cut off inside a text")


def _skip(text: str, at: int, what: str) -> int:
    while at < len(text) and text[at] in what:
        at += 1
    return at
