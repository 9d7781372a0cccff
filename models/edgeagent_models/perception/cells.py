"""Fields that stand one below the other in a table, with nothing to name them: each goes by the name at the left of its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from edgeagent_models.protocol import Element

_NAMELESS = frozenset({"text_field", "select"})
_NAMING = frozenset({"text", "link", "tab"})
"""A cell of a table looks a little like a tab."""
_ALIGNED_PX = 6
_IN_ROW = 0.5
_LEAST_LETTERS = 2


def named_by_row(elements: Sequence[Element]) -> list[Element]:
    """``elements`` with such fields named."""
    nameless = [e for e in elements if e.role in _NAMELESS and not e.label]
    names = {e.id: name for e in nameless if _has_one_below_or_above(e, nameless) and (name := _name_of_row(e, elements))}
    if len(set(names.values())) < max(2, len(names)):
        return list(elements)  # one row, or rows that are not told apart
    return _renamed(elements, names)


def _renamed(elements: Sequence[Element], names: Mapping[int, str]) -> list[Element]:
    return [msgspec.structs.replace(e, label=names[e.id]) if e.id in names else e for e in elements]


def _has_one_below_or_above(field: Element, others: Sequence[Element]) -> bool:
    return any(
        other is not field
        and abs(other.box.left - field.box.left) <= _ALIGNED_PX
        and abs(other.box.right - field.box.right) <= _ALIGNED_PX
        and not _in_row(other, field)
        for other in others
    )


def _name_of_row(field: Element, elements: Sequence[Element]) -> str:
    """The text at the beginning of the row that has letters; empty where another field is in the row."""
    row = [e for e in elements if e is not field and _in_row(e, field)]
    if any(e.role in _NAMELESS for e in row):
        return ""
    names = [e for e in row if e.role in _NAMING and e.box.right <= field.box.left + _ALIGNED_PX and _is_name(e.text)]
    return min(names, key=lambda e: e.box.left).text if names else ""


def _is_name(text: str) -> bool:
    return sum(c.isalpha() for c in text) >= _LEAST_LETTERS


def _in_row(one: Element, other: Element) -> bool:
    shared = min(one.box.bottom, other.box.bottom) - max(one.box.top, other.box.top)
    return shared > _IN_ROW * min(one.box.height, other.box.height)
