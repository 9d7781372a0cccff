"""Many lines of text, of which only those in sight are drawn: a home of twenty thousand files costs no more than one of ten."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from edgeagent.teleport.telling import Line, Tone

_STYLES: dict[Tone, Style] = {"plain": Style(), "title": Style(bold=True), "warning": Style(color="yellow")}
_LEAST_CELLS = 20
_INDENT = "    "
"""Begins the rest of a line that is longer than the view is wide."""


class LinesView(ScrollView, can_focus=True):
    """Shows lines, folded to its width; arrows and Page keys move."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: Sequence[Line] = ()
        self._folded: list[Line] = []

    def show(self, lines: Sequence[Line]) -> None:
        """Show these instead of what is shown."""
        self.lines = lines
        self._fold()

    def on_resize(self) -> None:
        self._fold()

    def _fold(self) -> None:
        width = max(_LEAST_CELLS, self.scrollable_content_region.width)
        self._folded = [part for line in self.lines for part in _folded(line, width)]
        self.virtual_size = Size(width, len(self._folded))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of what is in sight."""
        number = self.scroll_offset.y + y
        base = self.rich_style
        if number >= len(self._folded):
            return Strip.blank(self.size.width, base)
        line = self._folded[number]
        return Strip([Segment(line.text, base + _STYLES[line.tone])]).crop_extend(0, self.size.width, base)


def _folded(line: Line, width: int) -> Iterator[Line]:
    if len(line.text) <= width:
        yield line
        return
    for part in textwrap.wrap(line.text, width, subsequent_indent=_INDENT, drop_whitespace=True, break_on_hyphens=False):
        yield Line(part, line.tone)
