"""The errors of perception, the same for the same thing throughout an episode."""

from __future__ import annotations

import random

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.types import Widget
from edgeagent_models.protocol import ElementState, Role

_SWAPS: dict[Role, tuple[Role, ...]] = {
    "button": ("tab", "link", "select"), "tab": ("button", "link", "menu_item"), "link": ("button", "text_field"),
    "checkbox": ("radio", "icon"), "radio": ("checkbox", "icon"), "text_field": ("select", "button"),
    "select": ("text_field", "button"), "option": ("menu_item", "button"), "menu_item": ("button", "option", "tab"),
    "icon": ("button", "checkbox"), "slider": ("text_field", "text_field", "icon"), "image": ("icon",),
}  # fmt: skip
_MISREAD = {
    "l": "I1",
    "I": "l1",
    "1": "lI",
    "O": "0",
    "0": "O",
    "o": "0",
    "S": "5",
    "5": "S",
    "B": "8",
    "é": "e",
    "ü": "u",
    ".": "",
    "i": "l",
}


class Noise:
    """Errors at ``level`` times their usual rates; ``seed`` fixes them for one episode."""

    def __init__(self, seed: int, level: float = 1.0) -> None:
        self.seed, self.level = seed, level

    def _at(self, key: int, salt: int) -> random.Random:
        return random.Random(self.seed * 1_000_003 + key * 31 + salt)

    def role(self, role: Role, key: int) -> Role | None:
        """The role as detected; None if the widget was missed."""
        rng = self._at(key, 1)
        chance = rng.random()
        if role == "select" and chance < 0.15 * self.level:
            return rng.choice(("text_field", "text_field", "button"))
        if role == "tab" and chance < 0.2 * self.level:
            return "button"
        if chance < 0.04 * self.level:
            return None
        if chance < 0.08 * self.level and role in _SWAPS:
            return rng.choice(_SWAPS[role])
        return role

    def state(self, state: ElementState, key: int) -> ElementState:
        rng = self._at(key, 2 + len(state))
        chance = rng.random()
        if chance < 0.08 * self.level:
            return ""
        if chance < 0.10 * self.level and state in ("checked", "unchecked"):
            return "checked" if state == "unchecked" else "unchecked"
        return state

    def score(self, key: int) -> float:
        return self._at(key, 3).uniform(0.4, 1.0)

    def box(self, box: Rect, key: int) -> Rect:
        rng = self._at(key, 4)
        d = [rng.randint(-2, 2) for _ in range(4)]
        left, top = max(0, box.left + d[0]), max(0, box.top + d[1])
        return Rect(left, top, max(left + 4, box.right + d[2]), max(top + 4, box.bottom + d[3]))

    def read(self, text: str, key: int) -> str:
        """``text`` as recognised."""
        rng = self._at(key, 5 + len(text))
        if len(text) > 1 and set(text) == {"•"}:  # a password
            return rng.choice(
                (text, "…", "." * len(text), "·" * len(text), "", "", "....", "•" * max(1, len(text) - 2), "**", "****")
            )
        if rng.random() < 0.04 * self.level:
            text = text.replace(" ", "") if rng.random() < 0.5 else text.replace(" ", "", 1)
        if rng.random() > 0.1 * self.level or not text:
            return text
        at = rng.randrange(len(text))
        swap = _MISREAD.get(text[at])
        if swap is not None:
            return text[:at] + (rng.choice(swap) if swap else "") + text[at + 1 :]
        if len(text) > 6 and rng.random() < 0.4:
            return text[:at] + text[at + 1 :]
        return text

    def spurious(self, left: int, top: int, width: int) -> list[Widget]:
        """Things that are not there."""
        rng = self._at(7, 6)
        if rng.random() > 0.25 * self.level:
            return []
        found: list[Widget] = []
        for _ in range(rng.randint(1, 2)):
            x, y = rng.randint(left, left + width), rng.randint(top, 780)
            role: Role = rng.choice(("icon", "button", "text_field", "checkbox", "link"))
            w = 16 if role in ("icon", "checkbox") else rng.randint(20, 120)
            found.append(Widget(role, Rect(x, y, min(1280, x + w), min(800, y + 16)), "", rng.uniform(0.3, 0.6)))
        return found

    def framed(self, cover: Rect) -> list[Widget]:
        """A dialog's frame is now and then taken for a field."""
        rng = self._at(11, 10)
        return [Widget("text_field", cover, "", rng.uniform(0.4, 0.95))] if rng.random() < 0.3 * self.level else []

    def thumb(self, box: Rect, key: int) -> list[Widget]:
        """The knob of a slider, and the track beside it taken for a field."""
        rng = self._at(key, 12)
        side = box.height - rng.randint(0, 4)
        left = rng.randint(box.left, max(box.left, box.right - side))
        found = [Widget("icon", Rect(left, box.top, left + side, box.top + side), "", rng.uniform(0.5, 1.0))]
        if rng.random() < 0.3 * self.level:
            found.append(Widget("text_field", Rect(left + side, box.top, max(left + side + 6, box.right), box.bottom), "", 0.9))
        return found if rng.random() > 0.15 * self.level else []

    def arrow(self, text: str, key: int) -> str:
        """What stands in a list box: its arrow is often read as a letter."""
        rng = self._at(key, 9)
        return f"{text}{rng.choice((' V', ' v', 'v', ' ▾', ' ˇ', ' Y'))}" if rng.random() < 0.35 * self.level else text

    def ghost(self, role: Role, box: Rect, key: int) -> Widget | None:
        """Now and then a thing is seen a second time, a little off, and less surely."""
        rng = self._at(key, 8)
        if rng.random() > 0.05 * self.level:
            return None
        down, across = rng.choice(((box.height, 0), (-box.height, 0), (box.height // 2, 8), (0, box.width)))
        left, top = max(0, box.left + across), max(0, box.top + down)
        ghost = Rect(left, top, left + round(box.width * rng.uniform(0.5, 1.0)), top + round(box.height * rng.uniform(0.6, 1.0)))
        return Widget(rng.choice((role, role, "text_field", "button")), ghost, "", rng.uniform(0.25, 0.6))
