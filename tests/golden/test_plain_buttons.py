"""Buttons without a style, in one line with a link: each is what it is, with its own words."""

from __future__ import annotations

from support.screens import as_image, screen

from edgeagent_models.perception.service import Perception


def test_buttons_and_a_link_in_one_line() -> None:
    elements = Perception().look(as_image(screen("plain_buttons")))
    row = [(e.role, e.text) for e in elements if 60 <= e.box.centre.y <= 85]
    assert row == [("button", "Update profile"), ("button", "Delete account"), ("link", "Help")]
    (field,) = (e for e in elements if e.label == "About you")
    assert (field.role, field.text) == ("text_field", "old text"), "a field on white stays one"
