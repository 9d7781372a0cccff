"""Dates as people write them, and as date fields want them typed."""

from __future__ import annotations

import re
from datetime import date

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_SLASHED = re.compile(r"(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})")
_WORDED = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?(?:\s+of)?[\s,]+)?([a-z]{3,9})\.?[\s,]+(?:(\d{1,2})(?:st|nd|rd|th)?[\s,]+)?(\d{4})"
)
_DATE_MASK = re.compile(
    r"(m{1,2}|d{1,2}|y{2,4}|jj|tt|\d{1,4})\s*[/.\-]\s*(m{1,2}|d{1,2}|\d{1,2})\s*[/.\-]\s*(m{1,2}|d{1,2}|y{2,4}|\d{2,4})",
    re.IGNORECASE,
)


def parse_date(text: str) -> date | None:
    """The date that ``text`` is, if it is one: 2026-03-05, 03/05/2026 (month first), 5.3.2026 (day first), 5 March 2026…"""
    cleaned = text.strip().strip("\"'“”").lower()
    try:
        if match := _ISO.fullmatch(cleaned):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _SLASHED.fullmatch(cleaned):
            return _slashed(int(match[1]), match[2], int(match[3]), int(match[4]))
        if match := _WORDED.fullmatch(cleaned):
            return _worded(match)
    except ValueError:
        return None
    return None


def _slashed(first: int, separator: str, second: int, year: int) -> date:
    day_first = separator == "." or first > 12
    return date(year, second, first) if day_first else date(year, first, second)


def _worded(match: re.Match[str]) -> date | None:
    month, day = match[2][:3], match[1] or match[3]
    if month not in MONTHS or not day:
        return None
    return date(int(match[4]), MONTHS.index(month) + 1, int(day))


def is_date_mask(text: str) -> bool:
    """Whether a field that shows ``text`` is a date field (its mask, or a date in it)."""
    return _DATE_MASK.search(text.strip()) is not None


def typed_into_mask(value: date, shown: str) -> str:
    """What to type for ``value`` into a date field that shows ``shown``.

    Chromium's field takes digits and moves on by itself; its order is that of its mask (month first unless it says otherwise).
    """
    mask = shown.strip().lower()
    if mask.startswith(("dd", "tt", "jj")):
        return value.strftime("%d%m%Y")
    if mask.startswith("yyyy"):
        return value.strftime("%Y%m%d")
    return value.strftime("%m%d%Y")
