"""Settling waits for the response, then for quiet; carets and spinners do not hold it up; it has an end."""

from __future__ import annotations

import asyncio

import pytest
from support.scripted_screen import HEIGHT, WIDTH, Change, ScriptedScreen, Shot

from edgeagent_harness.outside.seeing.settle import Settled, Settler, targets_of
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import SettleSpec

BUTTON = Rect(100, 300, 200, 340)
ELSEWHERE = Rect(300, 40, 600, 200)
CARET = Rect(60, 60, 62, 76)
SPINNER = Rect(400, 300, 424, 324)
SCREEN = Rect(0, 0, WIDTH, HEIGHT)
ANYWHERE, LOCAL, NOTHING = SettleSpec("anywhere"), SettleSpec("local"), SettleSpec("nothing")


async def settle(screen: ScriptedScreen, spec: SettleSpec, settler: Settler | None = None) -> Settled[Shot]:
    """Wait as after a click on the button at this very moment."""
    before = Shot(screen.draw(screen.clock.monotonic_s() - 1e-6))
    settler = settler or Settler(WIDTH, HEIGHT, screen.clock)
    return await settler.settle(screen.capture, spec, before, (BUTTON,))


@pytest.mark.parametrize("delay_s", [0.05, 0.2, 0.43, 0.8])
async def test_it_waits_for_a_late_response_and_then_only_for_quiet(delay_s: float) -> None:
    screen = ScriptedScreen([Change(0.01, BUTTON), Change(delay_s, ELSEWHERE)])
    settled = await settle(screen, ANYWHERE)
    assert settled.report.verdict == "still"
    assert settled.report.changed_once
    assert (settled.shot.pixels == screen.draw(99)).all()
    assert ANYWHERE.quiet_ms <= settled.report.waited_ms - delay_s * 1000 <= ANYWHERE.quiet_ms + 17 + 2 * 3


async def test_feedback_at_the_target_is_no_response() -> None:
    screen = ScriptedScreen([Change(0.02, BUTTON), Change(0.03, BUTTON.grow(8, SCREEN), 40), Change(0.6, ELSEWHERE)])
    assert (await settle(screen, ANYWHERE)).report.waited_ms > 600


async def test_what_the_target_before_loses_is_no_response() -> None:
    screen = ScriptedScreen()
    settler = Settler(WIDTH, HEIGHT, screen.clock)
    await settle(screen, NOTHING, settler)
    clicked_s = screen.clock.monotonic_s()
    screen.changes = [Change(clicked_s + 0.02, BUTTON), Change(clicked_s + 0.5, ELSEWHERE)]
    other = (Rect(400, 300, 500, 340),)
    settled = await settler.settle(screen.capture, ANYWHERE, Shot(screen.draw(clicked_s)), other)
    assert settled.report.waited_ms >= 500 + ANYWHERE.quiet_ms


async def test_without_a_response_it_gives_up_after_response_ms() -> None:
    settled = await settle(ScriptedScreen([Change(0.02, BUTTON)]), ANYWHERE)
    assert settled.report.verdict == "still"
    assert settled.report.changed_once
    assert settled.report.waited_ms == pytest.approx(ANYWHERE.response_ms, abs=25)


async def test_a_local_change_is_enough_when_it_is_expected() -> None:
    settled = await settle(ScriptedScreen([Change(0.03, BUTTON)]), LOCAL)
    assert 30 + LOCAL.quiet_ms <= settled.report.waited_ms <= 30 + LOCAL.quiet_ms + 30


async def test_a_local_response_that_does_not_come_is_given_up_early() -> None:
    settled = await settle(ScriptedScreen(), LOCAL)
    assert settled.report.waited_ms == pytest.approx(350, abs=25)
    assert not settled.report.changed_once


async def test_nothing_expected_waits_for_quiet_only() -> None:
    settled = await settle(ScriptedScreen(), NOTHING)
    assert settled.report.waited_ms == pytest.approx(NOTHING.quiet_ms, abs=10)


async def test_a_rendering_in_several_strokes_is_waited_out() -> None:
    strokes = [Change(0.1 + 0.06 * i, Rect(300, 40 + 20 * i, 600, 60 + 20 * i)) for i in range(8)]
    screen = ScriptedScreen(strokes)
    settled = await settle(screen, ANYWHERE)
    assert (settled.shot.pixels == screen.draw(99)).all()


