"""Which models could go on, with what fits here and what a step would take: for the user to choose from."""

from __future__ import annotations

import asyncio

from textual.app import App

from edgeagent.bench.step.fitting import kept
from edgeagent.bench.step.resources import available_mb
from edgeagent.bench.step.synthetic import named
from edgeagent.errors import UsageError
from edgeagent.hub.shelf import shelved
from edgeagent.tui.dialog import Choice, ChoiceScreen, LineScreen
from edgeagent_models.published import Published, needs, published

OTHER = "other"
PULL = "pull:"
"""Begins the choice of a model that is not on this machine yet; after it, what to pull."""


async def choose_model(app: App[None], now: str) -> str | None:
    """What the user chooses or writes; None: nothing, or one that is to be fetched first. In a worker."""
    choices = await asyncio.to_thread(model_choices)
    said = await app.push_screen_wait(
        ChoiceScreen("Which model? A session that runs is stopped, and goes on with it", choices, now)
    )
    if said == OTHER:
        note = "A GGUF file and after it its mmproj, or openai:URL#NAME"
        return await app.push_screen_wait(LineScreen("Which model?", note, now))
    if said is not None and said.startswith(PULL):
        app.notify(f"First: edgeagent models pull {said.removeprefix(PULL)}:QUANT", timeout=10, markup=False)
        return None
    return said


def model_choices() -> list[Choice]:
    """The embedded one, those on this machine, any other file, and published ones that fit. Reads the disk."""
    free_gb = available_mb() / 1000
    here = [Choice(one.name, one.name, _here(one.size_bytes / 1e9, free_gb, one.name)) for one in shelved()]
    return [
        Choice("embedded", "embedded", "no download; sees and decides on this machine; what it can do is limited"),
        *here,
        Choice(OTHER, "another one …", "a GGUF file and after it its mmproj, or a server: openai:URL#NAME"),
        *filter(None, (_offer(model, free_gb) for model in published())),
    ]


def _here(size_gb: float, free_gb: float, name: str) -> str:
    fits = "fits" if size_gb < free_gb else "DOES NOT FIT"
    return "; ".join(filter(None, (f"on this machine, {size_gb:.1f} GB: {fits} in {free_gb:.1f} GB", _step_words(name))))


def _offer(model: Published, free_gb: float) -> Choice | None:
    """A published model that fits in one of its quantizations; None: none does, or nobody knows where it is."""
    fitting = [need for need in needs(model) if need.memory_gb < free_gb]
    if not fitting:
        return None
    largest = max(fitting, key=lambda need: need.memory_gb)
    words = f"not here yet; {largest.quantization} needs {largest.memory_gb:.1f} GB of {free_gb:.1f} GB"
    predicted = _step_words(f"{model.shape or model.name}:{largest.quantization}")
    unknown = f"step time: edgeagent models fit {model.name}"
    return Choice(f"{PULL}{model.repository or model.name}", model.name, "; ".join((words, predicted or unknown)))


def _step_words(name: str) -> str:
    """The step time that was predicted here for a model of this name, if it was."""
    try:
        rates = kept(named(name).directory, 0)
    except UsageError:
        return ""
    return f"a step takes about {rates.mean_step_ms / 1000:.1f} s here" if rates else ""
