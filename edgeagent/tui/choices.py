"""What the user types or chooses, as the run takes it. Pure."""

from __future__ import annotations

import shlex

from edgeagent.cli.run import chosen
from edgeagent.errors import UsageError
from edgeagent.runner import ModelChoice
from edgeagent.tui.dialog import Choice

MODE_CHOICES = (
    Choice("plan", "plan", "it says what it would do, and does nothing"),
    Choice("ask", "ask", "it asks before each action"),
    Choice("bounded", "bounded", "only what a rule of the policy allows; anything else is denied"),
    Choice("auto", "auto", "what no rule decides is done"),
)


def model_choice(said: str) -> ModelChoice:
    """``embedded``, or a GGUF file and after it its vision part. Raises `UsageError`."""
    return chosen(*model_words(said), family="")


def model_words(said: str) -> tuple[str, str]:
    """The model and its vision part, each empty where it is not said. Raises `UsageError`."""
    try:
        words = shlex.split(said)
    except ValueError as error:
        raise UsageError(f"model {said!r}: {error}", "quote paths with spaces") from error
    if len(words) > 2:
        problem = f"model {said!r} names {len(words)} files"
        raise UsageError(problem, "name the GGUF file and after it its mmproj; quote paths with spaces")
    model, mmproj = (*words, "", "")[:2]
    return model, mmproj
