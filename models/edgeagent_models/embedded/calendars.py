"""Calendars: the way to the date that the task names (the sign that turns the month, then the day) as a link that says it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_models.embedded.dates import MONTHS, parse_date
from edgeagent_models.embedded.instruction import parse
from edgeagent_models.protocol import Element

_TITLE = re.compile(r"([a-z]{3,9})\.?,?\s*(\d{4})", re.IGNORECASE)
_DATE_WORDS = 5
_LEAST_DAYS = 10
"""Fewer numbers below a month's name are no calendar."""
_CELL_PX = 8
"""Half the side of the place that is offered."""


class _Title(NamedTuple):
    """The month that a calendar shows, and where it says so."""

    year: int
    month: int
    box: Rect


def with_calendar(task: str, elements: tuple[Element, ...]) -> tuple[Element, ...]:
    """``elements``, and behind them the way to the task's date if a calendar is open."""
    wanted = _asked_date(task)
    title = _title(elements) if wanted is not None else None
    if wanted is None or title is None:
        return elements
    said, day = wanted
    days = _days(elements, title)
    if len(days) < _LEAST_DAYS:
        return elements
    turn = (day.year, day.month) != (title.year, title.month)
    place = _arrow(elements, title, days, (day.year, day.month) > (title.year, title.month)) if turn else _cell(day, days)
    box = Rect(round(place.x) - _CELL_PX, round(place.y) - _CELL_PX, round(place.x) + _CELL_PX, round(place.y) + _CELL_PX)
    return (*elements, Element(len(elements), "link", box, said, score=0.5))


def _asked_date(task: str) -> tuple[str, date] | None:
    """The first date in the task, as it is written there."""
    instruction = parse(task)
    for start in range(len(instruction.words)):
        for end in reversed(range(start, min(start + _DATE_WORDS, len(instruction.words)))):
            said = instruction.span_text(start, end)
            day = parse_date(said)
            if day is not None:
                return said, day
    return None


def _title(elements: Sequence[Element]) -> _Title | None:
    """The name of a month with its year, in one text or in two side by side."""
    texts = [(e.text.strip(), e.box) for e in elements]
    beside = [
        (f"{a.text.strip()} {b.text.strip()}", a.box.union(b.box))
        for a, b in pairwise(elements)
        if abs(a.box.top - b.box.top) < a.box.height
    ]
    for text, box in (*texts, *beside):
        match = _TITLE.fullmatch(text)
        if match and match[1][:3].lower() in MONTHS:
            return _Title(int(match[2]), MONTHS.index(match[1][:3].lower()) + 1, box)
    return None


def _days(elements: Sequence[Element], title: _Title) -> list[tuple[date, Point]]:
    """The days that were read below the title, each once, with the middle of its place."""
    found: dict[int, Point] = {}
    for element in elements:
        numbers = element.text.split()
        if element.box.top < title.box.bottom - 4 or not numbers or not all(n.isdigit() and len(n) < 3 for n in numbers):
            continue
        width = element.box.width / len(numbers)
        for k, number in enumerate(numbers):
            found.setdefault(int(number), Point(element.box.left + width * (k + 0.5), element.box.centre.y))
    days: list[tuple[date, Point]] = []
    for number, place in sorted(found.items()):
        try:
            days.append((date(title.year, title.month, number), place))
        except ValueError:
            continue  # no day of this month
    return days


def _cell(wanted: date, days: Sequence[tuple[date, Point]]) -> Point:
    """Where the wanted day stands: where it was read, else where the grid of the others has it."""
    for day, place in days:
        if day == wanted:
            return place
    fits = [_fitted(wanted, days, first) for first in (0, 6)]  # weeks that begin on Monday or on Sunday
    return min(fits, key=lambda fit: fit[0])[1]


def _fitted(wanted: date, days: Sequence[tuple[date, Point]], first_weekday: int) -> tuple[float, Point]:
    """The place by the best straight grid, and how badly that fits."""

    def at(day: date) -> tuple[int, int]:
        column = (day.weekday() - first_weekday) % 7
        return column, (day.day - 1 - column + 6) // 7

    cells = np.array([at(day) for day, _ in days], float)
    places = np.array([(place.x, place.y) for _, place in days])
    column, row = at(wanted)
    across, misfit, *_ = np.polyfit(cells[:, 0], places[:, 0], 1, full=True)
    down = np.polyfit(cells[:, 1], places[:, 1], 1)
    return float(misfit.sum()), Point(float(np.polyval(across, column)), float(np.polyval(down, row)))


def _arrow(elements: Sequence[Element], title: _Title, days: Sequence[tuple[date, Point]], onward: bool) -> Point:
    """What turns the month: the sign beside its name, else the corner where that sign is by habit."""
    middle = title.box.centre
    signs = [
        e
        for e in elements
        if title.box.top <= e.box.centre.y <= title.box.bottom
        and (e.box.left >= title.box.right - 2 if onward else e.box.right <= title.box.left + 2)
        and e.box.width <= 4 * title.box.height
    ]
    if signs:
        return min(signs, key=lambda e: abs(e.box.centre.x - middle.x)).box.centre
    edge = max(place.x for _, place in days) if onward else min(place.x for _, place in days)
    return Point(edge, middle.y)
