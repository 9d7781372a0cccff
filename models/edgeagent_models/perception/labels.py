"""Which text names which field: beside it for boxes, before or above it for fields."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.types import TextLine, Widget
from edgeagent_models.protocol import Role

BOXES: frozenset[Role] = frozenset({"checkbox", "radio"})
FIELDS: frozenset[Role] = frozenset({"text_field", "select", "slider"})

_FAR_ROW_PX = 260
"""A label before its field is at most this far away."""
_FAR_SWITCH_PX = 900
"""A page of settings has the names at its left edge and the switches at its right one."""
_FAR_BOX_GAP = 2.2
"""A checkbox and its text are at most this many box heights apart."""
_LONGEST_HEADING = 3
"""Words."""
_FAR_ABOVE = 1.6
"""A label above its field is at most this many of its own heights above."""
_OVERLAP_ABOVE = 0.45
"""A line's box is higher than its letters, so that it may reach this far, in its heights, into the field below."""
_SAME_ROW_COST = 0.35
"""A pixel of distance along the row counts this much of a pixel of distance up: rows are the stronger habit."""


def label_widgets(widgets: Sequence[Widget], texts: Sequence[TextLine]) -> dict[int, str]:
    """Index of widget -> its label. Each text names at most one widget; the closest pairs are taken first."""
    pairs: list[tuple[float, int, int]] = []
    for i, widget in enumerate(widgets):
        if widget.role in BOXES or widget.role in FIELDS:
            pairs += [(cost, i, k) for k, text in enumerate(texts) if (cost := _cost(widget, text, widgets, texts)) is not None]
    labels: dict[int, str] = {}
    taken: set[int] = set()
    for _, i, k in sorted(pairs):
        if i not in labels and k not in taken:
            labels[i] = texts[k].text
            taken.add(k)
    return labels | _far_labels(widgets, texts, labels, taken)


def _far_labels(
    widgets: Sequence[Widget], texts: Sequence[TextLine], labels: Mapping[int, str], taken: Collection[int]
) -> dict[int, str]:
    """Boxes and switches that nothing near names: by the text at the other end of their row, with nothing in between."""
    found: dict[int, str] = {}
    for i, widget in enumerate(widgets):
        if widget.role == "checkbox" and i not in labels:
            row = [k for k, text in enumerate(texts) if k not in taken and _ends_before(text.box, widget.box)]
            nearest = max(row, key=lambda k: texts[k].box.right, default=None)
            if nearest is not None and not _between(widget, texts[nearest].box, widgets):
                found[i] = texts[nearest].text
    return found


def _ends_before(text: Rect, box: Rect) -> bool:
    return 0 <= box.left - text.right <= _FAR_SWITCH_PX and _same_row(box, text)


def _cost(widget: Widget, text: TextLine, widgets: Sequence[Widget], texts: Sequence[TextLine]) -> float | None:
    """How far ``text`` is from naming ``widget``; None if it cannot."""
    if widget.role in BOXES:
        return _beside_cost(widget, text, widgets)
    before = _before_cost(widget, text, widgets, texts)
    return before if before is not None else _above_cost(widget, text, texts)


def _beside_cost(widget: Widget, text: TextLine, widgets: Sequence[Widget]) -> float | None:
    box, other = widget.box, text.box
    if not _same_row(box, other):
        return None
    reach_px = _FAR_BOX_GAP * max(box.height, 10)
    after_px, before_px = other.left - box.right, box.left - other.right
    if -4 <= after_px <= reach_px and not _between(widget, other, widgets):
        return max(0.0, after_px)
    if -4 <= before_px <= reach_px and not _between(widget, other, widgets):
        return max(0.0, before_px) + reach_px  # after the box is the habit; before it only where nothing follows
    return None


def _before_cost(widget: Widget, text: TextLine, widgets: Sequence[Widget], texts: Sequence[TextLine]) -> float | None:
    box, other = widget.box, text.box
    gap_px = box.left - other.right
    if not -6 <= gap_px <= _FAR_ROW_PX or not _same_row(box, other) or _between(widget, other, widgets):
        return None
    gap = Rect(other.right, max(box.top, other.top), box.left, min(box.bottom, other.bottom))
    if any(gap.intersect(t.box).area for t in texts if t is not text):
        return None
    return _SAME_ROW_COST * max(0, gap_px)


def _above_cost(widget: Widget, text: TextLine, texts: Sequence[TextLine]) -> float | None:
    box, other = widget.box, text.box
    gap_px = box.top - other.bottom
    if not -_OVERLAP_ABOVE * other.height <= gap_px <= _FAR_ABOVE * other.height:
        return None
    shift_px = abs(box.left - other.left)
    if min(box.right, other.right) - max(box.left, other.left) <= 0 or shift_px > max(40, box.width // 2):
        return None
    if any(_continues(above.box, other) and not _begins_anew(above.text, text.text) for above in texts):
        return None
    if any(_lies_between(other, t.box, box) for t in texts):
        return None
    return max(0, gap_px) + 0.2 * shift_px + 4


def _begins_anew(above: str, below: str) -> bool:
    """``below`` is no rest of the sentence ``above``: it has a capital, and that one has ended or is a short heading."""
    ended = above.rstrip().endswith((".", "!", "?", ":")) or len(above.split()) <= _LONGEST_HEADING
    return ended and below[:1].isupper()


def _lies_between(above: Rect, middle: Rect, below: Rect) -> bool:
    """``middle`` is nearer to ``below`` than ``above`` is, in the same column."""
    shared_px = min(middle.right, below.right, above.right) - max(middle.left, below.left, above.left)
    return shared_px > 0 and above.bottom - 4 <= middle.top and middle.bottom <= below.top + 6 and middle.top > above.top


def _continues(above: Rect, below: Rect) -> bool:
    """``below`` is the next line of the paragraph of ``above``, so it names nothing."""
    gap_px = below.top - above.bottom
    alike = abs(above.height - below.height) <= 0.25 * below.height
    return (
        alike
        and abs(above.left - below.left) <= 3
        and -0.5 * below.height <= gap_px <= 0.35 * below.height
        and below.top > above.top
    )


def _same_row(box: Rect, other: Rect) -> bool:
    """Their middles are close; a tall text area is named by text at its first line too."""
    shared_px = min(box.bottom, other.bottom) - max(box.top, other.top)
    return shared_px >= 0.5 * min(box.height, other.height)


def _between(widget: Widget, text: Rect, widgets: Sequence[Widget]) -> bool:
    """Another widget lies on the way from the widget to the text."""
    box = widget.box
    left, right = (text.right, box.left) if text.right <= box.left + 6 else (box.right, text.left)
    gap = Rect(left, max(box.top, text.top), right, min(box.bottom, text.bottom))
    return gap.right > gap.left and any(w is not widget and gap.intersect(w.box).area for w in widgets)
