"""Many lines of text, of which only those in sight are drawn: a home of twenty thousand files costs no more than one of ten."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from edgeagent.teleport.telling import Line, Tone

_STYLES: dict[Tone, Style] = {"plain": Style(), "title": Style(bold=True), "warning": Style(color="yellow")}


class LinesView(ScrollView, can_focus=True):
    """Shows lines as they are; arrows and Page keys move."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Show these instead of what is shown."""
        self.lines = lines
        self.virtual_size = Size(max((len(line.text) for line in lines), default=0), len(lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of what is in sight."""
        left, top = self.scroll_offset
        number = top + y
        base = self.rich_style
        if number >= len(self.lines):
            return Strip.blank(self.size.width, base)
        line = self.lines[number]
        strip = Strip([Segment(line.text, base + _STYLES[line.tone])])
        return strip.crop_extend(left, left + self.size.width, base)
