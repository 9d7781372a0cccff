"""The sandbox's screen in the terminal."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from PIL import Image
from textual import events as ui
from textual import work
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from edgeagent.recording.export.draw import draw_marks
from edgeagent.recording.export.marks import Box, Mark, Ring
from edgeagent.tui import graphics
from edgeagent.tui.abilities import Abilities
from edgeagent.tui.own_hands import Pressed, key_action, pointer_action, scroll_action
from edgeagent.tui.picture import from_bgrx, half_blocks, shades
from edgeagent.tui.placing import Placing, close_up, place
from edgeagent_harness.protocol.actions import Action, Type
from edgeagent_harness.protocol.geometry import Rect

_HALF_BLOCK = (1, 2)
"""Pixels in a cell of half blocks."""
_NUMBERS = itertools.count(0xEA00)
"""Of the pictures that a kitty terminal is given: other programs on it may have their own."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What to show: ``pixels`` is ``(height, width, 4) uint8`` BGRX."""

    pixels: bytes
    width: int
    height: int
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What goes to the terminal for one frame."""

    placing: Placing
    strips: list[Strip]
    sequence: str = ""
    """Draws it from where the cursor is."""
    stays: bool = False
    """Lies over the cells whatever is written there: it need not be drawn again, but be taken away."""


class ShowsFrames(Screen[None]):
    """A screen with frames on it."""

    def on_screen_suspend(self) -> None:
        for frame in self.query(FrameView):
            frame.withdraw()

    def on_screen_resume(self) -> None:
        for frame in self.query(FrameView):
            frame.refresh()


class FrameView(Widget, can_focus=False):
    """Shows one frame, as large as it fits; in close-up, the part around what was acted on."""

    close_up = reactive(False)
    """Whether only the surroundings of the marks are shown, in more detail."""
    hands_on = reactive(False)
    """Whether keys and presses go to the sandbox."""

    class Acted(Message):
        """The user did something on the frame, while their hands are on it."""

        def __init__(self, action: Action) -> None:
            super().__init__()
            self.action = action

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.abilities = Abilities()
        self.colours = True
        self._shown: Shown | None = None
        self._drawn: _Drawn | None = None
        self._centre: tuple[float, float] | None = None
        self._pressed: Pressed | None = None
        self._number = 0
        self._placed = False
        """The terminal has the picture."""

    def show(self, shown: Shown | None) -> None:
        """Show another frame, or none."""
        self._shown = shown
        self._draw_again()

    def use(self, abilities: Abilities, colours: bool) -> None:
        """Draw as this terminal can show it."""
        self.abilities, self.colours = abilities, colours
        self._draw_again()

    # -- drawing ----------------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        if isinstance(found := getattr(self.app, "abilities", None), Abilities):
            self.abilities = found
        self._number = next(_NUMBERS)
        self.colours = bool(getattr(self.app, "colours", True))

    def watch_close_up(self) -> None:
        self._draw_again()

    def on_unmount(self) -> None:
        self._take_away()

    def watch_hands_on(self, on: bool) -> None:
        self.can_focus = on
        if on:
            self.focus()

    def on_resize(self) -> None:
        self._draw_again()

    def render_line(self, y: int) -> Strip:
        blank = Strip.blank(self.size.width, self.rich_style)
        if self._drawn is None:
            return blank
        placing = self._drawn.placing
        if not placing.top <= y < placing.top + len(self._drawn.strips):
            return blank
        padded = Strip.join([Strip.blank(placing.left, self.rich_style), self._drawn.strips[y - placing.top]])
        return padded.adjust_cell_length(self.size.width, self.rich_style)

    def render_lines(self, crop: Region) -> list[Strip]:
        if self._drawn is not None and self._drawn.sequence and not (self._drawn.stays and self._placed):
            self.call_after_refresh(self._send)
        return super().render_lines(crop)

    def _draw_again(self) -> None:
        if self._shown is None or not self.size.area:
            self._drawn = None
            self._take_away()
            self.refresh()
        else:
            self._draw(self._shown, self.size, self.close_up)

    @work(thread=True, exclusive=True, group="draw")
    def _draw(self, shown: Shown, size: Size, is_close: bool) -> None:
        """Off the UI thread: 10 to 60 ms for a 1280x800 frame, by protocol."""
        self._centre = _centre(shown.marks) or self._centre
        drawn = self._draw_for(shown, size, self._centre if is_close else None)
        self.app.call_from_thread(self._put_if_current, shown, drawn)

    def _draw_for(self, shown: Shown, size: Size, centre: tuple[float, float] | None) -> _Drawn | None:
        blocks = self.abilities.pictures == "blocks"
        cell_px = _HALF_BLOCK if blocks else self.abilities.cell_px
        part = Rect(0, 0, shown.width, shown.height)
        if centre is not None:
            part = close_up(part, *centre, size.width, size.height, cell_px, 0.5 if blocks else 1.0)
        placing = place(part, size.width, size.height, cell_px)
        if placing is None:
            return None
        picture = draw_marks(from_bgrx(shown.pixels, shown.width, shown.height), shown.marks)
        picture = (picture if picture.mode == "RGB" else picture.convert("RGB")).crop(
            (part.left, part.top, part.right, part.bottom)
        )
        return self._by_protocol(picture, placing)

    def _by_protocol(self, picture: Image.Image, placing: Placing) -> _Drawn:
        columns, rows = placing.columns, placing.rows
        width, height = self.abilities.cell_px
        if self.abilities.pictures != "blocks":
            picture.thumbnail((columns * width, rows * height), Image.Resampling.BOX)
        match self.abilities.pictures:
            case "kitty":
                return _Drawn(placing, [], graphics.kitty(picture, self._number, columns, rows), stays=True)
            case "sixel":
                picture = picture.resize((columns * width, rows * height), Image.Resampling.BOX)
                return _Drawn(placing, [], graphics.sixel(picture))
            case "iterm":
                return _Drawn(placing, [], graphics.iterm(picture, columns, rows))
            case "blocks":
                draw = half_blocks if self.colours else shades
                return _Drawn(placing, draw(picture, columns, rows))

    def _put_if_current(self, shown: Shown, drawn: _Drawn | None) -> None:
        if shown is not self._shown:
            return
        self._drawn, self._placed = drawn, False
        self.refresh()

    def _send(self) -> None:
        if self._drawn is None or not self._drawn.sequence or not self.screen.is_active:
            return
        place = self.content_region
        x, y = place.x + self._drawn.placing.left, place.y + self._drawn.placing.top
        self._write(graphics.at(x, y, self._drawn.sequence))
        self._placed = True

    def withdraw(self) -> None:
        """Another screen or a dialog comes over this one: its picture must not lie over that."""
        self._take_away()

    def _take_away(self) -> None:
        if self._placed and self.abilities.pictures == "kitty":
            self._write(graphics.kitty_gone(self._number))
        self._placed = False

    def _write(self, sequence: str) -> None:
        driver = self.app._driver  # pyright: ignore[reportPrivateUsage]
        if driver is not None and not driver.is_headless:
            driver.write(sequence)

    # -- the user's own hands ---------------------------------------------------------------------------------------------

    def on_key(self, event: ui.Key) -> None:
        action = key_action(event.key, event.character) if self.hands_on else None
        if action is not None:
            self._act(event, action)

    def on_paste(self, event: ui.Paste) -> None:
        if self.hands_on and event.text:
            self._act(event, Type(event.text))

    def on_mouse_down(self, event: ui.MouseDown) -> None:
        at = self._pixel(event)
        if self.hands_on and at is not None:
            self._pressed = Pressed(*at, event.button)
            self.capture_mouse()
            event.stop()

    def on_mouse_up(self, event: ui.MouseUp) -> None:
        pressed, self._pressed = self._pressed, None
        self.release_mouse()
        at = self._pixel(event)
        if pressed is not None and at is not None:
            self._act(event, pointer_action(pressed, *at))

    def on_mouse_scroll_down(self, event: ui.MouseScrollDown) -> None:
        self._scroll(event, 1)

    def on_mouse_scroll_up(self, event: ui.MouseScrollUp) -> None:
        self._scroll(event, -1)

    def _scroll(self, event: ui.MouseEvent, notches: int) -> None:
        at = self._pixel(event)
        if self.hands_on and at is not None:
            self._act(event, scroll_action(*at, notches))

    def _pixel(self, event: ui.MouseEvent) -> tuple[int, int] | None:
        inside = event.get_content_offset(self)
        return self._drawn.placing.pixel(inside.x, inside.y) if self._drawn and inside else None

    def _act(self, event: ui.Event, action: Action) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(self.Acted(action))


def _centre(marks: tuple[Mark, ...]) -> tuple[float, float] | None:
    """Where the eye should be: the press, else the middle of the first box."""
    for mark in marks:
        if isinstance(mark, Ring):
            return mark.x, mark.y
    for mark in marks:
        if isinstance(mark, Box):
            return mark.rect.left + mark.rect.width / 2, mark.rect.top + mark.rect.height / 2
    return None
