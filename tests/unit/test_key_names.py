"""Key names as models write them are found, characters map to the right keysyms, and pointer paths are what they should be."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeagent_harness.inside.errors import Refused
from edgeagent_harness.inside.keyboard import check_text, chord_keysyms, text_keysyms
from edgeagent_harness.inside.keynames import is_typable, keysym
from edgeagent_harness.inside.pointing import PX_PER_NOTCH, drag_steps, notches
from edgeagent_harness.protocol.actions import ScrollUnit


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("ctrl", "CTRL", "Control", "Control_L", "ctrlleft"), 0xFFE3),
        (("alt", "Alt_L", "option"), 0xFFE9),
        (("shift", "Shift"), 0xFFE1),
        (("super", "cmd", "win", "Meta", "Super_L"), 0xFFEB),
        (("enter", "Return", "RETURN"), 0xFF0D),
        (("esc", "Escape", "ESC"), 0xFF1B),
        (("pageup", "Page_Up", "PgUp", "Prior"), 0xFF55),
        (("pagedown", "Page_Down", "pgdn", "Next"), 0xFF56),
        (("left", "ArrowLeft", "Left"), 0xFF51),
        (("f5", "F5"), 0xFFC2),
        (("F12", "f12"), 0xFFC9),
        (("space", " ", "Spacebar"), 0x20),
        (("a",), 0x61),
        (("A",), 0x41),
        (("plus", "+"), 0x2B),
        (("eacute", "é"), 0xE9),
        (("KP_7", "num7", "7"), 0x37),
        (("KP_Enter",), 0xFF8D),
        (("XF86Back", "XF86_Back"), 0x1008FF26),
        (("漢",), 0x1006F22),
    ],
)
def test_names(names: tuple[str, ...], code: int) -> None:
    assert [keysym(name) for name in names] == [code] * len(names)


@pytest.mark.parametrize("name", ["nokey", "\x07", "ctrl+a", "hyperspace", "\ud800"])
def test_what_is_no_key(name: str) -> None:
    assert keysym(name) is None


def test_capitals_in_chords_mean_the_key_and_alone_the_letter() -> None:
    assert chord_keysyms(("ctrl", "A")) == [0xFFE3, 0x61]
    assert chord_keysyms(("A",)) == [0x41]
    with pytest.raises(Refused):
        chord_keysyms(("ctrl", "nokey"))


def test_newlines_are_one_return_each() -> None:
    assert text_keysyms("a\r\nb\rc\nd\t") == [0x61, 0xFF0D, 0x62, 0xFF0D, 0x63, 0xFF0D, 0x64, 0xFF09]


@given(st.text())
def test_text_is_typable_or_refused_with_its_position(text: str) -> None:
    untypable = [char for char in text.replace("\r", "\n") if not is_typable(char)]
    if not untypable:
        check_text(text)
        return
    with pytest.raises(Refused, match=f"U\\+{ord(untypable[0]):04X}"):
        check_text(text)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=50))
def test_different_characters_have_different_keysyms(text: str) -> None:
    assert len({*text_keysyms(text)}) == len({*text})


@pytest.mark.parametrize(
    ("amount", "unit", "expected"),
    [(3, "lines", 3), (-2, "lines", -2), (0, "px", 0), (1, "px", 1), (-1, "px", -1), (10 * PX_PER_NOTCH + 5, "px", 10)],
)
def test_notches(amount: int, unit: ScrollUnit, expected: int) -> None:
    assert notches(amount, unit) == expected


@given(st.lists(st.tuples(st.integers(0, 1279), st.integers(0, 799)), min_size=2, max_size=8), st.integers(1, 100))
def test_a_drag_passes_every_corner_and_ends_at_the_last_point(path: list[tuple[int, int]], steps: int) -> None:
    places = drag_steps(path, steps)
    assert places[-1] == path[-1]
    assert math.dist(places[-2], places[-1]) == 1
    corners = iter(places)
    assert all(corner in corners for corner in path[1:])
    longest = max(math.dist(a, b) for a, b in pairwise(path))
    assert all(math.dist(a, b) <= longest + 2 for a, b in pairwise([path[0], *places]))
