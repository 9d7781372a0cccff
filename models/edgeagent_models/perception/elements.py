"""From widgets and text lines to elements: who owns which text, what names a field, in which order a person reads them.

Pure: the same function serves the live screen and training data whose widgets and lines come from a page's DOM.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.labels import label_widgets
from edgeagent_models.perception.types import TextLine, Widget, Word
from edgeagent_models.protocol import Element, ElementState, Role

__all__ = ["merge", "reading_order"]

TEXT_HOLDERS: frozenset[Role] = frozenset({"button", "text_field", "select", "option", "tab", "link", "menu_item"})
"""Roles whose box contains their own text. A line over a checkbox or an icon is that glyph misread, and is dropped."""
GLYPHS: frozenset[Role] = frozenset({"checkbox", "radio", "slider", "icon"})

_OWNED_SHARE = 0.6
"""A word belongs to a widget that covers at least this share of it."""
_DOUBTFUL_MARK = 0.55
_LETTER_SHARE = 0.4
_ROUND_LETTERS = frozenset("oO0QcC")
"""What a radio button is read as."""
_SPLIT_GAP = 1.1
"""Words further apart than this many line heights are separate texts (columns, tabs, cells)."""


def merge(widgets: Sequence[Widget], lines: Sequence[TextLine]) -> list[Element]:
    """One element per widget and per text outside of widgets, numbered in reading order."""
    widgets = _without_letters(_without_links(with_arrows(widgets), lines), lines)
    boxes = [w.box for w in widgets if w.role in ("checkbox", "radio")]
    marks = [w.box for w in widgets if w.role in ("checkbox", "radio")]
    owned: dict[int, list[Word]] = {}
    loose: list[TextLine] = []
    for line in (_beside_marks(line, marks) for line in lines):
        for owner, words in _by_owner(line, widgets):
            if owner is None:
                loose.extend(_segments(words, line.score, boxes))
            elif widgets[owner].role in TEXT_HOLDERS:
                owned.setdefault(owner, []).extend(words)
    labels = label_widgets(widgets, loose)
    found = [
        _element(w, _joined(_own_words(w, owned.get(i, []))), labels.get(i, ""))
        for i, w in enumerate(widgets)
        if w.role != "link" or i in owned or not _within_text(w.box, loose)
    ]
    found += [Element(id=0, role=_text_role(t), box=t.box, text=t.text, score=t.score) for t in loose]
    return _numbered(found)


def reading_order(boxes: Sequence[Rect]) -> list[int]:
    """Indices of ``boxes`` row by row, each row from left to right. Boxes share a row if their middles are close."""
    rows: list[tuple[float, float, list[int]]] = []  # middle and half height of the row's first box, members
    for i in sorted(range(len(boxes)), key=lambda k: (boxes[k].top + boxes[k].bottom, boxes[k].left)):
        middle = (boxes[i].top + boxes[i].bottom) / 2
        half = min(boxes[i].height, 40) / 2
        if rows and middle - rows[-1][0] <= 0.6 * min(half, rows[-1][1]) + 2:
            rows[-1][2].append(i)
        else:
            rows.append((middle, half, [i]))
    return [i for _, _, row in rows for i in sorted(row, key=lambda k: boxes[k].left)]


def with_arrows(widgets: Sequence[Widget]) -> list[Widget]:
    """An arrow inside a header is the header's state, not a thing of its own."""
    arrows = [w for w in widgets if w.role == "icon" and w.state in ("collapsed", "expanded")]
    headers = {id(w): w for w in widgets if w.role in ("button", "tab", "option")}
    taken: set[int] = set()
    for arrow in arrows:
        for key, header in headers.items():
            if header.box.intersect(arrow.box).area >= _OWNED_SHARE * arrow.box.area:
                headers[key] = Widget(header.role, header.box, arrow.state, header.score)
                taken.add(id(arrow))
                break
    return [headers.get(id(w), w) for w in widgets if id(w) not in taken]


def _without_letters(widgets: Sequence[Widget], lines: Sequence[TextLine]) -> list[Widget]:
    """``widgets`` less doubtful boxes that are a word of one letter: the network takes a lone ``a`` for a radio button."""
    letters = [box for box, text in _single_letters(lines) if text not in _ROUND_LETTERS]
    return [
        w
        for w in widgets
        if w.role not in ("checkbox", "radio")
        or w.score >= _DOUBTFUL_MARK
        or all(w.box.intersect(box).area < _LETTER_SHARE * w.box.area for box in letters)
    ]


def _single_letters(lines: Sequence[TextLine]) -> list[tuple[Rect, str]]:
    return [(word.box, word.text) for line in lines for word in line.words if len(word.text) == 1 and word.text.isalnum()]


def _beside_marks(line: TextLine, marks: Sequence[Rect]) -> TextLine:
    """``line`` with its words beginning right of the check boxes that were taken for their first letter's ink."""
    words = tuple(_beside(word, marks) for word in line.words)
    if words == line.words:
        return line
    return TextLine(line.text, _around(word.box for word in words), words, line.score)


