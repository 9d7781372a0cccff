"""Patterns that match in linear time whatever they say: RE2, so none can hang the gate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, cast

import re2

_MAX_PROGRAM_BYTES = 1 << 20


class Match(Protocol):
    """Where a pattern was found."""

    def start(self) -> int: ...

    def end(self) -> int: ...


class Pattern(Protocol):
    """A compiled pattern."""

    def finditer(self, text: str) -> Iterator[Match]: ...

    def search(self, text: str) -> object | None: ...

    def fullmatch(self, text: str) -> object | None: ...


class BadPattern(ValueError):
    """No RE2 pattern, or one that is too large; the text says why."""


def compile_text(pattern: str) -> Pattern:
    """``pattern`` in RE2's syntax (no back references, no look-around). Raises `BadPattern`."""
    try:
        return cast(Pattern, re2.compile(pattern, _options()))
    except re2.error as error:
        reason: Any = error.args[0] if error.args else error
        raise BadPattern(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)) from error


def glob(pattern: str) -> Pattern:
    """A whole text by ``*`` and ``?``, in which case does not count; for `Pattern.fullmatch`."""
    parts = {"*": ".*", "?": "."}
    return compile_text("(?is)" + "".join(parts.get(char) or str(re2.escape(char)) for char in pattern))


def _options() -> Any:
    options = re2.Options()
    options.max_mem = _MAX_PROGRAM_BYTES
    options.log_errors = False
    return options
