"""What the step benchmark found, as data: the shape of its JSON."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from edgeagent.bench.stats import median, percentile, ratio_interval, slope
from edgeagent.bench.step.fitting import Rates
from edgeagent.bench.step.meter import MODEL_PHASES, Sample
from edgeagent.machine import Machine, describe_machine
from edgeagent.timings import PHASES, StepTimings

OUTSIDE = ("capture_ms", "settle_ms", "judge_ms", "act_ms", "record_ms")
"""Phases that a model has no part in: read off the session's events."""


class Spread(msgspec.Struct, frozen=True):
    """Of one figure over all steps and repeats."""

    p50: float
    p95: float
    count: int


class Growth(msgspec.Struct, frozen=True):
    """How the step time changes as a session goes on, over the second step to the last (the first one starts cold)."""

    ms_per_step: float
    """Slope of the least-squares line through the medians of the steps."""
    last_to_early: float
    """Mean of the last steps to the mean of as many from the second on: ten where there are enough."""


class VariantReport(msgspec.Struct, frozen=True):
    """One way of asking."""

    variant: str
    step_ms: Spread
    step_cpu_ms: Spread
    """Processor time of the engine's process."""
    phases_ms: dict[str, Spread]
    totals_ms: tuple[float, ...]
    """All steps together, for each repeat."""
    steps_ms: tuple[float, ...]
    """By step, the median over the repeats."""
    growth: Growth | None
    prompt_tokens: Spread
    cached_tokens: Spread
    image_tokens: Spread
    output_tokens: Spread
    cached_share: float
    """Cached tokens to prompt tokens, over all steps."""
    engine_peak_mb: float
    app_peak_mb: float
    parsed_share: float
    """Replies that were actions; a reply of a forced length is none."""
    energy_j: Spread | None
    """A step's, of the whole processor; none where it cannot be read."""


class StepReport(msgspec.Struct, frozen=True):
    """The whole run."""

    model: str
    session: str
    how: str
    """``replay``, or ``live``."""
    steps: int
    repeats: int
    reply_tokens: int
    image_tokens: int
    variants: tuple[VariantReport, ...]
    outside_ms: dict[str, Spread]
    """Phases outside the model: measured when the session was recorded."""
    ratios: dict[str, float]
    """By variant: its time over all steps to that of ``fast``, the geometric mean over the repeats."""
    ratio_intervals: dict[str, tuple[float, float]]
    """95%, by Student's t on the logarithms of the repeats' ratios."""
    predicted_ms: float | None
    """What `edgeagent models fit` would have said of ``fast``'s steps, from its rates and the tokens that were counted: the sum
    of one repeat. None where it was not asked."""
    predicted_cpu_ms: float | None
    """The same in processor time: what to go by where other work shares the machine."""
    cpu_ratios: dict[str, float]
    """As ``ratios``, of the processor time of the engines' processes: what to go by where other work shares the machine."""
    cpu_ratio_intervals: dict[str, tuple[float, float]]
    first_step_ratios: dict[str, float]
    """By variant: ``fast``'s processor time of the first step, where no cache can help, to the variant's."""
    energy: str
    """How energy was read, or why it was not."""
    machine: Machine
    load_average: tuple[float, float]
    """Runnable processes over the last minute, before and after: above the number of cores the figures are too high."""
    samples: tuple[Sample, ...] = ()
    prediction_doubt: str = ""
    """Why not to go by what was predicted: taken on a busy machine, or on another one."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What was measured."""

    model: str
    session: str
    how: str
    repeats: int
    reply_tokens: int
    image_tokens: int
    load_before: float = field(default_factory=lambda: os.getloadavg()[0])


def summarise(
    setting: Setting, samples: Sequence[Sample], outside: Sequence[StepTimings], why_no_energy: str, rates: Rates | None
) -> StepReport:
    """The report over ``samples`` and what the session's own events say."""
    names = list(dict.fromkeys(sample.variant for sample in samples))
    variants = tuple(_variant(name, [sample for sample in samples if sample.variant == name]) for name in names)
    predicted_ms = _predicted(rates, samples, setting.repeats) if rates else None
    ratios = _ratios({variant.variant: variant.totals_ms for variant in variants})
    cpu_ratios = _ratios({name: _cpu_totals_ms(samples, name) for name in names})
    return StepReport(
        model=setting.model,
        session=setting.session,
        how=setting.how,
        steps=max(sample.step for sample in samples),
        repeats=setting.repeats,
        reply_tokens=setting.reply_tokens,
        image_tokens=setting.image_tokens,
        variants=variants,
        outside_ms=_outside(outside),
        ratios={name: mean for name, (mean, _, _) in ratios.items()},
        ratio_intervals={name: (low, high) for name, (_, low, high) in ratios.items()},
        predicted_ms=predicted_ms,
        predicted_cpu_ms=round(predicted_ms * rates.cores_busy, 1) if rates and predicted_ms and rates.cores_busy else None,
        cpu_ratios={name: mean for name, (mean, _, _) in cpu_ratios.items()},
        cpu_ratio_intervals={name: (low, high) for name, (_, low, high) in cpu_ratios.items()},
        first_step_ratios=_first_steps(samples, names),
        energy=why_no_energy or "RAPL, processor packages, all processes",
        machine=describe_machine(),
        load_average=(round(setting.load_before, 2), round(os.getloadavg()[0], 2)),
        samples=tuple(samples),
        prediction_doubt=rates.doubt if rates else "",
    )


