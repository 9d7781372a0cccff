"""Screens as an engine takes them."""

from __future__ import annotations

from edgeagent.screen import Screen
from edgeagent_models.families.grid import View
from edgeagent_models.protocol import Image


def as_image(screen: Screen, view: View | None = None) -> Image:
    """``screen`` at full size: engines resize, nobody else does. ``view`` says to which size, else the encoder does."""
    info = screen.info
    sent = (view.sent_width, view.sent_height) if view else (0, 0)
    return Image(info.width, info.height, "bgrx", screen.pixels, *sent)
