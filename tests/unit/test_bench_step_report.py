"""The step benchmark's figures are what its samples say: phases, growth, cached share, ratios with intervals, prediction."""

import os
from dataclasses import replace

import msgspec
import pytest

from edgeagent.bench.stats import ratio_interval, slope
from edgeagent.bench.step.fitting import Rates, rates
from edgeagent.bench.step.meter import Sample
from edgeagent.bench.step.plot import svg
from edgeagent.bench.step.report import Setting, growth, summarise
from edgeagent.bench.step.synthetic import named
from edgeagent.bench.step.table import table
from edgeagent.cli.models_fit import lines
from edgeagent.machine import machine_line
from edgeagent.timings import StepTimings
from edgeagent_models.protocol import Usage

SETTING = Setting("a model", "a session", "replay", repeats=3, reply_tokens=48, image_tokens=500)


def sample(variant: str, repeat: int, step: int, wall_ms: float, cached: int = 0) -> Sample:
    phases = {"encode_ms": 100.0, "prefill_ms": 200.0, "ttft_ms": 300.0, "decode_ms": wall_ms - 300}
    return Sample(variant, repeat, step, wall_ms, phases, Usage(1000, cached, 480, 48), 500, 80, False)


NAIVE = [sample("naive", repeat, step, 1000.0 * step) for repeat in (1, 2, 3) for step in (1, 2, 3, 4)]
FAST = [sample("fast", repeat, step, 1000.0, cached=500) for repeat in (1, 2, 3) for step in (1, 2, 3, 4)]
OUTSIDE = [StepTimings(1, {"capture_ms": 2.0, "settle_ms": 90.0, "encode_ms": 7.0})]
RATES = Rates(0.5, 1.0, 10.0, 400, 48, 3000, 1500, 90, 900, 8000, machine_line(), 0.0)


def test_phases_growth_and_cached_share() -> None:
    naive, fast = summarise(SETTING, [*NAIVE, *FAST], OUTSIDE, "no counters", None).variants
    assert (naive.variant, fast.variant) == ("naive", "fast")
    assert naive.totals_ms == (10_000, 10_000, 10_000)
    assert naive.steps_ms == (1000, 2000, 3000, 4000)
    assert naive.growth is not None
    assert naive.growth.ms_per_step == 1000
    assert naive.growth.last_to_early == 2
    assert (naive.cached_share, fast.cached_share) == (0, 0.5)
    assert fast.phases_ms["decode_ms"].p50 == 700
    assert fast.phases_ms["decode_ms"].count == 12
    assert "parse_ms" not in fast.phases_ms


def test_phases_outside_the_model_come_from_the_events() -> None:
    report = summarise(SETTING, FAST, OUTSIDE, "no counters", None)
    assert {name: spread.p50 for name, spread in report.outside_ms.items()} == {"capture_ms": 2, "settle_ms": 90}
    assert report.energy == "no counters"


def test_ratios_are_in_the_json_with_intervals() -> None:
    samples = [*NAIVE, *FAST]
    samples[0] = msgspec.structs.replace(samples[0], wall_ms=3000.0)
    report = msgspec.json.decode(msgspec.json.encode(summarise(SETTING, samples, [], "", None)))
    assert report["ratios"]["naive"] == pytest.approx((3.0 * 2.5 * 2.5) ** (1 / 3), abs=0.001)
    low, high = report["ratio_intervals"]["naive"]
    assert low < report["ratios"]["naive"] < high
    assert summarise(SETTING, NAIVE, [], "", None).ratios == {}


def test_table_and_plot_name_everything() -> None:
    energetic = [msgspec.structs.replace(one, energy_j=12.5) for one in FAST]
    report = summarise(SETTING, [*NAIVE, *energetic], OUTSIDE, "", RATES)
    text = table(report)
    for words in (
        "first token",
        "50% of all",
        "naive takes 2.50 times as long",
        "12.5 J",
        "as recorded then",
        "models fit predicts",
    ):
        assert words in text
    assert svg(report).count("<polyline") == 2
    assert svg(summarise(replace(SETTING, model="<b>"), FAST, [], "", None)).count("&lt;b&gt;") == 1


