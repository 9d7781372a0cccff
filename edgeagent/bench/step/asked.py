"""Models opened for measuring: each variant in an engine process of its own, over the same weights."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from edgeagent.bench.step.variants import FACTOR_PX, SEQUENCE, Shaping, VariantEngine, VariantName, died, fitted, speaker
from edgeagent.engine import EMBEDDED, EmbeddedModel, Engine, LlamaModel
from edgeagent.ports import Model, Prompt
from edgeagent.runner import ModelChoice
from edgeagent_models.catalog import read_gguf
from edgeagent_models.families.family import Family
from edgeagent_models.families.registry import by_name
from edgeagent_models.protocol import Load

TEXT_TOKENS_A_STEP = 600
"""Room for one turn's words in a prompt that is never shortened, a reply included."""
OPENING_TOKENS = 2048
DEFAULT_SCREEN_PX = 1280, 800


class Contestant:
    """One variant, ready to be asked. ``new_model`` makes one that remembers nothing, over the same engine."""

    def __init__(self, variant: VariantName, engine: Engine, new_model: Callable[[], Model]) -> None:
        self.variant: VariantName = variant
        self.engine = engine
        self._new_model = new_model
        self.model = new_model()

    async def begin(self) -> None:
        """As at a session's first step: nothing is remembered, nothing cached."""
        if isinstance(self.engine, VariantEngine):
            await self.engine.begin()
        else:
            await self.engine.close_sequence(SEQUENCE)
            await self.engine.open_sequence(SEQUENCE)
        self.model = self._new_model()


def context_tokens(family: Family, variant: VariantName, steps: int, screen: tuple[int, int], shaping: Shaping) -> int:
    """Of the variant's context: the runtime's own for ``fast``, for the others enough for everything that they send again."""
    if variant == "fast":
        return family.context_tokens
    width, height = fitted(*screen, shaping.image_tokens)
    picture = width * height // FACTOR_PX**2 + 2 * shaping.reply_tokens + TEXT_TOKENS_A_STEP
    return max(family.context_tokens, OPENING_TOKENS + steps * picture)


@asynccontextmanager
async def opened(
    choice: ModelChoice, variants: Sequence[VariantName], prompt: Prompt | None, steps: int, shaping: Shaping
) -> AsyncGenerator[list[Contestant]]:
    """``choice`` once for each of ``variants``. ``prompt`` is the first question, where it is known beforehand."""
    async with AsyncExitStack() as stack:
        found: list[Contestant] = []
        for variant in variants:
            one = _contestant(choice, variant, prompt, steps, shaping)
            await one.engine.start()
            stack.push_async_callback(one.engine.close)
            await one.engine.open_sequence(SEQUENCE)
            found.append(one)
        yield found


def _contestant(
    choice: ModelChoice, variant: VariantName, prompt: Prompt | None, steps: int, shaping: Shaping
) -> Contestant:  # fmt: skip
    if choice.model == EMBEDDED:
        engine = Engine("embedded", Load(0), died)
        return Contestant(variant, engine, lambda: EmbeddedModel(engine, SEQUENCE))
    family = by_name(choice.family or read_gguf(Path(choice.model)).family)
    factor = read_gguf(Path(choice.mmproj)).picture_factor
    screen = (prompt.screen.info.width, prompt.screen.info.height) if prompt else DEFAULT_SCREEN_PX
    context = context_tokens(family, variant, steps, screen, shaping)
    load = Load(0, choice.model, choice.mmproj, context, max_sequences=1)
    variant_engine = VariantEngine(variant, load, shaping)
    if shaping.reply_tokens:
        family = replace(family, history=replace(family.history, own_words=False))
    told = speaker(variant, family, factor, choice.skip_unchanged)
    return Contestant(variant, variant_engine, lambda: LlamaModel(variant_engine, SEQUENCE, 0, told))
