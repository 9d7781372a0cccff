"""The sandbox's screen in the terminal."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual import events as ui
from textual import work
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from edgeagent.tui.abilities import Abilities, at, kitty_gone

if TYPE_CHECKING:  # what drawing and acting need is imported when there is something to draw or to do: the first paint is soon
    from edgeagent.recording.export.marks import Mark
    from edgeagent.tui.drawing import Drawn
    from edgeagent.tui.own_hands import Pressed
    from edgeagent_harness.protocol.actions import Action

_BETWEEN_S = 0.1
"""Between two frames: the app's thread has other things to do, and ten a second are plenty."""
_NUMBERS = itertools.count(0xEA00)
"""Of the pictures that a kitty terminal is given: other programs on it may have their own."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What to show: ``pixels`` is ``(height, width, 4) uint8`` BGRX."""

    pixels: bytes = field(repr=False)  # Textual describes a worker by its arguments' repr, on the UI thread
    width: int
    height: int
    marks: tuple[Mark, ...] = ()


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
        self._drawn: Drawn | None = None
        self._centre: tuple[float, float] | None = None
        self._pressed: Pressed | None = None
        self._stale = self._drawing = False
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
            self._stale = True
            if not self._drawing:
                self._drawing = True
                self._draw()

    @work(thread=True, group="draw")
    def _draw(self) -> None:
        """Off the UI thread: 10 to 60 ms for a 1280x800 frame, by protocol. What came meanwhile is drawn next, but for the last
        of it none."""
        from edgeagent.tui.drawing import Drawing, centre_of

        while self._stale:
            self._stale = False
            shown = self._shown
            if shown is None or not self.is_attached:
                break
            self._centre = centre_of(shown.marks) or self._centre
            how = Drawing(self.abilities, self.colours, self._number, self._is_direct, self._centre if self.close_up else None)
            drawn = how.draw(shown, self.size.width, self.size.height)
            self.app.call_from_thread(self._put_if_current, shown, drawn)
            time.sleep(_BETWEEN_S)
        self.app.call_from_thread(self._drawn_all)

    def _drawn_all(self) -> None:
        self._drawing = False
        if self._stale:
            self._draw_again()

    def _put_if_current(self, shown: Shown, drawn: Drawn | None) -> None:
        if shown is not self._shown:
            return
        self._drawn, self._placed = drawn, False
        self.refresh()

    def _send(self) -> None:
        if self._drawn is None or not self._drawn.sequence or not self.screen.is_active:
            return
        place = self.content_region
        x, y = place.x + self._drawn.placing.left, place.y + self._drawn.placing.top
        self._write(at(x, y, self._drawn.sequence))
        self._placed = True

    def withdraw(self) -> None:
        """Another screen or a dialog comes over this one: its picture must not lie over that."""
        self._take_away()

    def _take_away(self) -> None:
        if self._placed and self.abilities.pictures == "kitty":
            self._write(kitty_gone(self._number))
        self._placed = False

    @property
    def _is_direct(self) -> bool:
        """Whether sequences reach a terminal, and one that has all colours."""
        driver = self.app._driver  # pyright: ignore[reportPrivateUsage]
        return driver is not None and not driver.is_headless and self.app.console.color_system == "truecolor"

    def _write(self, sequence: str) -> None:
        driver = self.app._driver  # pyright: ignore[reportPrivateUsage]
        if driver is not None and not driver.is_headless:
            driver.write(sequence)

    # -- the user's own hands ---------------------------------------------------------------------------------------------

    def on_key(self, event: ui.Key) -> None:
        if not self.hands_on:
            return
        from edgeagent.tui.own_hands import key_action

        action = key_action(event.key, event.character)
        if action is not None:
            self._act(event, action)

    def on_paste(self, event: ui.Paste) -> None:
        if self.hands_on and event.text:
            from edgeagent.tui.own_hands import paste_action

            self._act(event, paste_action(event.text))

    def on_mouse_down(self, event: ui.MouseDown) -> None:
        place = self._pixel(event)
        if self.hands_on and place is not None:
            from edgeagent.tui.own_hands import Pressed

            self._pressed = Pressed(*place, event.button)
            self.capture_mouse()
            event.stop()

    def on_mouse_up(self, event: ui.MouseUp) -> None:
        pressed, self._pressed = self._pressed, None
        self.release_mouse()
        place = self._pixel(event)
        if pressed is not None and place is not None:
            from edgeagent.tui.own_hands import pointer_action

            self._act(event, pointer_action(pressed, *place))

    def on_mouse_scroll_down(self, event: ui.MouseScrollDown) -> None:
        self._scroll(event, 1)

    def on_mouse_scroll_up(self, event: ui.MouseScrollUp) -> None:
        self._scroll(event, -1)

    def _scroll(self, event: ui.MouseEvent, notches: int) -> None:
        place = self._pixel(event)
        if self.hands_on and place is not None:
            from edgeagent.tui.own_hands import scroll_action

            self._act(event, scroll_action(*place, notches))

    def _pixel(self, event: ui.MouseEvent) -> tuple[int, int] | None:
        inside = event.get_content_offset(self)
        return self._drawn.placing.pixel(inside.x, inside.y) if self._drawn and inside else None

    def _act(self, event: ui.Event, action: Action) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(self.Acted(action))
