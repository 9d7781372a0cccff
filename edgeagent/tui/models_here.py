"""Which models could go on, with what fits here and what a step would take: for the user to choose from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.app import App

from edgeagent.bench.step.fitting import kept
from edgeagent.bench.step.synthetic import OFFERED, named
from edgeagent.hub.shelf import Shelved, shelved
from edgeagent.machine import available_mb
from edgeagent.runner import ModelChoice
from edgeagent.runner.deciding import refuse_unusable
from edgeagent.tui.choices import model_choice
from edgeagent.tui.dialog import Choice, ChoiceScreen, LineScreen
from edgeagent.tui.leaving import may_leave
from edgeagent_models.published import Published, needs, published

OTHER = "other"
PULL = "pull:"
"""Begins the choice of a model that is not on this machine yet; after it, what to pull."""


async def choose_decider(app: App[None], now: str, room_mb: Callable[[], float]) -> ModelChoice | None:
    """What the user has a session go on with; None: as `choose_model`, or not after what was said of it. In a worker.
    ``room_mb``: the memory that there will be for it.

    Raises `EdgeAgentError` where it is known already that it cannot decide here.
    """
    said = await choose_model(app, now, "Which model decides from the next step on?", room_mb)
    if not said:
        return None
    choice = model_choice(said)
    refuse_unusable(choice, room_mb())
    return choice if await may_leave(app, choice.model) else None


async def choose_model(
    app: App[None], now: str, title: str = "Which model?", room_mb: Callable[[], float] = available_mb
) -> str | None:
    """What the user chooses or writes; None: nothing, or one that is to be fetched first. In a worker."""
    choices = await asyncio.to_thread(model_choices, room_mb())
    said = await app.push_screen_wait(ChoiceScreen(title, choices, now))
    if said == OTHER:
        note = "A GGUF file and after it its mmproj, or openai:URL#NAME"
        return await app.push_screen_wait(LineScreen("Which model?", note, now))
    if said is not None and said.startswith(PULL):
        app.notify(f"First: edgeagent models pull {said.removeprefix(PULL)}:QUANT", timeout=10, markup=False)
        return None
    return said


def model_choices(room_mb: float) -> list[Choice]:
    """The embedded one, those on this machine, any other file, and published ones that fit in ``room_mb``. Reads the disk."""
    free_gb = room_mb / 1000
    known = published()
    here = [Choice(one.name, one.name, _here(one, free_gb, known)) for one in shelved()]
    return [
        Choice("embedded", "embedded", "no download; sees and decides on this machine; what it can do is limited"),
        *here,
        Choice(OTHER, "another one …", "a GGUF file and after it its mmproj, or a server: openai:URL#NAME"),
        *filter(None, (_offer(model, free_gb) for model in known)),
    ]


def _here(one: Shelved, free_gb: float, known: list[Published]) -> str:
    size_gb = one.size_bytes / 1e9
    fits = "fits" if size_gb < free_gb else "DOES NOT FIT"
    model = next((model for model in known if _bare(model.name) in _bare(one.model.name)), None)
    quantization = next((name for name in OFFERED if name.casefold() in one.model.name.casefold()), "")
    step = _step_words(model, [quantization]) if model is not None and quantization else ""
    return "; ".join(filter(None, (f"on this machine, {size_gb:.1f} GB: {fits} in {free_gb:.1f} GB", step)))


def _offer(model: Published, free_gb: float) -> Choice | None:
    """A published model that fits in one of its quantizations; None: none does."""
    fitting = sorted((need for need in needs(model) if need.memory_gb < free_gb), key=lambda need: -need.memory_gb)
    if not fitting:
        return None
    largest = fitting[0]
    words = f"not here yet; {largest.quantization} needs {largest.memory_gb:.1f} GB of {free_gb:.1f} GB"
    step = _step_words(model, [need.quantization for need in fitting])
    return Choice(
        f"{PULL}{model.repository or 'OWNER/' + model.name.upper()}", model.name, "; ".join(filter(None, (words, step)))
    )


def _bare(name: str) -> str:
    """``name`` as it compares: files are called Holo-3.1-0.8B-Q8_0.gguf, models holo3.1-0.8b."""
    return "".join(filter(str.isalnum, name.casefold()))


def _step_words(model: Published, quantizations: list[str]) -> str:
    """The step time that was predicted here for the first of these quantizations, or how to have it predicted."""
    if not model.shape:
        return ""
    for quantization in quantizations:
        rates = kept(named(f"{model.shape}:{quantization}").directory, 0) if quantization in OFFERED else None
        if rates is not None:
            again = f"; predict it again: edgeagent models fit {model.shape}:{quantization}" if rates.doubt else ""
            return f"a step takes about {rates.mean_step_ms / 1000:.1f} s here ({quantization}){again}"
    offered = next((name for name in quantizations if name in OFFERED), "")
    return f"step time: edgeagent models fit {model.shape}:{offered}" if offered else ""
