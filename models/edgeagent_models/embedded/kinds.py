"""What the policy can do: actions at an element, and actions at no element in particular."""

from __future__ import annotations

ELEMENT_KINDS = (
    "click",
    "double_click",
    "type",
    "scroll_down",
    "scroll_up",
    "hover",
    "drag",
    "ctrl_click",
    "select_text",
    "adjust",
)
"""``type`` at a list box chooses from it. ``drag`` also picks the element to drop on. ``adjust`` sets a number by arrow keys."""

GLOBAL_KINDS = (
    "done", "fail", "ask", "wait", "page_down", "page_up", "key_named", "type_focused",
    "Return", "Escape", "Tab", "BackSpace", "Delete", "Up", "Down", "Left", "Right", "ctrl+a", "ctrl+c", "ctrl+v", "ctrl+s",
)  # fmt: skip
"""``key_named`` presses the chord that a word of the instruction names; ``type_focused`` types where the caret is."""

ALL_KINDS = (*ELEMENT_KINDS, *GLOBAL_KINDS)
WITH_TEXT = frozenset({"type", "type_focused", "adjust"})
FINAL_KINDS = frozenset({"done", "fail", "ask"})
