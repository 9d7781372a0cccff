"""Effects follow from pixels: what changed, where, and whether the action had to change anything."""

from __future__ import annotations

import numpy as np
import pytest
from support.scripted_screen import HEIGHT, WIDTH, Change, ScriptedScreen, Shot

from edgeagent_harness.outside.seeing.effect import judge
from edgeagent_harness.outside.seeing.settle import Settled
from edgeagent_harness.outside.seeing.tiles import Pixels
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.effects import EffectStatus, SettleReport, SettleVerdict
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import Expectation

TARGET = Rect(100, 300, 200, 340)
ELSEWHERE = Rect(300, 40, 600, 200)
CARET = Rect(60, 60, 62, 76)
CLICK = act.Click(Point(150, 320))
BLANK: Pixels = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)


def after(*boxes: Rect, verdict: SettleVerdict = "still") -> Settled[Shot]:
    pixels = ScriptedScreen([Change(0, box) for box in boxes]).draw(1)
    report = SettleReport(verdict, 200, 100, 12, changed_once=bool(boxes))
    return Settled(Shot(pixels), report, local=(TARGET,), own_motion=(CARET,))


@pytest.mark.parametrize(
    ("action", "changes", "expect", "status"),
    [
        (CLICK, (ELSEWHERE,), "anywhere", "confirmed"),
        (CLICK, (), "anywhere", "suspected_noop"),
        (CLICK, (CARET,), "anywhere", "suspected_noop"),
        (CLICK, (TARGET,), "anywhere", "partial"),
        (CLICK, (TARGET,), "local", "confirmed"),
        (act.Type("a"), (TARGET,), "anywhere", "confirmed"),
        (act.Type("a"), (), "local", "suspected_noop"),
        (act.Scroll(Point(9, 9), dy=3), (), "anywhere", "suspected_noop"),
        (act.Move(Point(9, 9)), (ELSEWHERE,), "nothing", "unverifiable"),
        (act.ClipboardWrite("x"), (), "nothing", "unverifiable"),
        (act.CursorPosition(), (), "nothing", "confirmed"),
        (act.Wait(), (), "nothing", "confirmed"),
        (act.Batch((act.Move(Point(9, 9)), act.Wait())), (), "nothing", "unverifiable"),
        (act.Batch((CLICK, act.Wait())), (), "local", "suspected_noop"),
        (act.Batch((CLICK, act.Type("a"))), (TARGET,), "local", "confirmed"),
    ],
)
def test_status(action: act.Action, changes: tuple[Rect, ...], expect: Expectation, status: EffectStatus) -> None:
    effect = judge(action, BLANK, after(*changes), expect)
    assert effect.status == status
    assert bool(effect.message) == (status != "confirmed")


def test_changed_regions_are_the_changed_pixels() -> None:
    assert judge(CLICK, BLANK, after(ELSEWHERE), "anywhere").changed == (ELSEWHERE,)


def test_a_screen_still_changing_is_said() -> None:
    assert "still changing" in judge(CLICK, BLANK, after(ELSEWHERE, verdict="timeout"), "anywhere").message


def test_output_is_passed_on() -> None:
    assert judge(act.CursorPosition(), BLANK, after(), "nothing", "3,4").output == "3,4"