async def test_a_blinking_caret_does_not_hold_it_up() -> None:
    screen = ScriptedScreen([Change(-10, CARET, period_s=0.5), Change(0.3, ELSEWHERE)])
    assert (await settle(screen, ANYWHERE)).report.waited_ms < 450


async def test_a_caret_that_is_known_is_no_response() -> None:
    screen = ScriptedScreen([Change(-10, CARET, period_s=0.08)])
    settler = Settler(WIDTH, HEIGHT, screen.clock)
    await settler.settle(screen.capture, SettleSpec("nothing", quiet_ms=100))
    settled = await settle(screen, ANYWHERE, settler)
    assert settled.report.verdict == "periodic"
    assert not settled.report.changed_once
    assert settled.report.waited_ms == pytest.approx(ANYWHERE.response_ms, abs=25)
    assert any(region.contains(60, 60) for region in settled.own_motion)


async def test_a_spinner_is_learnt_once_and_then_ignored() -> None:
    spinner = Change(-1, SPINNER, period_s=0.03, phases=8)
    screen = ScriptedScreen([spinner, Change(0.1, ELSEWHERE)])
    settler = Settler(WIDTH, HEIGHT, screen.clock)
    first = await settle(screen, ANYWHERE, settler)
    assert first.report.verdict == "periodic"
    assert first.report.waited_ms < 1200
    again_s = screen.clock.monotonic_s()
    screen.changes = [spinner, Change(again_s + 0.2, ELSEWHERE, 30)]
    second = await settle(screen, ANYWHERE, settler)
    assert second.report.verdict == "periodic"
    assert second.report.waited_ms < 350


async def test_a_spinner_that_the_action_brought_up_does_not_pass_for_the_response() -> None:
    screen = ScriptedScreen([Change(0.05, SPINNER, period_s=0.03, phases=8, until_s=0.8), Change(0.8, ELSEWHERE)])
    settled = await settle(screen, ANYWHERE)
    assert (settled.shot.pixels == screen.draw(99)).all()


async def test_a_change_beside_a_caret_in_the_same_tile_counts() -> None:
    screen = ScriptedScreen([Change(-10, CARET, period_s=0.08)])
    settler = Settler(WIDTH, HEIGHT, screen.clock)
    await settler.settle(screen.capture, SettleSpec("nothing", quiet_ms=100))
    typed_s = screen.clock.monotonic_s() + 0.1
    screen.changes = [Change(-10, CARET, period_s=0.08), Change(typed_s, Rect(40, 60, 58, 76))]
    settled = await settle(screen, LOCAL, settler)
    assert settled.report.changed_once


async def test_a_screen_that_never_rests_ends_at_the_bound() -> None:
    large = Rect(0, 0, WIDTH, HEIGHT)
    screen = ScriptedScreen([Change(-1, large, period_s=0.04, phases=200)])
    settled = await settle(screen, SettleSpec("anywhere", timeout_ms=1_500))
    assert settled.report.verdict == "timeout"
    assert settled.report.waited_ms == pytest.approx(1500, abs=25)


async def test_captures_keep_to_60_hz() -> None:
    screen = ScriptedScreen()
    settled = await settle(screen, ANYWHERE)
    assert settled.report.captures <= ANYWHERE.response_ms / 1000 * 60 + 2


async def test_on_a_slow_machine_as_many_captures_must_be_quiet() -> None:
    screen = ScriptedScreen([Change(0.1, ELSEWHERE), Change(0.25, ELSEWHERE, 30)])
    screen.on_capture = lambda: screen.clock.advance(0.05)
    settled = await settle(screen, ANYWHERE)
    assert (settled.shot.pixels == screen.draw(99)).all()


async def test_it_can_be_stopped() -> None:
    screen = ScriptedScreen()
    stop = asyncio.Event()
    screen.on_capture = lambda: stop.set() if screen.captures == 4 else None
    settler = Settler(WIDTH, HEIGHT, screen.clock)
    settled = await settler.settle(screen.capture, ANYWHERE, await screen.capture(), (BUTTON,), stop)
    assert settled.report.verdict == "cancelled"
    assert settled.report.waited_ms < 100


def test_targets_are_the_guarded_region_and_boxes_around_further_points() -> None:
    click, other = act.Click(Point(150, 320)), act.Click(Point(5, 5))
    assert targets_of(click, BUTTON, SCREEN) == (BUTTON,)
    assert targets_of(act.Batch((click, act.Type("a"), other)), BUTTON, SCREEN) == (BUTTON, Rect(0, 0, 45, 29))
    assert targets_of(act.Key(("tab",)), None, SCREEN) == ()
