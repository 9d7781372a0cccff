"""The timeline as a list: one entry a step, the selected one's screen is shown beside it."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from edgeagent.tui.rows import Row, Tone
from edgeagent.words import milliseconds

_STYLES: dict[Tone, str] = {
    "plain": "", "good": "green", "unsure": "yellow", "bad": "bold red", "user": "bold cyan", "end": "bold",
}  # fmt: skip
_ONLY_SIGN: frozenset[Tone] = frozenset({"good", "unsure"})
"""What is usual shows its colour in the sign alone."""
_SIGNS: dict[Tone, str] = {"plain": "·", "good": "✓", "unsure": "?", "bad": "✗", "user": "»", "end": "■"}
"""What the colours say, for terminals without."""


class TimelineView(OptionList):
    """Rows in the order in which they came; follows the newest until the user moves."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self.rows: list[Row] = []
        self._places: dict[str, int] = {}

    def on_resize(self) -> None:
        """What was looked at stays in sight; the rows are laid out anew first."""
        self.call_after_refresh(self.scroll_to_highlight)

    def put(self, row: Row) -> None:
        """Add ``row``, or replace the one with its key."""
        follows = self.highlighted is None or self.highlighted == len(self.rows) - 1
        place = self._places.get(row.key)
        if place is None:
            self._places[row.key] = len(self.rows)
            self.rows.append(row)
            self.add_option(Option(_words(row), id=row.key))
        else:
            self.rows[place] = row
            self.replace_option_prompt_at_index(place, _words(row))
        if follows:
            self.highlighted = len(self.rows) - 1

    def fill(self, rows: list[Row]) -> None:
        """Put all ``rows`` at once."""
        for row in rows:
            self._places.setdefault(row.key, len(self._places))
        latest = {row.key: row for row in rows}
        self.rows = list(latest.values())
        self.add_options([Option(_words(row), id=row.key) for row in self.rows])
        self.highlighted = len(self.rows) - 1 if self.rows else None

    @property
    def selected_row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.highlighted] if self.highlighted is not None and self.highlighted < len(self.rows) else None

    def to_end(self) -> None:
        """Follow the newest row again."""
        self.highlighted = len(self.rows) - 1 if self.rows else None

    @property
    def at_end(self) -> bool:
        """Whether the cursor is on the newest row."""
        return self.highlighted is None or self.highlighted == len(self.rows) - 1


def _words(row: Row) -> Text:
    style = _STYLES[row.tone]
    text = Text.assemble((f"{_SIGNS[row.tone]} ", style), (row.title, "" if row.tone in _ONLY_SIGN else style))
    if row.total_ms:
        text.append(f"  {milliseconds(row.total_ms)}", "dim")
    return text
