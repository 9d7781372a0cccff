"""What a family writes of an action it reads back, at any screen size; whatever it reads, it raises its own error alone."""

from __future__ import annotations

import contextlib
import json
import math

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import families as support

from edgeagent.action import parse as parse_canonical
from edgeagent.errors import ReplyMalformed
from edgeagent.ports import Reply
from edgeagent_harness.protocol.actions import Click, Finish
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families.family import Family, UnreadableReply
from edgeagent_models.families.grid import limits, on_grid, physical
from edgeagent_models.families.registry import FAMILIES

every_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@every_family
@settings(max_examples=40)
@given(st.data())
def test_round_trip(family: Family, data: st.DataObject) -> None:
    view = family.view(*data.draw(support.SCREENS))
    points = support.on_grid_points(family, view)
    action = data.draw(support.any_action(points))
    thought = data.draw(support.THOUGHTS)
    text = support.told(family, thought, action, view)
    if text is None:
        action = Click(data.draw(points))  # every family can say that
        text = family.render(thought, action, view)
    said = family.parse(text, view)
    again = family.render(said.thought, said.action, view)
    assert again == text
    if not isinstance(action, support.LOSSY.get(family.name, (Finish,))):
        assert said.action == action


@every_family
@settings(max_examples=40)
@example(screen=(3840, 2160), at=(0.999, 0.001))
@example(screen=(2880, 1620), at=(0.5, 0.5))
@given(screen=support.SCREENS, at=st.tuples(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True)))
def test_every_grid_comes_back_within_a_pixel(family: Family, screen: tuple[int, int], at: tuple[float, float]) -> None:
    """Within a pixel, or half a step where the grid's steps are wider than two; from the grid and back nothing changes."""
    view = family.view(*screen)
    pixel = Point(math.floor(at[0] * view.width), math.floor(at[1] * view.height))
    numbers = on_grid(family.grid, pixel, view)
    back = physical(family.grid, *numbers, view)
    steps = [10_000, 10_000] if family.grid == "unit" else list(limits(family.grid, view))
    for was, now, side, count in zip((pixel.x, pixel.y), (back.x, back.y), screen, steps, strict=True):
        assert abs(was - now) <= max(1, side / count / 2 + 1e-6)
        assert 0 <= now < side
    assert on_grid(family.grid, back, view) == numbers


@every_family
@settings(max_examples=40)
@given(screen=support.SCREENS, factor=st.sampled_from([0, 28, 32]))
def test_pictures_are_sent_at_sizes_that_nobody_resizes_again(family: Family, screen: tuple[int, int], factor: int) -> None:
    view = family.view(*screen, factor)
    side = factor or family.resize.factor
    assert view.sent_width % side == view.sent_height % side == 0
    assert 8 <= view.sent_width * view.sent_height / side**2 <= 4096
    bend = (view.sent_width / view.sent_height) / (screen[0] / screen[1])
    assert 0.8 < bend < 1.25


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("click"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["action", "coordinate", "text", "keys", "x", "y", "tool_name", "tool_call", "name", "arguments", "pixels", "function"]
    ), inner, max_size=5),
    max_leaves=8,
)  # fmt: skip
WRAPPED = st.builds(
    lambda before, value, after: before + json.dumps(value) + after,
    st.sampled_from(["", "<tool_call>", 'Action: x\n<tool_call>{"name":"computer_use","arguments":', "<think>"]),
    ANYTHING,
    st.sampled_from(["", "}", "</tool_call>", "}\n</tool_call>"]),
)
CALLS = st.builds(
    lambda lead, name, inside: f"{lead}{name}({inside})",
    st.sampled_from(["Action: ", "", "<code>", "```python\npyautogui.", "Thought: x\nAction: "]),
    st.sampled_from(["click", "type", "drag", "hotkey", "scroll", "finished", "press", "write", "moveTo", "computer.terminate"]),
    st.text("xyk=1234567890.,'\"()[]<>\\ntepoi-", max_size=30),
)


@every_family
@settings(max_examples=40)
@given(st.data())
def test_whatever_is_said_only_its_own_error_is_raised(family: Family, data: st.DataObject) -> None:
    view = family.view(1280, 800)
    text = data.draw(st.text(max_size=60) | WRAPPED | CALLS | _damaged(family))
    with contextlib.suppress(UnreadableReply):
        said = family.parse(text, view)
        parse_canonical_or_refuse(said.action, family)


def _damaged(family: Family) -> st.SearchStrategy[str]:
    """A proper reply with a piece cut out and something put in."""
    view = family.view(1280, 800)
    proper = support.any_action(support.on_grid_points(family, view)).map(
        lambda action: support.told(family, "go", action, view) or ""
    )
    return st.builds(
        lambda text, start, length, new: text[: start % (len(text) + 1)] + new + text[start % (len(text) + 1) + length :],
        proper, st.integers(0, 400), st.integers(0, 40),
        st.text(max_size=3) | st.sampled_from(['"', "'", "}", "9" * 5000, "\x00"]),
    )  # fmt: skip


def parse_canonical_or_refuse(action: object, family: Family) -> None:
    """What was understood is an action that the loop takes, on the screen, or refuses as it should."""
    text = msgspec.json.encode({"thought": "", "action": action}).decode()
    with contextlib.suppress(ReplyMalformed):
        parse_canonical(Reply(text), FrameInfo(0, 1280, 800, 0))


@every_family
def test_a_point_outside_is_refused_with_the_bounds(family: Family) -> None:
    view = family.view(1280, 800)
    text = family.render("go", Click(Point(10, 10)), view)
    x, y = on_grid(family.grid, Point(10, 10), view)
    broken = text.replace(str(x), "123456", 1) if family.grid != "unit" else text.replace(str(x), "1.5", 1)
    with pytest.raises(UnreadableReply, match="outside 0 to"):
        family.parse(broken, view)
    assert y is not None
