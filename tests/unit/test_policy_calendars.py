"""The way to a date through an open calendar: the sign that turns the month, then the day, even where its number was not read."""

from __future__ import annotations

from datetime import date

import pytest

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.embedded.calendars import with_calendar
from edgeagent_models.protocol import Element

CELL, TOP = 40, 100


def calendar(first: date, days: int, unread: frozenset[int] = frozenset(), sunday_first: bool = True) -> tuple[Element, ...]:
    """A month under its name; each week is a row of boxes."""
    found = [
        Element(0, "text", Rect(100, 60, 220, 80), first.strftime("%B %Y")),
        Element(1, "icon", Rect(10, 60, 30, 80)),
        Element(2, "icon", Rect(270, 60, 290, 80)),
    ]
    for number in range(1, days + 1):
        if number not in unread:
            left, top = place(first.replace(day=number), sunday_first)
            found.append(Element(len(found), "button", Rect(left + 4, top + 4, left + CELL - 4, top + CELL - 4), str(number)))
    return tuple(found)


def place(day: date, sunday_first: bool = True) -> tuple[int, int]:
    column = (day.weekday() + 1) % 7 if sunday_first else day.weekday()
    start = (day.replace(day=1).weekday() + (1 if sunday_first else 0)) % 7
    return column * CELL, TOP + (day.day - 1 + start) // 7 * CELL


@pytest.mark.parametrize(("said", "sign"), [("12/24/2016", 1), ("March 3, 2017", 2), ("2017-03-01", 2), ("1/5/2015", 1)])
def test_the_month_is_turned_towards_the_date(said: str, sign: int) -> None:
    shown = calendar(date(2017, 2, 1) if sign == 2 else date(2017, 1, 1), 28)
    way = with_calendar(f"Set the date to {said}.", shown)[-1]
    assert way.text == said
    assert way.box.centre == shown[sign].box.centre


@pytest.mark.parametrize("sunday_first", [True, False])
@pytest.mark.parametrize("unread", [frozenset[int](), frozenset({17}), frozenset({16, 17, 18, 24})])
def test_the_day_is_found_where_it_stands(unread: frozenset[int], sunday_first: bool) -> None:
    way = with_calendar("Set 05/17/2023", calendar(date(2023, 5, 1), 31, unread, sunday_first))[-1]
    left, top = place(date(2023, 5, 17), sunday_first)
    assert left < way.box.centre.x < left + CELL
    assert top < way.box.centre.y < top + CELL


def test_without_a_date_or_a_calendar_nothing_is_added() -> None:
    shown = calendar(date(2023, 5, 1), 31)
    assert with_calendar("Click 17", shown) == shown
    assert with_calendar("Set 05/17/2023", shown[:8]) == shown[:8]
