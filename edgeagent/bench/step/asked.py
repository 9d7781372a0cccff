"""Models opened for measuring: each variant in an engine process of its own, over the same weights."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from edgeagent.bench.step.variants import FACTOR_PX, SEQUENCE, Shaping, VariantEngine, VariantName, fitted
from edgeagent.engine import EMBEDDED, EmbeddedModel, Engine, LlamaModel
from edgeagent.errors import EngineError
from edgeagent.ports import Model, Prompt
from edgeagent.runner import ModelChoice
from edgeagent_models.protocol import Load

CONTEXT_TOKENS = 8192
TEXT_TOKENS_A_STEP = 600
"""Room for one turn's words in a prompt that is never shortened, a reply included."""
OPENING_TOKENS = 2048
DEFAULT_SCREEN_PX = 1280, 800


@dataclass(slots=True)
class Contestant:
    """One variant, ready to be asked."""

    variant: VariantName
    engine: Engine
    model: Model

    async def begin(self, repeat: int) -> None:
        """As at a session's first step: nothing is remembered, nothing cached."""
        if isinstance(self.engine, VariantEngine):
            await self.engine.begin(repeat)
            self.model = LlamaModel(self.engine, SEQUENCE, 0)
            return
        await self.engine.close_sequence(SEQUENCE)
        await self.engine.open_sequence(SEQUENCE)


def context_tokens(variant: VariantName, steps: int, screen: tuple[int, int], shaping: Shaping) -> int:
    """Of the variant's context: the runtime's own for ``fast``, for the others enough for everything that they send again."""
    if variant == "fast":
        return CONTEXT_TOKENS
    width, height = fitted(*screen, shaping.image_tokens)
    picture = width * height // FACTOR_PX**2 + 2 * shaping.reply_tokens + TEXT_TOKENS_A_STEP
    return max(CONTEXT_TOKENS, OPENING_TOKENS + steps * picture)


@asynccontextmanager
async def opened(
    choice: ModelChoice, variants: Sequence[VariantName], prompt: Prompt | None, steps: int, shaping: Shaping
) -> AsyncGenerator[list[Contestant]]:
    """``choice`` once for each of ``variants``. ``prompt`` is the first question, where it is known beforehand."""
    async with AsyncExitStack() as stack:
        found: list[Contestant] = []
        for variant in variants:
            engine = _engine(choice, variant, prompt, steps, shaping)
            await engine.start()
            stack.push_async_callback(engine.close)
            await engine.open_sequence(SEQUENCE)
            model = EmbeddedModel(engine, SEQUENCE) if choice.model == EMBEDDED else LlamaModel(engine, SEQUENCE, 0)
            found.append(Contestant(variant, engine, model))
        yield found


def _engine(choice: ModelChoice, variant: VariantName, prompt: Prompt | None, steps: int, shaping: Shaping) -> Engine:
    if choice.model == EMBEDDED:
        return Engine("embedded", Load(0), _died)
    screen = (prompt.screen.info.width, prompt.screen.info.height) if prompt else DEFAULT_SCREEN_PX
    context = context_tokens(variant, steps, screen, shaping)
    return VariantEngine(variant, Load(0, choice.model, choice.mmproj, context, max_sequences=1), shaping)


def _died(why: str) -> None:
    raise EngineError(f"the engine died while it was measured: {why}", "the figures would hold its restart; run it again")
