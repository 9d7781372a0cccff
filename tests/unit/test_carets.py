"""A caret behind what was typed is not taken for a letter of it; nothing else is cut."""

from __future__ import annotations

import pytest

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.embedded.carets import without_carets
from edgeagent_models.embedded.memory import Deed, Done
from edgeagent_models.protocol import Element


def read(text: str, *typed: str) -> str:
    past = [Done(Deed("type", step, value=value), ok=True) for step, value in enumerate(typed)]
    (element,) = without_carets([Element(0, "text", Rect(0, 0, 40, 20), text)], past)
    return element.text


@pytest.mark.parametrize("seen", ["Hil", "Hi|", "HiI", "Hi |", "Hi"])
def test_a_caret_is_left_out(seen: str) -> None:
    assert read(seen, "Hi") == "Hi"


@pytest.mark.parametrize(("seen", "typed"), [("Hil", "Ho"), ("Hi", ""), ("all", "al all"), ("HiHi", "Hi"), ("", "Hi")])
def test_other_texts_stay(seen: str, typed: str) -> None:
    assert read(seen, *typed.split()) == seen
