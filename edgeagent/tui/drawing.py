"""One frame as the terminal shows it: cells, or the picture protocol that it has. Pure; called off the UI thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image
from textual.strip import Strip

from edgeagent.recording.export.draw import draw_marks
from edgeagent.recording.export.marks import Box, Mark, Ring
from edgeagent.tui import graphics
from edgeagent.tui.abilities import Abilities
from edgeagent.tui.picture import blocks_sequence, from_bgrx, half_blocks, shades
from edgeagent.tui.placing import Placing, close_up, place
from edgeagent_harness.protocol.geometry import Rect

if TYPE_CHECKING:
    from edgeagent.tui.frame_view import Shown

_HALF_BLOCK = (1, 2)
"""Pixels in a cell of half blocks."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What goes to the terminal for one frame."""

    placing: Placing
    strips: list[Strip]
    """As cells, where there is no ``sequence``."""
    sequence: str = ""
    """Draws it from where the cursor is."""
    stays: bool = False
    """Lies over the cells whatever is written there: it need not be drawn again, but be taken away."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How frames are drawn in one place on one terminal."""

    abilities: Abilities
    colours: bool
    number: int
    """Of the picture, for a terminal that numbers them."""
    direct: bool
    """Half blocks are drawn by sequences too: the terminal has 24-bit colours."""
    centre: tuple[float, float] | None
    """In close-up: where the eye is, in the frame's pixels."""

    def draw(self, shown: Shown, columns: int, rows: int) -> Drawn | None:
        """``shown`` in ``columns`` x ``rows`` cells; None if there is no room."""
        blocks = self.abilities.pictures == "blocks"
        cell_px = _HALF_BLOCK if blocks else self.abilities.cell_px
        part = Rect(0, 0, shown.width, shown.height)
        if self.centre is not None:
            part = close_up(part, *self.centre, columns, rows, cell_px, 0.5 if blocks else 1.0)
        placing = place(part, columns, rows, cell_px)
        if placing is None:
            return None
        picture = draw_marks(from_bgrx(shown.pixels, shown.width, shown.height), shown.marks)
        upright = picture if picture.mode == "RGB" else picture.convert("RGB")
        return self._by_protocol(upright.crop((part.left, part.top, part.right, part.bottom)), placing)

    def _by_protocol(self, picture: Image.Image, placing: Placing) -> Drawn:
        columns, rows = placing.columns, placing.rows
        width, height = self.abilities.cell_px
        if self.abilities.pictures != "blocks":
            picture.thumbnail((columns * width, rows * height), Image.Resampling.BOX)
        match self.abilities.pictures:
            case "kitty":
                return Drawn(placing, [], graphics.kitty(picture, self.number, columns, rows), stays=True)
            case "sixel":
                picture = picture.resize((columns * width, rows * height), Image.Resampling.BOX)
                return Drawn(placing, [], graphics.sixel(picture))
            case "iterm":
                return Drawn(placing, [], graphics.iterm(picture, columns, rows))
            case "blocks":
                if not self.colours:
                    return Drawn(placing, shades(picture, columns, rows))
                if self.direct:
                    return Drawn(placing, [], blocks_sequence(picture, columns, rows))
                return Drawn(placing, half_blocks(picture, columns, rows))


def centre_of(marks: tuple[Mark, ...]) -> tuple[float, float] | None:
    """Where the eye should be: the press, else the middle of the first box."""
    for mark in marks:
        if isinstance(mark, Ring):
            return mark.x, mark.y
    for mark in marks:
        if isinstance(mark, Box):
            return mark.rect.left + mark.rect.width / 2, mark.rect.top + mark.rect.height / 2
    return None
