"""An engine's failure as an error of the app."""

from __future__ import annotations

from typing import Literal

from edgeagent.errors import ContextFull, EngineError, ModelUnusable
from edgeagent_models.protocol import EngineFailed

MAX_FAILURE_CHARS = 4000


def raised(failure: EngineFailed) -> EngineError:
    """The error to raise for ``failure``."""
    match failure.code:
        case "model":
            return ModelUnusable(failure.message, "check the file with: edgeagent models info PATH")
        case "context_full":
            return ContextFull(failure.message)
        case _:
            return EngineError(failure.message)


def failure(number: int, error: EngineError) -> EngineFailed:
    """``error`` as the answer to request ``number``, for a run in another process: `raised` makes the like of it again."""
    code: Literal["model", "context_full", "internal"] = "internal"
    if isinstance(error, ModelUnusable):
        code = "model"
    elif isinstance(error, ContextFull):
        code = "context_full"
    return EngineFailed(number, code, str(error)[:MAX_FAILURE_CHARS])
