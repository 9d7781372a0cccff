"""Strategies for actions as the generic family knows them."""

from __future__ import annotations

from hypothesis import strategies as st

from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families import generic

POINTS = st.builds(Point, st.integers(0, 1000).map(float), st.integers(0, 1000).map(float), st.just(generic.FRAME))
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t\r\b\f"), max_size=40)
"""Any text but control characters that have no JSON escape of their own: a model cannot write those."""
GENERIC_ACTIONS = st.one_of(
    st.builds(act.Click, POINTS, st.sampled_from(generic.BUTTONS), st.integers(1, 3)),
    st.builds(act.Move, POINTS),
    st.builds(act.Drag, st.tuples(POINTS, POINTS)),
    st.builds(act.Scroll, POINTS, st.just(0), st.integers(-30, 30)),
    st.builds(act.Type, TEXTS, st.none(), st.booleans()),
    st.builds(act.Key, st.lists(st.sampled_from((*generic.KEYS, "a", "7")), min_size=1, max_size=4).map(tuple)),
    st.builds(act.Wait, st.integers(0, generic.MAX_WAIT_MS)),
    st.builds(act.Memorize, TEXTS),
    st.builds(act.AskUser, TEXTS),
    st.builds(act.Answer, TEXTS),
    st.builds(act.Finish, st.sampled_from(["done", "failed"]), TEXTS),
)
