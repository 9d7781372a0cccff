"""The action grammar, as llama.cpp itself reads it: takes every action there is, and no other text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from support.actions import GENERIC_ACTIONS
from support.grammars import taker
from support.tiny_models import TinyModels

from edgeagent_harness.protocol.actions import Action
from edgeagent_models.families import generic

pytestmark = pytest.mark.llama
Accepts = Callable[[str], bool]


@pytest.fixture(scope="module")
def accepts(tiny_models: TinyModels) -> Accepts:
    """Whether a text is a whole reply under the grammar."""
    take = taker(tiny_models)
    return lambda text: take(generic.action_grammar(), text)


@settings(max_examples=60, deadline=None)
@given(action=GENERIC_ACTIONS)
def test_takes_every_action_as_the_family_writes_it(accepts: Accepts, action: Action) -> None:
    assert accepts(generic.render('a "quoted" thought\n', action, 1280, 800))


@pytest.mark.parametrize("value", [0, 9, 10, 99, 100, 999, 1000])
def test_takes_coordinates_within_bounds(accepts: Accepts, value: int) -> None:
    assert accepts(move(f"{value}", "5"))


@pytest.mark.parametrize("value", ["-1", "1001", "1010", "2000", "10000", "00", "07", "1.5", "1e2", '"5"', "null", ""])
def test_takes_no_other_coordinates(accepts: Accepts, value: str) -> None:
    assert not accepts(move(value, "5"))
    assert not accepts(move("5", value))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "click",
        '{"thought":"x"}',
        '{"thought":"x","action":{"kind":"explode"}}',
        '{"thought":"x","action":{"kind":"finish","status":"maybe","reason":""}}',
        '{"thought":"x","action":{"kind":"key","keys":[]}}',
        '{"thought":"x","action":{"kind":"key","keys":["Nonsense"]}}',
        '{"thought":"x","action":{"kind":"wait","duration_ms":10001}}',
        '{"thought":"x","action":{"kind":"type","text":"a"quote","submit":true}}',
        '{"thought":"x","action":{"kind":"type","text":"a\nline","submit":true}}',
        '{"thought":"\\ud800","action":{"kind":"wait","duration_ms":1}}',
        f'{{"thought":"{"x" * 161}","action":{{"kind":"wait","duration_ms":1}}}}',
        '{"thought":"x","action":{"kind":"wait","duration_ms":1}} and more',
        ' {"thought":"x","action":{"kind":"wait","duration_ms":1}}',
    ],
)
def test_takes_nothing_else(accepts: Accepts, text: str) -> None:
    assert not accepts(text)


def move(x: str, y: str) -> str:
    return f'{{"thought":"","action":{{"kind":"move","point":{{"x":{x},"y":{y}}}}}}}'
