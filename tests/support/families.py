"""Actions, screens and replies to try model families with."""

from __future__ import annotations

from hypothesis import strategies as st

from edgeagent_harness.protocol import actions as act
from edgeagent_models.families import verbs
from edgeagent_models.families.family import CannotTell, Family
from edgeagent_models.families.grid import View, limits, physical

KEYS = (*verbs.KEYS, "a", "7", "-")
PLAIN = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="<"), max_size=30)
TEXTS = st.builds(lambda start, end: f"{start}\n\t'\"{{}}\\,) {end}x", PLAIN, PLAIN) | PLAIN.map(lambda text: text + "x")
"""Texts with what needs quoting in them; none ends in a line break, by which some families submit."""
THOUGHTS = st.lists(st.text("abcdefgh", min_size=1, max_size=8), min_size=1, max_size=5).map(" ".join)
SIDES = st.integers(320, 3840) | st.sampled_from([1080, 1280, 1366, 1920, 2160, 2560, 3072, 3840])
SCREENS = st.tuples(SIDES, SIDES).filter(lambda size: max(size) <= 8 * min(size))
"""Physical sizes, among them 3840x2160 and what 125% and 150% scaling make."""

LOSSY = {
    "ui-tars-1": (act.Scroll, act.Wait, act.AskUser, act.Finish),
    "ui-tars-1.5": (act.Scroll, act.Wait, act.AskUser, act.Finish),
    "smolvlm2-agentic": (act.Scroll, act.Finish),
}
"""What a family tells without all of its numbers or words; by default an end's reason alone."""


def on_grid_points(family: Family, view: View) -> st.SearchStrategy[act.Point]:
    """Points that the family has numbers for."""
    most_x, most_y = limits(family.grid, view)
    steps = 10_000 if family.grid == "unit" else 1
    last_x, last_y = (most_x - 1, most_y - 1) if family.grid == "sent" else (most_x * steps, most_y * steps)
    return st.builds(
        lambda x, y: physical(family.grid, x / steps, y / steps, view), st.integers(0, last_x), st.integers(0, last_y)
    )  # fmt: skip


def any_action(points: st.SearchStrategy[act.Point]) -> st.SearchStrategy[act.Action]:
    """Whatever models do; a family may have no words for some."""
    lines = st.integers(1, 30) | st.integers(-30, -1)
    return st.one_of(
        st.builds(act.Click, points, st.sampled_from(["left", "middle", "right"]), st.integers(1, 3)),
        st.builds(act.Move, points),
        st.builds(act.Drag, st.tuples(points, points)),
        st.builds(act.Scroll, points, st.just(0), lines),
        st.builds(act.Scroll, points, lines, st.just(0)),
        st.builds(act.Type, TEXTS, st.none(), st.booleans()),
        st.builds(act.Key, st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True).map(tuple)),
        st.builds(act.Wait, st.integers(0, 60).map(lambda seconds: seconds * 1000)),
        st.builds(act.Answer, TEXTS),
        st.builds(act.AskUser, TEXTS),
        st.builds(act.Memorize, TEXTS),
        st.builds(act.OpenUrl, st.just("https://example.org/a?b=c")),
        st.builds(act.Finish, st.sampled_from(["done", "failed"])),
        st.just(act.Back()),
    )


def told(family: Family, thought: str, action: act.Action, view: View) -> str | None:
    """What the family says of ``action``; None where it has no words."""
    try:
        return family.render(thought, action, view)
    except CannotTell:
        return None