def _predicted(rates: Rates, samples: Sequence[Sample], repeats: int) -> float:
    return round(sum(rates.predict_ms(sample) for sample in samples if sample.variant == "fast") / repeats, 1)


def spread(values: Sequence[float]) -> Spread:
    """Median and 95th percentile of ``values``, in their unit."""
    return Spread(round(percentile(values, 50), 3), round(percentile(values, 95), 3), len(values))


def growth(steps_ms: Sequence[float]) -> Growth | None:
    """Over the second step to the last; None with fewer than three of them."""
    later = steps_ms[1:]
    if len(later) < 3:
        return None
    few = min(10, len(later) // 2)
    early, last = sum(later[:few]), sum(later[-few:])
    return Growth(round(slope(later), 3), round(last / early, 4) if early else 0.0)


def _variant(name: str, samples: Sequence[Sample]) -> VariantReport:
    steps = sorted({sample.step for sample in samples})
    repeats = sorted({sample.repeat for sample in samples})
    steps_ms = tuple(round(median([one.wall_ms for one in samples if one.step == step]), 1) for step in steps)
    prompt, cached = ([getattr(one.usage, field) for one in samples] for field in ("prompt_tokens", "cached_tokens"))
    energy = [one.energy_j for one in samples if one.energy_j is not None]
    return VariantReport(
        variant=name,
        step_ms=spread([one.wall_ms for one in samples]),
        step_cpu_ms=spread([one.cpu_ms for one in samples]),
        phases_ms=_phases(samples),
        totals_ms=tuple(round(sum(one.wall_ms for one in samples if one.repeat == repeat), 1) for repeat in repeats),
        steps_ms=steps_ms,
        growth=growth(steps_ms),
        prompt_tokens=spread(prompt),
        cached_tokens=spread(cached),
        image_tokens=spread([one.usage.image_tokens for one in samples]),
        output_tokens=spread([one.usage.output_tokens for one in samples]),
        cached_share=round(sum(cached) / sum(prompt), 4) if sum(prompt) else 0.0,
        engine_peak_mb=max(one.engine_mb for one in samples),
        app_peak_mb=max(one.app_mb for one in samples),
        parsed_share=round(sum(one.parsed for one in samples) / len(samples), 4),
        energy_j=spread(energy) if energy else None,
    )


def _cpu_totals_ms(samples: Sequence[Sample], variant: str) -> tuple[float, ...]:
    own = [one for one in samples if one.variant == variant]
    return tuple(sum(one.cpu_ms for one in own if one.repeat == repeat) for repeat in sorted({one.repeat for one in own}))


def _first_steps(samples: Sequence[Sample], names: Sequence[str]) -> dict[str, float]:
    firsts = {name: [one.cpu_ms for one in samples if one.variant == name and one.step == 1] for name in names}
    own = median(firsts["fast"]) if "fast" in firsts else 0.0
    others = {name: median(values) for name, values in firsts.items() if name != "fast"}
    return {name: round(own / other, 3) for name, other in others.items() if own and other}


def _phases(samples: Sequence[Sample]) -> dict[str, Spread]:
    found: dict[str, Spread] = {}
    for phase in (*MODEL_PHASES, "parse_ms"):
        values = [one.phases_ms[phase] for one in samples if phase in one.phases_ms]
        if values:
            found[phase] = spread(values)
    return found


def _outside(timings: Sequence[StepTimings]) -> dict[str, Spread]:
    present = [phase for phase in PHASES if phase in OUTSIDE and any(phase in step.phases_ms for step in timings)]
    return {phase: spread([step.phases_ms.get(phase, 0.0) for step in timings]) for phase in present}


def _ratios(totals_ms: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, float, float]]:
    """By variant: mean, low, high."""
    fast = totals_ms.get("fast")
    if fast is None:
        return {}
    found: dict[str, tuple[float, float, float]] = {}
    for name, totals in totals_ms.items():
        if name != "fast" and min(*fast, *totals) > 0:
            mean, low, high = ratio_interval([other / own for other, own in zip(totals, fast, strict=True)])
            found[name] = round(mean, 3), round(low, 3), round(high, 3)
    return found