def _beside(word: Word, marks: Sequence[Rect]) -> Word:
    box = word.box
    for mark in marks:
        at_the_left = mark.right <= box.left + box.width / 2 and mark.centre.x >= box.left
        if at_the_left and box.intersect(mark).area >= _OWNED_SHARE * mark.area:
            box = Rect(mark.right, box.top, box.right, box.bottom)
    return word if box is word.box else Word(word.text, box, word.link)


def _within_text(box: Rect, texts: Sequence[TextLine]) -> bool:
    """Whether ``box`` is a part of a text that stands for itself: a link seen a second time, too small."""
    return any(text.box.intersect(box).area >= _OWNED_SHARE * box.area for text in texts)


def _without_links(widgets: Sequence[Widget], lines: Sequence[TextLine]) -> list[Widget]:
    """``widgets`` less icons that are words of links: an underlined digit looks like one."""
    links = [word.box for line in lines for word in line.words if word.link]
    return [
        w
        for w in widgets
        if w.role != "icon" or all(w.box.intersect(box).area < _OWNED_SHARE * max(1, box.area) for box in links)
    ]


def _by_owner(line: TextLine, widgets: Sequence[Widget]) -> list[tuple[int | None, list[Word]]]:
    """The line cut into runs of words that belong to the same widget, or to none."""
    runs: list[tuple[int | None, list[Word]]] = []
    for word in line.words or (Word(line.text, line.box),):
        owner = _owner(word.box, widgets)
        if runs and runs[-1][0] == owner:
            runs[-1][1].append(word)
        else:
            runs.append((owner, [word]))
    return runs


def _owner(box: Rect, widgets: Sequence[Widget]) -> int | None:
    """The smallest widget that covers most of ``box``."""
    best: int | None = None
    for i, widget in enumerate(widgets):
        if not _covers(widget, box):
            continue
        if best is None or widget.box.area < widgets[best].box.area:
            best = i
    return best


def _covers(widget: Widget, box: Rect) -> bool:
    """Most of a word lies in the widget. A line is higher than a glyph in it: there the word's width and middle count."""
    around = widget.box
    if box.left >= around.right or box.right <= around.left or box.top >= around.bottom or box.bottom <= around.top:
        return False  # nearly all pairs end here, cheaply
    shared = around.intersect(box)
    if widget.role in GLYPHS and widget.box.contains(box.centre.x, box.centre.y):
        return shared.width >= _OWNED_SHARE * box.width
    return shared.area >= _OWNED_SHARE * max(1, box.area)


def _segments(words: Sequence[Word], score: float, boxes: Sequence[Rect]) -> list[TextLine]:
    """A run of words cut at wide gaps, where link words meet plain ones, and at the check boxes that stand between words."""
    segments: list[list[Word]] = []
    for word in words:
        last = segments[-1][-1] if segments else None
        gap_px = word.box.left - last.box.right if last else 0
        parted = last is not None and (_are_parted(last, word) or any(_stands_between(last.box, b, word.box) for b in boxes))
        if last and not parted and gap_px <= _SPLIT_GAP * max(last.box.height, word.box.height):
            segments[-1].append(word)
        else:
            segments.append([word])
    return [TextLine(_joined(s), _around(w.box for w in s), tuple(s), score) for s in segments]


def _stands_between(left: Rect, box: Rect, right: Rect) -> bool:
    """Whether the middle of ``box`` is between two words of its row."""
    x, y = box.centre.x, box.centre.y
    return left.centre.x < x < right.centre.x and left.top <= y < left.bottom


def _are_parted(word: Word, following: Word) -> bool:
    """Whether two words of a line are two texts however close they stand: a link beside plain text, or links to two pages."""
    return word.link != following.link or (word.link and word.text.isdigit() and following.text.isdigit())


def _text_role(line: TextLine) -> Role:
    return "link" if line.words and all(word.link for word in line.words) else "text"


def _joined(words: Sequence[Word]) -> str:
    order = reading_order([word.box for word in words])
    return " ".join(words[i].text for i in order if words[i].text)


def _around(boxes: Iterable[Rect]) -> Rect:
    first, *rest = boxes
    for box in rest:
        first = first.union(box)
    return first


def _own_words(widget: Widget, words: Sequence[Word]) -> list[Word]:
    """The words less a mark at the field's right end: the arrow or the calendar sign, misread as a letter."""
    box = widget.box
    if widget.role not in ("select", "text_field") or box.width < 3 * box.height:
        return list(words)
    return [w for w in words if len(w.text) > 1 or w.box.left < box.right - box.height]


def _element(widget: Widget, text: str, label: str) -> Element:
    state: ElementState = widget.state
    return Element(id=0, role=widget.role, box=widget.box, text=text, label=label, state=state, score=widget.score)


def _numbered(found: Sequence[Element]) -> list[Element]:
    order = reading_order([element.box for element in found])
    return [
        Element(id=n, role=e.role, box=e.box, text=e.text, label=e.label, state=e.state, score=e.score)
        for n, e in enumerate(found[i] for i in order)
    ]
