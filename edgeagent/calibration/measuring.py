"""Asks a loaded model for known targets: first freely, to learn how it counts, then on the way that a run takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgeagent.action import parse
from edgeagent.calibration import verdict
from edgeagent.calibration.conventions import Answered, Convention, detect, numbers_in
from edgeagent.calibration.targets import Target, draw
from edgeagent.engine.llama_model import LlamaModel
from edgeagent.errors import ReplyMalformed
from edgeagent.history import History
from edgeagent.ports import Prompt
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Click, Move
from edgeagent_models.families.family import Family

FREE_ANSWERS = 6
"""Asked without a grammar, which would press other numbers into the family's form."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The convention that was found, and each target's error in physical pixels; None where the answer was no point."""

    convention: Convention | None
    errors_px: tuple[float | None, ...]
    radius_px: float


async def measure(
    model: LlamaModel, size: tuple[int, int], scale: float, targets: int, progress: Callable[[str], None]
) -> Measured:  # fmt: skip
    """Show ``model`` screens of ``size`` with things drawn ``scale`` times as large, and ask for one on each."""
    shown = draw(*size, targets, scale)
    convention = await _counting(model, shown[:: max(1, targets // FREE_ANSWERS)][:FREE_ANSWERS])
    errors: list[float | None] = []
    for number, (screen, target) in enumerate(shown, start=1):
        errors.append(await _error(model, screen, target))
        told = "no point" if errors[-1] is None else f"{errors[-1]:.0f} px off"
        progress(f"{number}/{targets} {target.name} at {target.x:.0f},{target.y:.0f}: {told}")
    return Measured(convention, tuple(errors), shown[0][1].radius)


async def _counting(model: LlamaModel, shown: Sequence[tuple[Screen, Target]]) -> Convention | None:
    """How it counts when nothing holds it; where it then says no numbers at all, when its grammar does."""
    claimed = model.speaker.family.grid
    for held in (False, True):
        answers = [
            Answered(target, model.speaker.view(screen), numbers_in(await model.say(_asked(screen, target), held)))
            for screen, target in shown
        ]
        if (found := detect(answers, claimed)) is not None:
            return found
    return None


async def _error(model: LlamaModel, screen: Screen, target: Target) -> float | None:
    reply = await model.complete(_asked(screen, target))
    try:
        action = parse(reply, screen.info).action
    except ReplyMalformed:
        return None
    return target.error_px(action.point.x, action.point.y) if isinstance(action, Click | Move) else None


def _asked(screen: Screen, target: Target) -> Prompt:
    return Prompt(target.task, screen, History(target.task))


def summed(
    measured: Measured, family: Family, named: tuple[str, str], size: tuple[int, int], scale: float
) -> verdict.Calibration:  # fmt: skip
    """What is remembered of it; ``named``: the model and its quantization."""
    errors_px, radius_px = measured.errors_px, measured.radius_px
    said, reason = verdict.judged(errors_px, radius_px, family, measured.convention)
    return verdict.Calibration(
        *named, family.name, size, scale, len(errors_px), verdict.hits(errors_px, radius_px), errors_px.count(None),
        *verdict.spread(errors_px), round(radius_px, 1), measured.convention, said, reason,
    )  # fmt: skip
