"""What stands in a call, read by name: lenient about how a value is spelled, strict about what it means. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import msgspec

from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families.family import UnreadableReply
from edgeagent_models.families.grid import GridKind, View, physical

_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?")
_KEY_SEPARATOR = re.compile(r"\s*\+\s*|\s+")
MAX_WAIT_S = 60


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one call of ``verb``. Each reader raises `UnreadableReply` naming the verb and the argument."""

    verb: str
    values: Mapping[str, object]
    kind: GridKind
    view: View

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A text; numbers count as what is written."""
        value = self._value(name, default)
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise self.wrong(name, "a text")

    def number(self, name: str, default: float | None = None) -> float:
        value = self._value(name, default)
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e9:
            raise self.wrong(name, "a number")
        return float(value)

    def integer(self, name: str, default: int | None = None) -> int:
        return round(self.number(name, default))

    def duration_ms(self, name: str, default_s: float) -> int:
        """``name`` is in seconds; at most `MAX_WAIT_S`."""
        return round(min(MAX_WAIT_S, max(0.0, self.number(name, default_s))) * 1000)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._value(name, default)
        if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        if isinstance(value, bool):
            return value
        raise self.wrong(name, "true or false")

    def choice(self, name: str, choices: Mapping[str, str], default: str | None = None) -> str:
        """What ``choices`` has for the value."""
        said = self.text(name, default).strip().lower()
        if said not in choices:
            raise self.wrong(name, f"one of {', '.join(choices)}")
        return choices[said]

    def keys(self, name: str) -> tuple[str, ...]:
        """A chord: a list of keys, or one text such as ``ctrl+a`` or ``ctrl a``."""
        value = self._value(name, None)
        if isinstance(value, str) and value.lstrip().startswith("["):
            try:
                value = cast("object", msgspec.json.decode(value))
            except msgspec.MsgspecError:
                raise self.wrong(name, "a list of keys") from None
        if isinstance(value, str):
            return _chord(value) or (" ",)
        if not isinstance(value, list | tuple) or not value:
            raise self.wrong(name, "a list of keys")
        keys = cast("list[object]", value)
        if not all(isinstance(key, str) and key for key in keys):
            raise self.wrong(name, "a list of keys")
        names = tuple(map(str, keys))
        return _chord(names[0]) if len(names) == 1 and len(names[0]) > 1 else names

    def point(self, name: str) -> Point:
        """A place ``[x, y]``, ``(x,y)``, ``<point>x y</point>``, ``{"x": …, "y": …}``, or a box, whose middle it is."""
        numbers = _numbers(self._value(name, None))
        if len(numbers) == 4:
            numbers = [(numbers[0] + numbers[2]) / 2, (numbers[1] + numbers[3]) / 2]
        if len(numbers) != 2:
            raise self.wrong(name, "a point of two numbers")
        return self._place(*numbers)

    def xy(self, x: str = "x", y: str = "y") -> Point:
        """The place whose numbers stand under two names; both under ``x`` are understood too."""
        if self.has(x) and not self.has(y):
            return self.point(x)
        return self._place(self.number(x), self.number(y))

    def point_or_middle(self, name: str) -> Point:
        """As `point`; the middle of the screen where none is named."""
        return self.point(name) if self.has(name) else self.middle

    @property
    def middle(self) -> Point:
        return Point((self.view.width - 1) // 2, (self.view.height - 1) // 2)

    def wrong(self, name: str, wanted: str) -> UnreadableReply:
        """The error for a value that is not what was wanted."""
        return UnreadableReply(f"{self.verb}: {name} must be {wanted}")

    def _place(self, x: float, y: float) -> Point:
        try:
            return physical(self.kind, x, y, self.view)
        except ValueError as error:
            raise UnreadableReply(f"{self.verb}: {error}") from error

    def _value(self, name: str, default: object) -> object:
        value = self.values.get(name)
        if value is None:
            value = default
        if value is None:
            raise UnreadableReply(f"{self.verb} needs {name}")
        return value


def _chord(text: str) -> tuple[str, ...]:
    """``ctrl+a`` and ``ctrl a`` as two keys; a plus at the end is the key itself."""
    text = text.strip()
    if text.endswith("+"):
        return (*_chord(text[:-1].rstrip("+ ")), "+")
    return tuple(key for key in _KEY_SEPARATOR.split(text) if key)


def _numbers(value: object) -> list[float]:
    """The numbers in ``value``; none if it is something else."""
    match value:
        case str():
            return [float(number) for number in _NUMBER.findall(value)]
        case {"x": x, "y": y}:
            return _numbers([x, y])
        case list() | tuple():
            found = [_number(item) for item in cast("list[object]", value)]
            return [number for number in found if number is not None] if None not in found else []
        case _:
            return []


def _number(value: object) -> float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9 or not math.isfinite(value):
        return None
    return float(value)
