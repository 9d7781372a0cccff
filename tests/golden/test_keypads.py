"""On a calculator's real screen each digit and sign is a button; digits typed into fields stay in fields."""

from __future__ import annotations

import numpy as np
from support.screens import as_image, screen

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.keypads import with_keys
from edgeagent_models.perception.service import Perception, shared_readers
from edgeagent_models.perception.types import TextLine, Widget, Word


def line(text: str, box: Rect) -> TextLine:
    return TextLine(text, box, (Word(text, box),))


def test_the_keys_of_a_calculator() -> None:
    elements = Perception().look(as_image(screen("calculator")))
    keys = {e.text: e.box for e in elements if e.role == "button"}
    assert set("0123456789+-*=()") <= set(keys)
    for key, x, y in (("7", 130, 344), ("+", 895, 733), ("=", 1149, 668)):
        box = keys[key]
        assert box.left < x < box.right, key
        assert box.top < y < box.bottom, key
    assert [e.text for e in elements if e.role == "text" and e.box.top > 30] == ["0"], "what it shows is no key"


def test_digits_in_fields_are_no_keys() -> None:
    picture = np.full((200, 400, 3), 255, np.uint8)
    fields = [Widget("text_field", Rect(20, 10 + 40 * i, 200, 40 + 40 * i)) for i in range(3)]
    lines = [line(str(i), Rect(26, 16 + 40 * i, 36, 34 + 40 * i)) for i in range(3)]
    assert with_keys(picture, fields, lines, shared_readers().ocr.recogniser) == (fields, lines)


def test_fewer_than_three_digits_are_no_keypad() -> None:
    picture = np.full((200, 400, 3), 255, np.uint8)
    icons = [Widget("icon", Rect(20, 10 + 60 * i, 100, 60 + 60 * i)) for i in range(3)]
    two = [line(str(i), Rect(56, 28 + 60 * i, 64, 42 + 60 * i)) for i in range(2)]
    recogniser = shared_readers().ocr.recogniser
    assert with_keys(picture, icons, two, recogniser) == (icons, two)
    three = [*two, line("2", Rect(56, 148, 64, 162))]
    assert [w.role for w in with_keys(picture, icons, three, recogniser)[0]] == ["button"] * 3
