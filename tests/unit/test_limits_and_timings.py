"""Limits count what was executed; timings add up what the events say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgeagent import events
from edgeagent.history import History, Step, fold
from edgeagent.limits import Limits, repeated_without_effect
from edgeagent.timings import median_phases, step_timings
from edgeagent_harness.protocol.actions import Action, Click, Key
from edgeagent_harness.protocol.effects import Effect, SettleReport
from edgeagent_harness.protocol.geometry import Point

CLICK = Click(Point(1, 1))
NOOP = Effect("suspected_noop")
STALE = Effect("refused", "stale", performed=False)


def steps(*effects: Effect) -> tuple[Step, ...]:
    return tuple(Step(number, CLICK, effect) for number, effect in enumerate(effects, 1))


def test_refused_actions_do_not_count_as_repeats() -> None:
    assert repeated_without_effect(steps(NOOP, STALE, NOOP)) == 2
    assert repeated_without_effect(steps(STALE, STALE)) == 0


def test_an_effect_or_another_action_starts_the_count_anew() -> None:
    assert repeated_without_effect(steps(NOOP, Effect("confirmed"), NOOP)) == 1
    assert repeated_without_effect((*steps(NOOP, NOOP), Step(3, Key(("tab",)), NOOP))) == 1


def test_zero_means_no_limit() -> None:
    history = History(steps=steps(*[NOOP] * 50), rejected_in_a_row=50)
    assert Limits(0, 0, 0, 0).reached(history, 1e9) is None
    reached = Limits(max_steps=0, max_rejected=0, max_no_effect=4).reached(history, 0)
    assert reached is not None
    assert (reached.limit, reached.value) == ("no_effect", 50)


@pytest.mark.parametrize("news", [events.RunStarted("resumed"), events.UserMessage("try the other button")])
def test_what_led_nowhere_may_be_tried_anew_once_the_user_has_had_a_look(news: events.EventData) -> None:
    stuck = History(steps=steps(*[NOOP] * 4))
    assert Limits().reached(stuck, 0) == events.LimitReached("no_effect", 4)
    again = fold([news], stuck)
    assert Limits().reached(again, 0) is None
    acted = [events.Intent(5, CLICK, "f"), events.Acted(5, NOOP, "f")]
    assert Limits().reached(fold(acted * 3, again), 0) is None
    assert Limits().reached(fold(acted * 4, again), 0) == events.LimitReached("no_effect", 4)


def test_a_sandbox_started_anew_does_not_forget_what_led_nowhere() -> None:
    lost = fold([events.RunStarted("desktop_restarted")], History(steps=steps(*[NOOP] * 4)))
    assert Limits().reached(lost, 0) == events.LimitReached("no_effect", 4)


def rounds(count: int, screens: tuple[str, ...], actions: tuple[Action, ...]) -> tuple[Step, ...]:
    """Rounds of steps that each do something."""
    each = [*zip(screens, actions, strict=True)] * count
    return tuple(Step(i, action, Effect("confirmed"), frame_before=screen) for i, (screen, action) in enumerate(each, 1))


OPEN_AND_SHUT = (Click(Point(5, 5)), Key(("escape",)))


@pytest.mark.parametrize("before", [0, 1, 5])
def test_a_round_that_comes_back_to_the_same_screen_is_not_taken_for_ever(before: int) -> None:
    led_there = steps(*[Effect("confirmed")] * before)
    history = History(steps=led_there + rounds(6, ("shut", "open"), OPEN_AND_SHUT))
    assert Limits().reached(history, 0) == events.LimitReached("no_effect", 6)
    assert Limits().reached(History(steps=history.steps[:-1]), 0) is None
    assert Limits(max_no_effect=0).reached(history, 0) is None
    assert Limits(max_no_effect=9).reached(history, 0) is None


def test_what_moves_on_is_no_circle() -> None:
    moving = tuple(replace(step, frame_before=f"page {step.number}") for step in rounds(20, ("shut", "open"), OPEN_AND_SHUT))
    assert Limits(max_steps=0).reached(History(steps=moving), 0) is None
    other = (*rounds(3, ("shut", "open"), OPEN_AND_SHUT), *rounds(3, ("shut", "open"), (Click(Point(6, 6)), Key(("escape",)))))
    assert Limits(max_steps=0).reached(History(steps=other), 0) is None
    assert Limits(max_steps=0).reached(History(steps=rounds(9, ("same",), (Click(Point(5, 5)),))), 0) is None, (
        "each had an effect"
    )


def test_a_step_is_the_sum_of_its_phases() -> None:
    settle = SettleReport("still", waited_ms=150, quiet_ms=100, captures=9, changed_once=True)
    facts = [
        events.Replied("", timings_ms={"perceive_ms": 30, "decode_ms": 4}),
        events.Malformed("?"),
        events.Replied("", timings_ms={"perceive_ms": 10, "decode_ms": 4}),
        events.Verdict(True, judge_ms=0.5),
        events.Acted(1, NOOP, "f", act_ms=2, capture_ms=1, record_ms=3, settle=settle),
        events.Acted(2, NOOP, "f", act_ms=4),
    ]
    first, second = step_timings(facts)
    assert first.phases_ms["perceive_ms"] == 40
    assert first.total_ms == 40 + 8 + 0.5 + 2 + 1 + 3 + 150
    assert first.outside_model_ms == 6.5
    assert first.quiet_ms == 100
    assert second.total_ms == 4
    assert median_phases([first, second])["act_ms"] == 3
    assert median_phases([]) == {}
