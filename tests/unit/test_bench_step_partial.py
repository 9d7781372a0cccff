"""A step benchmark that was cut off reports what can be compared, and nothing else."""

import pytest

from edgeagent.bench.step.meter import Sample
from edgeagent.bench.step.partial import comparable
from edgeagent.bench.step.report import Setting, summarise
from edgeagent_models.protocol import Usage


def taken(*steps: tuple[str, int, int]) -> list[Sample]:
    return [Sample(variant, repeat, step, 100.0 * step, {}, Usage(9, 0, 0, 1), 1, 1, False) for variant, repeat, step in steps]


def whole(repeat: int) -> list[Sample]:
    return taken(*((variant, repeat, step) for step in (1, 2) for variant in ("naive", "fast")))


def test_whole_repeats() -> None:
    assert comparable([*whole(1), *whole(2)], 2, 2) == ([*whole(1), *whole(2)], 2)
    assert comparable([*whole(1), *taken(("fast", 2, 1), ("naive", 2, 1), ("naive", 2, 2))], 2, 2) == (whole(1), 1)


def test_whole_steps_of_a_first_repeat() -> None:
    begun = taken(("fast", 1, 1), ("naive", 1, 1), ("naive", 1, 2))
    assert comparable(begun, 2, 2) == (begun[:2], 1)
    assert comparable(begun[:1], 2, 2) == ([], 0)
    assert comparable([], 2, 2) == ([], 0)


def test_the_report_of_what_there_is() -> None:
    samples, repeats = comparable(taken(("fast", 1, 1), ("naive", 1, 1), ("naive", 1, 2)), 2, 2)
    report = summarise(Setting("m", "s", "replay", repeats, 1, 0), samples, [], "", None)
    assert (report.steps, report.repeats, report.ratios) == (1, 1, {"naive": pytest.approx(1.0)})