def test_a_busy_machine_is_named() -> None:
    quiet, busy = (replace(SETTING, load_before=load) for load in (0.0, 99.0))
    assert "too high" in table(summarise(busy, FAST, [], "", None))
    assert "too high" not in table(msgspec.structs.replace(summarise(quiet, FAST, [], "", None), load_average=(0.0, 0.5)))


def test_growth_needs_enough_steps() -> None:
    assert growth([9, 1, 1]) is None
    flat = growth([9000, *[100.0] * 39])
    assert flat is not None
    assert (flat.ms_per_step, flat.last_to_early) == (0, 1)


def test_intervals_against_values_computed_by_hand() -> None:
    assert ratio_interval([2.0]) == (2, 2, 2)
    mean, low, high = ratio_interval([2.0, 2.0, 4.0])
    # Logarithms 0.6931, 0.6931, 1.3863: mean 0.9242, deviation 0.4002, half width 4.303 * 0.4002 / 3**0.5 = 0.9942.
    assert (mean, low, high) == pytest.approx((2.5198, 0.9323, 6.8106), rel=1e-3)
    assert slope([1.0, 3.0, 5.0]) == 2
    assert slope([1.0]) == 0


def test_prediction_counts_fresh_tokens_only() -> None:
    # 400 picture tokens at 0.5, 500 fresh ones at 1, 48 written at 10.
    assert RATES.predict_ms(FAST[0]) == pytest.approx(200 + 500 + 480)
    assert summarise(SETTING, [*NAIVE, *FAST], [], "", RATES).predicted_ms == pytest.approx(4 * 1180)


def test_a_prediction_in_processor_time() -> None:
    fast = [msgspec.structs.replace(one, cpu_ms=1770.0) for one in FAST]
    report = summarise(SETTING, fast, [], "", msgspec.structs.replace(RATES, cores_busy=1.5))
    assert report.predicted_cpu_ms == pytest.approx(4 * 1180 * 1.5)
    assert "in processor time 7.1 s for these steps, measured 7.1 s: +0%" in table(report)
    assert "in processor time" not in table(summarise(SETTING, fast, [], "", RATES))


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        ({"load_average": 99.0, "load_after": 98.0}, "while other work shared this machine (load average 99 before, 98 after)"),
        ({"load_average": 99.0}, "while other work shared this machine (load average 99 before)"),
        ({"load_after": 99.0}, "while other work shared this machine (load average 0 before, 99 after)"),
        ({"machine": "a larger machine"}, "on another machine or system (a larger machine)"),
    ],
)
def test_a_prediction_remembered_from_a_busy_hour_says_so(taken: dict[str, object], words: str) -> None:
    remembered = msgspec.structs.replace(RATES, **taken)
    report = summarise(SETTING, FAST, [], "", remembered)
    assert report.prediction_doubt == f"taken {words}"
    assert f"that prediction was taken {words}: run `edgeagent models fit` again" in table(report)
    assert any(line.startswith(f"taken {words}") for line in lines(named("holo3.1-0.8b"), remembered, 0))


def test_a_prediction_from_a_quiet_hour_is_not_doubted() -> None:
    own = os.sched_getaffinity(0)
    remembered = msgspec.structs.replace(RATES, load_average=0.5 * len(own), load_after=1.0 * len(own))
    assert "that prediction was" not in table(summarise(SETTING, FAST, [], "", remembered))
    assert not any("too high" in line for line in lines(named("holo3.1-0.8b"), remembered, 0))


def test_one_step_in_three_computes_two_turns_again() -> None:
    assert RATES.mean_step_ms == pytest.approx(1500 + 90 * 2 / 3)


def test_rates_from_two_steps() -> None:
    first = msgspec.structs.replace(sample("fast", 1, 1, 1300), cpu_ms=1650.0)
    found = rates([first, msgspec.structs.replace(first, wall_ms=900.0, usage=Usage(1800, 1000, 960, 48))], 9000, (1.0, 1.5))
    assert found.encode_ms_per_image_token == pytest.approx(200 / 960, abs=1e-4)
    assert found.prefill_ms_per_token == pytest.approx(400 / 1800, abs=1e-4)
    assert found.decode_ms_per_token == pytest.approx(2000 / 96, abs=1e-4)
    assert (found.first_step_ms, found.next_step_ms) == (1300, 900)
    assert found.turn_tokens == 800 - 480
    assert found.cores_busy == pytest.approx(1.5)
    assert (found.load_average, found.load_after) == (1.0, 1.5)
