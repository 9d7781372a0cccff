"""Reads what was typed without the caret that blinks behind it: OCR takes it for a letter, and so a short word for another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from edgeagent_models.embedded.memory import Done
from edgeagent_models.protocol import Element

_CARETS = frozenset("lI|1!]i")
"""What a thin upright line is read as."""


def without_carets(elements: Iterable[Element], past: Sequence[Done]) -> tuple[Element, ...]:
    """``elements``, where those that say what was typed and one more thin letter say what was typed."""
    typed = {done.deed.value for done in past if done.deed.value}
    return tuple(_without_caret(element, typed) for element in elements)


def _without_caret(element: Element, typed: set[str]) -> Element:
    said, last = element.text[:-1].rstrip(), element.text[-1:]
    if last not in _CARETS or said not in typed or element.text in typed:
        return element
    return msgspec.structs.replace(element, text=said)
