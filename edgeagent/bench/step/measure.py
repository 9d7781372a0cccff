"""The whole benchmark: a recorded session put to a model, or a model asked while a desktop is driven."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from edgeagent.bench.step import script
from edgeagent.bench.step.asked import opened
from edgeagent.bench.step.fitting import Rates
from edgeagent.bench.step.meter import Meter
from edgeagent.bench.step.partial import comparable
from edgeagent.bench.step.playing import Tell, play
from edgeagent.bench.step.prompts import Recorded, recorded
from edgeagent.bench.step.report import Setting, StepReport, summarise
from edgeagent.bench.step.resources import EnergyMeter
from edgeagent.bench.step.variants import Shaping, VariantName
from edgeagent.ports import Prompt, Reply
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import ModelChoice
from edgeagent.timings import StepTimings, step_timings

STEPS_ON_THE_SPOT = 8
Keep: TypeAlias = Callable[[StepReport], None]
"""Gets what is known so far."""


@dataclass(frozen=True, slots=True)
class StepBenchmark:
    """What to measure. ``session`` is a recorded session's directory; None: a short one is recorded first."""

    choice: ModelChoice
    name: str
    """Of the model, for the report."""
    session: Path | None = None
    live: bool = False
    steps: int = 0
    """0: all of the session's; of one recorded on the spot `STEPS_ON_THE_SPOT`."""
    repeats: int = 1
    variants: Sequence[VariantName] = ("fast",)
    shaping: Shaping = field(default_factory=Shaping)
    rates: Rates | None = None
    """What `edgeagent models fit` found for this model, to compare with."""


async def measure(benchmark: StepBenchmark, tell: Tell, keep: Keep = lambda _: None) -> StepReport:
    """Run it. ``tell`` gets each sample as it comes, ``keep`` a replay's report after each repeat and when it is cut off, of what
    can be compared by then. Needs a sandbox only without a session."""
    with tempfile.TemporaryDirectory(prefix="edgeagent-steps-") as scratch:
        if benchmark.live:
            return await _live(benchmark, Path(scratch), tell)
        steps = benchmark.steps or (0 if benchmark.session else STEPS_ON_THE_SPOT)
        session = benchmark.session or await script.record(Path(scratch), steps)
        with SessionReader.open(session) as reader:
            questions = recorded(reader, steps)
        return await _replay(benchmark, questions, tell, keep)


async def _replay(benchmark: StepBenchmark, questions: Recorded, tell: Tell, keep: Keep) -> StepReport:
    prompts, meter = questions.prompts, Meter(EnergyMeter())
    setting = _setting(benchmark, questions.session if benchmark.session else "a session recorded on the spot", "replay")

    def so_far() -> None:
        samples, repeats = comparable(meter.samples, len(benchmark.variants), len(prompts))
        if samples:
            done = replace(setting, repeats=repeats)
            keep(summarise(done, samples, questions.timings, meter.energy.why_not, benchmark.rates))

    async with opened(benchmark.choice, benchmark.variants, prompts[0], len(prompts), benchmark.shaping) as contestants:
        try:
            await play(contestants, prompts, benchmark.repeats, meter, tell, so_far)
        except BaseException:
            so_far()
            raise
    return summarise(setting, meter.samples, questions.timings, meter.energy.why_not, benchmark.rates)


async def _live(benchmark: StepBenchmark, scratch: Path, tell: Tell) -> StepReport:
    """The model is asked at each step of a scripted run, so that every model is measured on the same screens."""
    meter, steps = Meter(EnergyMeter()), benchmark.steps or STEPS_ON_THE_SPOT
    setting = _setting(benchmark, "a scripted run", "live")
    outside: list[StepTimings] = []
    async with opened(benchmark.choice, benchmark.variants, None, steps, benchmark.shaping) as contestants:
        one = contestants[0]
        for repeat in range(1, benchmark.repeats + 1):
            await one.begin()

            async def ask(prompt: Prompt, step: int, repeat: int = repeat) -> Reply:
                reply = await meter.ask(one.model, prompt, one.engine.pid, one.variant, repeat, step)
                tell(meter.samples[-1])
                return reply

            with SessionReader.open(await script.record(scratch, steps, ask)) as reader:
                outside += step_timings(event.data for event in reader.events())
    return summarise(setting, meter.samples, outside, meter.energy.why_not, benchmark.rates)


def _setting(benchmark: StepBenchmark, session: str, how: str) -> Setting:
    shaping = benchmark.shaping
    return Setting(benchmark.name, session, how, benchmark.repeats, shaping.reply_tokens, shaping.image_tokens)
