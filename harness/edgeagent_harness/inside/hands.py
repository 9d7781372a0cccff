"""Actions to events. Each action is a generator that yields how long it waits next; its first stretch fits under one grab."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from functools import singledispatchmethod
from itertools import zip_longest

from edgeagent_harness.inside.errors import Refused
from edgeagent_harness.inside.hand_ports import ClipboardPort, KeyboardPort
from edgeagent_harness.inside.pointing import BUTTON_NUMBERS, Pointing
from edgeagent_harness.inside.screen import Screen
from edgeagent_harness.inside.xdisplay import pause
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.geometry import Point, Rect

Doing = Generator[float, None, str]
"""Yields seconds to wait (waking early is fine); returns the action's output."""

_UNSUPPORTED: dict[type[act.SingleAction], str] = {
    act.OpenApp: "the sandbox's init starts applications, not the executor",
    act.OpenUrl: "the sandbox's init opens pages, not the executor",
    act.Screenshot: "the supervisor takes pictures",
    act.Zoom: "the supervisor takes pictures",
    act.WaitUntil: "the supervisor watches the screen",
    act.Home: "a desktop has no home button",
    act.AskUser: "only the loop can ask the user",
    act.Memorize: "only the loop keeps the history",
    act.Answer: "only the loop ends a run",
    act.Finish: "only the loop ends a run",
}


_POINTING = (act.Click, act.Drag, act.LongPress, act.MouseUp)
_TYPING = (act.Type, act.Key, act.KeyDown, act.HoldKey)
_FRAME_S = 0.02
_NOTICE_TIMEOUT_S = 0.12


