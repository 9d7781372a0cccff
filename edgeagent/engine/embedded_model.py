"""The `Model` port over the embedded engine: pixels and history in, the next action out."""

from __future__ import annotations

import msgspec

from edgeagent.engine.pictures import as_image
from edgeagent.engine.watchdog import Engine
from edgeagent.errors import EngineError
from edgeagent.history import Step
from edgeagent.ports import Prompt, Reply
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Batch, Type
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.protocol import Decide, Decided, PastStep, Perceive, Perceived


class EmbeddedModel:
    """Asks the embedded policy. What it remembers travels with each request, so it survives any restart."""

    def __init__(self, engine: Engine, sequence: str) -> None:
        self.engine = engine
        self._sequence = sequence

    async def complete(self, prompt: Prompt) -> Reply:
        history = prompt.history
        decided = await self.engine.request(
            Decide(
                0, self._sequence, prompt.task, as_image(prompt.screen), tuple(map(past_step, history.steps)), history.memory
            )
        )  # fmt: skip
        if not isinstance(decided, Decided):
            raise EngineError(f"the engine answered a decision with {type(decided).__name__}")
        return Reply(
            decided.reply_json,
            target=decided.target,
            expect=decided.expect,
            memory=decided.memory,
            score=decided.score,
            timings_ms=decided.timings_ms,
        )

    async def read(self, screen: Screen) -> list[tuple[str, Rect]]:
        """The texts on ``screen``, each with where it stands."""
        perceived = await self.engine.request(Perceive(0, self._sequence, as_image(screen)))
        if not isinstance(perceived, Perceived):
            raise EngineError(f"the engine answered a look with {type(perceived).__name__}")
        return [(element.text, element.box) for element in perceived.elements if element.text]


def past_step(step: Step) -> PastStep:
    """``step`` as the policy is told of it."""
    status = "suspected_noop" if _missed(step) else step.effect.status
    return PastStep(msgspec.json.encode(step.action).decode(), status, step.target)


def _missed(step: Step) -> bool:
    """Whether text was typed into a target that stayed as it was: an open list or a dialog took the click and the keys.

    The effect is confirmed, as something else did change; for the policy it is a field that is still to be filled.
    """
    parts = step.action.actions if isinstance(step.action, Batch) else ()
    if step.target is None or not step.effect.changed or not any(isinstance(part, Type) for part in parts):
        return False
    return not any(step.target.box.intersect(region).area for region in step.effect.changed)
