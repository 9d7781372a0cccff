"""What the user's keys and presses in the terminal are as actions in the sandbox: the model's own vocabulary. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from edgeagent_harness.protocol.actions import Action, Click, Drag, Key, MouseButton, Scroll, Type
from edgeagent_harness.protocol.geometry import Point

_NAMES = {
    "enter": "Return", "tab": "Tab", "backspace": "BackSpace", "delete": "Delete", "insert": "Insert", "home": "Home",
    "end": "End", "pageup": "Page_Up", "pagedown": "Page_Down", "up": "Up", "down": "Down", "left": "Left", "right": "Right",
}  # fmt: skip
"""Keys as the terminal app calls them, and as X does."""
_MODIFIERS = ("ctrl", "alt", "shift", "super")
_BUTTONS: dict[int, MouseButton] = {1: "left", 2: "middle", 3: "right"}
_SAME_PLACE_PX = 8
"""Less than most cells are wide: a press that ends in its own cell is a click."""
_MOST_TYPED = 2000


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button went down here."""

    x: int
    y: int
    button: int


def key_action(key: str, character: str | None) -> Action | None:
    """What a key does; None for those that stay the app's: Esc and the function keys."""
    *modifiers, name = key.split("+") if key != "+" else ["+"]
    if name == "escape" or (name.startswith("f") and name[1:].isdigit()):
        return None
    if character and character.isprintable() and not set(modifiers) - {"shift"}:
        return Type(character)
    if any(modifier not in _MODIFIERS for modifier in modifiers):
        return None
    known = _NAMES.get(name, name if len(name) == 1 else "")
    return Key((*modifiers, known)) if known else None


def pointer_action(pressed: Pressed, x: int, y: int) -> Action:
    """A press that ended at (``x``, ``y``)."""
    button = _BUTTONS.get(pressed.button, "left")
    if max(abs(x - pressed.x), abs(y - pressed.y)) < _SAME_PLACE_PX:
        return Click(Point(pressed.x, pressed.y), button)
    return Drag((Point(pressed.x, pressed.y), Point(x, y)), button)


def paste_action(text: str) -> Action:
    """Text that was pasted."""
    return Type(text)


def scroll_action(x: int, y: int, notches: int) -> Action:
    """A turn of the wheel; positive is down."""
    return Scroll(Point(x, y), dy=3 * notches)


def joined(first: Action, second: Action) -> Action | None:
    """Two actions that wait to be done as one, where that is the same; else None."""
    match first, second:
        case Type(text=one, submit=False, secret_ref=None), Type(text=two, secret_ref=None) if len(one + two) <= _MOST_TYPED:
            return Type(one + two, submit=second.submit)
        case Scroll(), Scroll() if (first.point, first.unit) == (second.point, second.unit) and first.dy * second.dy > 0:
            return Scroll(first.point, first.dx + second.dx, first.dy + second.dy, first.unit)
        case Click(count=count), Click(count=1) if first.button == second.button and first.point == second.point and count < 3:
            return Click(first.point, first.button, count + 1)
        case _:
            return None