class Hands:
    """The pointer, the keyboard and the clipboard of one desktop."""

    def __init__(self, pointer: Pointing, keyboard: KeyboardPort, clipboard: ClipboardPort, screen: Screen, bounds: Rect) -> None:
        self._screen = screen
        self._bounds = bounds
        self.pointer = pointer
        self.keyboard = keyboard
        self.clipboard = clipboard

    # -- before anything is sent ------------------------------------------------------------------------------------------

    def check(self, action: act.Action) -> None:
        """Raise `Refused` for what can be known to be impossible beforehand, so that nothing is half done."""
        for single in action.actions if isinstance(action, act.Batch) else (action,):
            if reason := _UNSUPPORTED.get(type(single)):
                raise Refused("unsupported", f"{act.action_kind(single)}: {reason}")
            for point in points_of(single):
                self._check_point(point)
            self._check_keys(single)

    def _check_point(self, point: Point) -> None:
        if point.frame != "physical" or point.display != 0:
            raise Refused("invalid", f"a point must be in physical pixels of display 0, not {point.frame} of {point.display}")
        if not self._bounds.contains(point.x, point.y):
            size = f"{self._bounds.width}x{self._bounds.height}"
            raise Refused("out_of_bounds", f"({point.x:g}, {point.y:g}) lies outside the {size} screen")

    def _check_keys(self, action: act.SingleAction) -> None:
        match action:
            case act.Type(text=text, secret_ref=secret):
                if secret is not None:
                    raise Refused("unsupported", "the loop puts a secret's text in before the action is sent")
                self.keyboard.check_text(text)
            case act.Key(keys=names) | act.HoldKey(keys=names):
                self.keyboard.check_names(names)
            case act.KeyDown(key=name) | act.KeyUp(key=name):
                self.keyboard.check_names([name])
            case act.Click(modifiers=names) | act.Drag(modifiers=names) | act.Scroll(modifiers=names):
                self.keyboard.check_names(names)
            case _:
                pass

    def prepare(self, action: act.Action) -> Iterator[float]:
        """What must be waited for before the first stretch and shows nowhere: keys lent for unusual characters."""
        first = action.actions[0] if isinstance(action, act.Batch) else action
        match first:
            case act.Type(text=text):
                yield from self.keyboard.prepare_text(text)
            case act.Key(keys=names) | act.HoldKey(keys=names):
                yield from self.keyboard.prepare_chord(names)
            case act.KeyDown(key=name):
                yield from self.keyboard.prepare_chord([name])
            case _:
                pass

    # -- doing ------------------------------------------------------------------------------------------------------------

    @singledispatchmethod
    def do(self, action: act.Action) -> Doing:
        """Perform ``action``, which `check` let pass."""
        raise Refused("unsupported", f"the executor cannot do {act.action_kind(action)}")

    @do.register
    def _(self, action: act.Batch) -> Doing:
        outputs: list[str] = []
        # The first action may run under a server grab, where the screen cannot be looked at.
        seen = self._screen.last
        for single, following in zip_longest(action.actions, action.actions[1:]):
            yield from self.prepare(single)
            output = yield from self.do(single)
            outputs.append(output)
            if isinstance(single, _POINTING) and isinstance(following, _TYPING):
                yield from self._until_noticed(seen)
            seen = self._screen.look() if isinstance(following, _POINTING) else seen
        return "\n".join(output for output in outputs if output)

    @do.register
    def _(self, action: act.Move) -> Doing:
        self.pointer.move(*action.point.pixel())
        yield 0.0
        return ""

    @do.register
    def _(self, action: act.Click) -> Doing:
        held = self._hold(action.modifiers)
        self.pointer.click(*action.point.pixel(), action.button, action.count)
        self._let_go(held)
        yield 0.0
        return ""

    @do.register
    def _(self, action: act.LongPress) -> Doing:
        self.pointer.move(*action.point.pixel())
        self.pointer.press(BUTTON_NUMBERS["left"])
        yield from pause(action.duration_ms / 1000)
        self.pointer.release(BUTTON_NUMBERS["left"])
        return ""

    @do.register
    def _(self, action: act.MouseDown) -> Doing:
        self.pointer.press(BUTTON_NUMBERS[action.button])
        yield 0.0
        return ""

    @do.register
    def _(self, action: act.MouseUp) -> Doing:
        self.pointer.release(BUTTON_NUMBERS[action.button])
        yield 0.0
        return ""

    @do.register
    def _(self, action: act.Drag) -> Doing:
        held = self._hold(action.modifiers)
        path = [point.pixel() for point in action.path]
        yield from self.pointer.drag(path, action.button, action.duration_ms / 1000)
        self._let_go(held)
        return ""

    @do.register
    def _(self, action: act.Scroll) -> Doing:
        held = self._hold(action.modifiers)
        self.pointer.move(*action.point.pixel())
        yield from self.pointer.scroll(action.dx, action.dy, action.unit)
        self._let_go(held)
        return ""

    @do.register
    def _(self, action: act.Type) -> Doing:
        yield from self.keyboard.type_text(action.text + "\n" if action.submit else action.text)
        return ""

    @do.register
    def _(self, action: act.Key) -> Doing:
        yield from self.keyboard.chord(action.keys, action.repeat)
        return ""

    @do.register
    def _(self, action: act.Back) -> Doing:
        yield from self.keyboard.chord(("alt", "left"), 1)
        return ""

    @do.register
    def _(self, action: act.KeyDown) -> Doing:
        self.keyboard.hold((action.key,))
        self.keyboard.flush()
        yield 0.0
        return ""

    @do.register
    def _(self, action: act.KeyUp) -> Doing:
        self._let_go(self.keyboard.keycodes((action.key,)))
        yield 0.0
        return ""

    @do.register
    def _(self, action: act.HoldKey) -> Doing:
        yield from self.keyboard.hold_for(action.keys, action.duration_ms / 1000)
        return ""

    @do.register
    def _(self, action: act.Wait) -> Doing:
        yield from pause(action.duration_ms / 1000)
        return ""

    @do.register
    def _(self, action: act.CursorPosition) -> Doing:
        yield 0.0
        x, y = self.pointer.position()
        return f"{x},{y}"

    @do.register
    def _(self, action: act.ClipboardRead) -> Doing:
        return (yield from self.clipboard.read())

    @do.register
    def _(self, action: act.ClipboardWrite) -> Doing:
        self.clipboard.write(action.text)
        yield 0.0
        return ""

    def _until_noticed(self, seen: bytearray) -> Iterator[float]:
        """Let a click arrive before keys follow: browsers route the two differently, and keys can overtake a click.

        A focus ring or a caret shows that it has arrived; where nothing shows, a bounded pause must do.
        """
        end = time.monotonic() + _NOTICE_TIMEOUT_S
        yield from pause(_FRAME_S)
        while self._screen.look() == seen and time.monotonic() < end:
            yield from pause(_FRAME_S / 2)
        yield from pause(_FRAME_S)

    def _hold(self, names: act.Modifiers) -> list[int]:
        return self.keyboard.hold(names) if names else []

    def _let_go(self, keycodes: list[int]) -> None:
        for keycode in keycodes:
            self.keyboard.release(keycode)
        self.keyboard.flush()

    # -- what is held -------------------------------------------------------------------------------------------------------

    def held(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Keycodes and buttons that we hold."""
        return tuple(sorted(self.keyboard.held)), tuple(sorted(self.pointer.held))

    def release_held(self) -> None:
        """Release what we hold."""
        for button in tuple(self.pointer.held):
            self.pointer.release(button)
        self._let_go(list(self.keyboard.held))

    def release_everything(self) -> None:
        """Restore the keymap, and also release what is down without our doing (an earlier executor died, an app injected it)."""
        self.release_held()
        self.keyboard.release_all()
        self.pointer.release_all()
        self.keyboard.flush()


def points_of(action: act.SingleAction) -> Iterator[Point]:
    """The places that ``action`` goes to."""
    match action:
        case act.Move(point=point) | act.Click(point=point) | act.Scroll(point=point) | act.LongPress(point=point):
            yield point
        case act.Drag(path=path):
            yield from path
        case _:
            pass
