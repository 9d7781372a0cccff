"""Where a family's form is held by a grammar, llama.cpp's own reading of it takes what the family writes, and no free text."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import families as support
from support.grammars import taker
from support.tiny_models import TinyModels

from edgeagent_harness.protocol.actions import Click
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families.family import Family
from edgeagent_models.families.registry import FAMILIES

pytestmark = pytest.mark.llama
Accepts = Callable[[Family, str], bool]
SCREEN = (1280, 800)
HELD = [family for family in FAMILIES if family.dialect.grammar(family.view(*SCREEN)) and family.name != "generic"]
"""The generic family has its own test."""


@pytest.fixture(scope="module")
def accepts(tiny_models: TinyModels) -> Accepts:
    """Whether a text is a whole reply under the family's grammar."""
    take = taker(tiny_models)
    return lambda family, text: take(family.dialect.grammar(family.view(*SCREEN)), text)


def test_json_forms_are_held() -> None:
    names = {family.name for family in HELD}
    assert names == {"holo", "qwen3-vl", "fara-7b", "fara-1.5", "gui-owl-1.5", "evocua-s2", "gta1", "tools", "edgeagent-tiny"}


@pytest.mark.parametrize("family", HELD, ids=lambda family: family.name)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_takes_what_the_family_writes(accepts: Accepts, family: Family, data: st.DataObject) -> None:
    points = support.on_grid_points(family, family.view(*SCREEN))
    action = data.draw(support.any_action(points))
    text = support.told(family, "a thought", action, family.view(*SCREEN))
    if text is None:
        text = family.render("a thought", Click(data.draw(points)), family.view(*SCREEN))
    assert accepts(family, text), text


@pytest.mark.parametrize("family", HELD, ids=lambda family: family.name)
def test_takes_nothing_else(accepts: Accepts, family: Family) -> None:
    proper = family.render("a thought", Click(Point(640, 400)), family.view(*SCREEN))
    assert accepts(family, proper)
    outside = re.sub(r"\d+(?=\D*$)", "99999", proper) if family.name != "tools" else proper.replace("50", "9999", 1)
    for broken in ("", "I would rather not", proper + " and more", proper[:-1], outside):
        assert not accepts(family, broken), broken
