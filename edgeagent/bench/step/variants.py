"""Ways to ask the same question of the same weights, made by rewriting each request on its way to the engine.

``fast`` is the runtime as it is. ``official`` and ``naive`` go through the same engine with every reuse taken away: the sequence
is emptied and each picture made new before each question, so that everything is encoded and prefilled again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec
import numpy as np
from PIL import Image as Pillow

from edgeagent.engine.process import OnDelta
from edgeagent.engine.watchdog import Engine
from edgeagent.errors import ContextFull, EngineError, UsageError
from edgeagent_models.families.family import HistoryRule
from edgeagent_models.families.resize import SizeRule
from edgeagent_models.protocol import (
    ChatMessage,
    Complete,
    Completed,
    EngineReply,
    EngineRequest,
    Image,
    ImagePart,
    Load,
    Part,
    Sampling,
    TextPart,
)

VariantName: TypeAlias = Literal["fast", "official", "naive"]
SEQUENCE = "session"
FACTOR_PX = 32
"""Patch 16 and merge 2: pixels of a side that become one token in the families whose shapes we know."""
ENDLESS = "root ::= . root"
"""Permits any text and never an end: all variants write replies of the same length."""
_MARK_PX = 16


@dataclass(frozen=True, slots=True)
class Shaping:
    """What every variant's requests have in common."""

    reply_tokens: int = 0
    """Length of every reply; 0 leaves it to the model."""
    image_tokens: int = 0
    """Screenshots are scaled down to about this many tokens; 0 sends them as they are."""


class Transcript:
    """All turns so far, of which the newest ``screenshots`` show their picture (0: all); ``evicted`` stands for the others."""

    def __init__(self, screenshots: int, evicted: str) -> None:
        self._screenshots = screenshots
        self._evicted = evicted
        self._turns: list[ChatMessage] = []

    def ask(self, messages: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
        """The whole conversation, the last of ``messages`` (which shows the newest screen) at its end."""
        self._turns.append(messages[-1])
        opening = tuple(message for message in messages[:1] if message.role == "system")
        return (*opening, *self._shown())

    def answered(self, text: str) -> None:
        self._turns.append(ChatMessage("assistant", (TextPart(text),)))

    def _shown(self) -> list[ChatMessage]:
        places = [place for place, turn in enumerate(self._turns) if any(isinstance(part, ImagePart) for part in turn.parts)]
        gone = set(places[: -self._screenshots]) if self._screenshots else set[int]()
        return [self._without_pictures(turn) if place in gone else turn for place, turn in enumerate(self._turns)]

    def _without_pictures(self, turn: ChatMessage) -> ChatMessage:
        parts = (TextPart(self._evicted) if isinstance(part, ImagePart) else part for part in turn.parts)
        return ChatMessage(turn.role, tuple(parts))


class VariantEngine(Engine):
    """An engine whose completions are asked the way of ``variant``. Everything else passes through."""

    def __init__(self, variant: VariantName, load: Load, rule: HistoryRule, shaping: Shaping) -> None:
        super().__init__("llama", load, died)
        self._variant: VariantName = variant
        self._rule = rule
        self._shaping = shaping
        self._mark = 0
        self._transcript = self._new_transcript()
        self._scaled: dict[int, Image] = {}

    def begin(self, repeat: int) -> None:
        """The next question is a session's first; its pictures are other ones than in any repeat before."""
        self._transcript = self._new_transcript()
        self._mark = repeat << 16

    async def request(self, request: EngineRequest, on_delta: OnDelta | None = None) -> EngineReply:
        if not isinstance(request, Complete):
            return await super().request(request, on_delta)
        if self._variant != "fast":
            await self.close_sequence(SEQUENCE)
            await self.open_sequence(SEQUENCE)
            self._mark += 1
            request = msgspec.structs.replace(request, messages=self._transcript.ask(request.messages))
        try:
            reply = await super().request(self._shaped(request))
        except ContextFull as full:
            # The model would leave out pictures and ask again: another question than the other variants are asked.
            raise UsageError(f"{self._variant}: {full}", "use fewer --steps or smaller --image-tokens") from full
        if self._variant != "fast" and isinstance(reply, Completed):
            self._transcript.answered(reply.text)
        return reply

    def _new_transcript(self) -> Transcript:
        return Transcript(self._rule.screenshots if self._variant == "official" else 0, self._rule.evicted)

    def _shaped(self, request: Complete) -> Complete:
        messages = tuple(
            ChatMessage(message.role, tuple(self._part(part) for part in message.parts)) for message in request.messages
        )  # fmt: skip
        sampling, grammar = request.sampling, request.grammar
        if self._shaping.reply_tokens:
            sampling, grammar = Sampling(max_tokens=self._shaping.reply_tokens), ENDLESS
        return msgspec.structs.replace(request, messages=messages, sampling=sampling, grammar=grammar)

    def _part(self, part: Part) -> Part:
        if isinstance(part, TextPart):
            return part
        key = hash(part.image.pixels)
        if key not in self._scaled:
            self._scaled[key] = scaled(part.image, self._shaping.image_tokens)
        return ImagePart(marked(self._scaled[key], self._mark))


def scaled(image: Image, tokens: int) -> Image:
    """``image`` (BGRX) made smaller, to about ``tokens`` tokens and no more; as it is where that is 0 or enough."""
    width, height = fitted(image.width, image.height, tokens)
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


def marked(image: Image, mark: int) -> Image:
    """``image`` with ``mark`` as the colour of its corner: to every cache it is another picture."""
    pixels = np.frombuffer(image.pixels, np.uint8).reshape(image.height, image.width, 4).copy()
    pixels[:_MARK_PX, :_MARK_PX, :3] = np.frombuffer(mark.to_bytes(4, "little"), np.uint8)[:3]
    return msgspec.structs.replace(image, pixels=pixels.tobytes())


def died(why: str) -> None:
    """An engine must not be started again while it is measured."""
    raise EngineError(f"the engine died while it was measured: {why}", "the figures would hold its restart; run it again")
