"""Puts recorded questions to models, variants interleaved step by step so that a busy moment of the machine hits all alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgeagent.bench.step.asked import Contestant
from edgeagent.bench.step.meter import Meter, Sample
from edgeagent.ports import Prompt

Tell = Callable[[Sample], None]


async def play(
    contestants: Sequence[Contestant], prompts: Sequence[Prompt], repeats: int, meter: Meter, tell: Tell,
    after_repeat: Callable[[], None],
) -> None:  # fmt: skip
    """Ask every contestant every question, ``repeats`` times from nothing; who goes first changes from step to step."""
    for repeat in range(1, repeats + 1):
        for contestant in contestants:
            await contestant.begin()
        for step, prompt in enumerate(prompts, start=1):
            for place in range(len(contestants)):
                one = contestants[(place + step + repeat) % len(contestants)]
                await meter.ask(one.model, prompt, one.engine.pid, one.variant, repeat, step)
                tell(meter.samples[-1])
        after_repeat()
