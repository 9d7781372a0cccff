"""The `Desktop` port with the masked parts painted over: recording, model and user see the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgeagent.events import MaskedArea
from edgeagent.ports import Deed, Desktop, Look
from edgeagent.redaction.texts import Patterns, Word
from edgeagent.screen import Screen
from edgeagent_harness.policy.redaction import Region
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import Guard, SettleSpec

Reader = Callable[[Screen], Awaitable[Sequence[tuple[str, Rect]]]]
"""Reads the words on a screen: (text, where)."""
MASK_COLOUR = 0x0040_4040
_MARGIN_PX = 3


@dataclass(slots=True)
class RedactingDesktop:
    """Wraps a desktop. What its actions read (a clipboard) is redacted, too."""

    inner: Desktop
    regions: tuple[Region, ...]
    patterns: Patterns
    read: Reader | None = None
    covered: Callable[[], Sequence[Rect]] = tuple
    """What ``inner`` has painted over already on the screen that it gave last: fields with secrets."""
    last: tuple[Screen, tuple[MaskedArea, ...]] | None = field(init=False, default=None)
    """The screen that was given last, and what is masked in it."""

    async def observe(self, settle: SettleSpec | None = None) -> Look:
        return await self._shown(await self.inner.observe(settle))

    async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None) -> Deed:
        deed = await self.inner.perform(action, settle, guard)
        return Deed(self.patterns.struct(deed.effect), await self._shown(deed.look), deed.act_ms)

    async def release_all(self) -> None:
        await self.inner.release_all()

    def areas_of(self, screen: Screen) -> tuple[MaskedArea, ...]:
        """What is masked in ``screen``, if it is the one that was given last."""
        return self.last[1] if self.last is not None and self.last[0] is screen else ()

    async def _shown(self, look: Look) -> Look:
        areas = [MaskedArea(region.box, f"region {region.name}") for region in self.regions]
        if self.patterns and self.read is not None:
            words = [Word(text, box) for text, box in await self.read(look.screen)]
            areas += [MaskedArea(_wider(box), f"pattern {name}") for name, box in self.patterns.on_screen(words)]
        screen = painted_over(look.screen, [area.box for area in areas])
        areas += [MaskedArea(box, "secret") for box in self.covered()]
        self.last = (screen, tuple(dict.fromkeys(areas)))
        return look if screen is look.screen else Look(screen, look.settle, look.capture_ms)


def painted_over(screen: Screen, boxes: Iterable[Rect]) -> Screen:
    """``screen`` with ``boxes`` in one colour; itself where there is nothing to paint."""
    whole = Rect(0, 0, screen.info.width, screen.info.height)
    inside = [fits for box in boxes if (fits := box.intersect(whole)).area]
    if not inside:
        return screen
    pixels = np.frombuffer(screen.pixels, "<u4").reshape(whole.height, whole.width).copy()
    for box in inside:
        pixels[box.top : box.bottom, box.left : box.right] = MASK_COLOUR
    return Screen(screen.info, pixels.tobytes())


def _wider(box: Rect) -> Rect:
    """Boxes of read words end where letters do; what is left of one beyond could still be guessed."""
    return Rect(box.left - _MARGIN_PX, box.top - _MARGIN_PX, box.right + _MARGIN_PX, box.bottom + _MARGIN_PX)
