"""The sandbox's screen in the terminal."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image
from textual import work
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from edgeagent.recording.export.draw import draw_marks
from edgeagent.recording.export.marks import Box, Mark, Ring
from edgeagent.tui.picture import crop_around, from_bgrx, half_blocks


@dataclass(frozen=True, slots=True)
class Shown:
    """What to show: ``pixels`` is ``(height, width, 4) uint8`` BGRX."""

    pixels: bytes
    width: int
    height: int
    marks: tuple[Mark, ...] = ()


class FrameView(Widget):
    """Shows one frame, as large as it fits; in close-up, the part around what was acted on."""

    close_up = reactive(False)
    """Whether only the surroundings of the marks are shown, in more detail."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: Shown | None = None
        self._strips: list[Strip] = []

    def show(self, shown: Shown | None) -> None:
        """Show another frame, or none."""
        self._shown = shown
        self._draw_again()

    def watch_close_up(self) -> None:
        self._draw_again()

    def on_resize(self) -> None:
        self._draw_again()

    def render_line(self, y: int) -> Strip:
        size = self.size
        top = max(0, (size.height - len(self._strips)) // 2)
        if not top <= y < top + len(self._strips):
            return Strip.blank(size.width, self.rich_style)
        strip = self._strips[y - top]
        left = max(0, (size.width - strip.cell_length) // 2)
        padded = Strip.join([Strip.blank(left, self.rich_style), strip])
        return padded.adjust_cell_length(size.width, self.rich_style)

    def _draw_again(self) -> None:
        if self._shown is None or not self.size.area:
            self._put([])
        else:
            self._draw(self._shown, self.size, self.close_up)

    @work(thread=True, exclusive=True, group="draw")
    def _draw(self, shown: Shown, size: Size, close_up: bool) -> None:
        """Off the UI thread: some 15 ms for a 1280x800 frame."""
        picture = draw_marks(from_bgrx(shown.pixels, shown.width, shown.height), shown.marks)
        centre = _centre(shown.marks) if close_up else None
        if centre is not None:
            picture = crop_around(picture, *centre, size.width, size.height)
        strips = half_blocks(_upright(picture), size.width, size.height)
        self.app.call_from_thread(self._put_if_current, shown, strips)

    def _put_if_current(self, shown: Shown, strips: list[Strip]) -> None:
        if shown is self._shown:
            self._put(strips)

    def _put(self, strips: list[Strip]) -> None:
        self._strips = strips
        self.refresh()


def _upright(picture: Image.Image) -> Image.Image:
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _centre(marks: tuple[Mark, ...]) -> tuple[float, float] | None:
    """Where the eye should be: the press, else the middle of the first box."""
    for mark in marks:
        if isinstance(mark, Ring):
            return mark.x, mark.y
    for mark in marks:
        if isinstance(mark, Box):
            return mark.rect.left + mark.rect.width / 2, mark.rect.top + mark.rect.height / 2
    return None
