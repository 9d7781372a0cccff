"""Finds the values of secrets in texts and takes them out. Pure.

Found are the value itself in any case, and what programs commonly make of it: base64 (at any alignment, both alphabets),
percent and plus encoding, hexadecimal, and the escapes of JSON and HTML. A value that was encrypted, compressed, reversed or
spread with other characters between is not found.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar
from urllib.parse import quote, quote_plus

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

PREFIX_CHARS = 3
"""So much of a value's beginning, typed as the end of a text, counts as a part of it: the rest may come with the next action."""
_ENCODED_CHARS = 6
"""Shorter pieces of base64 stand in ordinary text too."""


def reference(name: str) -> str:
    """How a text refers to the secret ``name``."""
    return f"{{secret:{name}}}"


class Scrubber:
    """Takes the given values (name -> value) out of texts, each replaced by its `reference`."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        forms = {form: name for name, value in values.items() for form in forms_of(value)}
        self._names = forms
        # Longest first: of two that begin alike the longer one is the whole.
        alternatives = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
        self._pattern = re.compile(alternatives, re.IGNORECASE) if alternatives else None

    def text(self, text: str) -> str:
        """``text`` without any value."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: reference(self._name(match[0])), text)

    def struct(self, value: T) -> T:
        """``value`` with every string in it scrubbed."""
        if self._pattern is None:
            return value
        plain = msgspec.to_builtins(value)
        scrubbed = self._deep(plain)
        return value if scrubbed == plain else msgspec.convert(scrubbed, type(value))

    def partial(self, before: str, text: str) -> bool:
        """Whether typing ``text`` after ``before`` completes a value, or ends in the beginning of one."""
        run = (before + text).casefold()
        start = len(before)
        for value in self._values.values():
            whole = value.casefold()
            found = run.rfind(whole)
            if found >= 0 and found + len(whole) > start:
                return True
            longest = min(len(whole) - 1, len(run))
            if any(run.endswith(whole[:count]) for count in range(PREFIX_CHARS, longest + 1)):
                return True
        return False

    def completes(self, before: str, text: str) -> bool:
        """Whether ``before`` and ``text`` together hold a value that ``text`` has a part in."""
        joined = before + text
        return self._pattern is not None and any(match.end() > len(before) for match in self._pattern.finditer(joined))

    def _name(self, found: str) -> str:
        """Whose form ``found`` is; by the same expression that found it, as case is not one thing in Unicode."""
        alike = (name for form, name in self._names.items() if re.fullmatch(re.escape(form), found, re.IGNORECASE))
        return self._names.get(found) or next(alike, "?")

    def _deep(self, value: object) -> object:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {key: self._deep(item) for key, item in value.items()}
            case list() | tuple():
                return [self._deep(item) for item in value]
            case _:
                return value


def forms_of(value: str) -> Iterator[str]:
    """``value`` and what programs commonly make of it."""
    raw = value.encode()
    yield from {value, value.upper(), value.lower()}  # those that change beyond case, as ß does, are other characters
    yield from {quote(value, safe=""), quote(value), quote_plus(value), html.escape(value), json.dumps(value)[1:-1]}
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield raw.hex()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield from filter(_is_telling, (_inner_base64(encode, raw, lead) for lead in range(3)))


def _is_telling(form: str) -> bool:
    return len(form) >= _ENCODED_CHARS


def _inner_base64(encode: Callable[[bytes], bytes], raw: bytes, lead: int) -> str:
    """The characters of the encoding that depend on ``raw`` alone when ``lead`` other bytes stand before it."""
    encoded = encode(b"\0" * lead + raw).decode().rstrip("=")
    bits = (lead + len(raw)) * 8
    return encoded[-(-lead * 8 // 6) : bits // 6]
