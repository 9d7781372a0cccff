"""Ways to ask the same question of the same weights, each in a process of its own.

``fast`` is the runtime as it is; the others are other programs (`edgeagent_models.peers`), shown the same history by their rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import msgspec
from PIL import Image as Pillow

from edgeagent.engine.channel import OnDelta
from edgeagent.engine.conversation import Speaker
from edgeagent.engine.process import EngineKind
from edgeagent.engine.watchdog import Engine
from edgeagent.errors import ContextFull, EngineError, UsageError
from edgeagent_models.families.family import Family
from edgeagent_models.families.resize import SizeRule
from edgeagent_models.protocol import ChatMessage, Complete, EngineReply, EngineRequest, Image, ImagePart, Load, Part, Sampling

VariantName: TypeAlias = Literal["fast", "server", "official", "naive"]
KINDS: dict[VariantName, EngineKind] = {
    "fast": "llama", "server": "server", "official": "chat-handler", "naive": "chat-handler",
}  # fmt: skip
EVERYTHING = 1 << 20
"""More steps than any session has."""
SEQUENCE = "session"
FACTOR_PX = 32
"""Patch 16 and merge 2: pixels of a side that become one token in the families whose shapes we know."""
ENDLESS = "root ::= . root"
"""Permits any text and never an end: all variants write replies of the same length."""


@dataclass(frozen=True, slots=True)
class Shaping:
    """What every variant's requests have in common."""

    reply_tokens: int = 0
    """Length of every reply; 0 leaves it to the model. What it says is then forgotten: all are told what was recorded."""
    image_tokens: int = 0
    """Screenshots are scaled down to about this many tokens; 0 sends them as they are."""


class InPlace(Speaker):
    """Drops one old screenshot at each step, where it stands: how a family's rule is usually followed."""

    def first_screenshot(self, step: int) -> int:
        return max(1, step - self.family.history.screenshots + 1)


def speaker(variant: VariantName, family: Family, factor: int, skip_unchanged: bool = False) -> Speaker:
    """Who composes the prompts of ``variant``: ``naive`` shows everything that was, the others what the family's rule allows."""
    if variant == "fast":
        return Speaker(family, factor, skip_unchanged)
    if variant == "naive":
        whole = replace(family.history, screenshots=EVERYTHING, turns=EVERYTHING)
        return Speaker(replace(family, history=whole), factor)
    return InPlace(family, factor)


class VariantEngine(Engine):
    """The engine of ``variant``. Its replies and pictures are shaped alike for all; everything else passes through."""

    def __init__(self, variant: VariantName, load: Load, shaping: Shaping) -> None:
        super().__init__(KINDS[variant], load, died)
        self._variant: VariantName = variant
        self._shaping = shaping
        self._scaled: dict[int, Image] = {}

    async def begin(self) -> None:
        """A new process: nothing of what was asked before is left in it."""
        await self.close_sequence(SEQUENCE)
        await self.close()
        await self.start()
        await self.open_sequence(SEQUENCE)

    async def request(self, request: EngineRequest, on_delta: OnDelta | None = None) -> EngineReply:
        if not isinstance(request, Complete):
            return await super().request(request, on_delta)
        try:
            return await super().request(self._shaped(request))
        except ContextFull as full:
            # The model would leave out pictures and ask again: another question than the other variants are asked.
            raise UsageError(f"{self._variant}: {full}", "use fewer --steps or smaller --image-tokens") from full

    def _shaped(self, request: Complete) -> Complete:
        messages = tuple(
            ChatMessage(message.role, tuple(self._part(part) for part in message.parts)) for message in request.messages
        )  # fmt: skip
        sampling, grammar = request.sampling, request.grammar
        if self._shaping.reply_tokens:
            sampling, grammar = Sampling(max_tokens=self._shaping.reply_tokens), ENDLESS
        return msgspec.structs.replace(request, messages=messages, sampling=sampling, grammar=grammar)

    def _part(self, part: Part) -> Part:
        if not isinstance(part, ImagePart):
            return part
        key = hash(part.image.pixels)
        if key not in self._scaled:
            self._scaled[key] = scaled(part.image, self._shaping.image_tokens)
        return ImagePart(self._scaled[key])


def scaled(image: Image, tokens: int) -> Image:
    """``image`` (BGRX) made smaller, to about ``tokens`` tokens and no more; 0: to the size that it is to be sent at.

    Done here for all variants: other programs know nothing of a family's rule.
    """
    sent = (image.sent_width or image.width, image.sent_height or image.height)
    width, height = fitted(image.width, image.height, tokens) if tokens else sent
    if (width, height) == (image.width, image.height):
        return image
    picture = Pillow.frombuffer("RGBX", (image.width, image.height), image.pixels, "raw", "RGBX", 0, 1)
    smaller = picture.resize((width, height), Pillow.Resampling.BOX)
    return Image(width, height, "bgrx", smaller.tobytes())


def fitted(width: int, height: int, tokens: int) -> tuple[int, int]:
    """The size (px) at which a picture of this size has at most ``tokens`` tokens (0: no bound)."""
    if not tokens or width * height <= tokens * FACTOR_PX**2:
        return width, height
    return SizeRule(FACTOR_PX, FACTOR_PX**2, tokens * FACTOR_PX**2).fit(width, height)


def died(why: str) -> None:
    """An engine must not be started again while it is measured."""
    raise EngineError(f"the engine died while it was measured: {why}", "the figures would hold its restart; run it again")
