"""From a recognised crop to words with boxes: letters by the recogniser's columns, edges by the ink between them."""

from __future__ import annotations

from itertools import pairwise

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.links import looks_like_link
from edgeagent_models.perception.text_recognition import Reading
from edgeagent_models.perception.types import TextLine, Word

_INK_DISTANCE = 48
"""A pixel is ink if a channel is this far from the crop's most common colour."""
_FRAME_SHARE = 0.75
_SIDE_LINES, _CORNER_PX = 2, 3
"""Least length of a button's upper and lower side, in line heights, and how far it ends from the upright ones."""
_BORDER_SHARE, _BORDER_PX = 0.6, 2
"""Height in the line and width of a button's side."""
_LOST_SPACE = 0.42
"""A blank of this share of the line's height between two letters is a space, whatever the recogniser says."""

_BETWEEN_NUMBERS = 0.14
"""The same between digits some of which are links: page links 1 2 3 are not 123."""
_NEIGHBOUR_GAP = 0.1
"""A blank of this share of the line's height before the first or after the last letter parts them from what is no text."""


_FIRST_SYMBOL = 0x2190
"""From here on: arrows, boxes, dingbats, ideographs."""
_MOST_ICONS = 2
_SURE_SCORE = 0.95


class _Span(msgspec.Struct):
    text: str
    first: float
    last: float


def ink_of(crop: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """``(h, w) bool``: what differs from the background, the most common colour of ``(h, w, 3) uint8``."""
    codes = (crop >> 3).astype(np.int32) @ np.array([1, 32, 1024], np.int32)
    background = np.bincount(codes.ravel(), minlength=1).argmax()
    colour = crop.reshape(-1, 3)[int(np.flatnonzero(codes.ravel() == background)[0])]
    ink = cv2.absdiff(crop, np.broadcast_to(colour, crop.shape).copy()).max(2) > _INK_DISTANCE
    return _without_frame(ink)


def _without_frame(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Long strokes that leave the crop are a field's frame: letters and underlines end within its margin."""
    across = (ink[:, :2].all(1) | ink[:, -2:].all(1)) & (ink.mean(1) > _FRAME_SHARE)
    down = (ink[:2].all(0) | ink[-2:].all(0)) & (ink.mean(0) > _FRAME_SHARE)
    ink = ink.copy()
    ink[across] = False
    ink[:, down] = False
    return ink


def _without_sides(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``ink`` less the long strokes that end at a button's upright sides."""
    sides = np.flatnonzero(_borders(ink))
    if not len(sides):
        return ink
    ink = ink.copy()
    for row in np.flatnonzero(ink.sum(1) >= _SIDE_LINES * len(ink)):
        changes = np.diff(np.r_[False, ink[row], False].astype(np.int8))
        for begin, end in zip(np.flatnonzero(changes == 1), np.flatnonzero(changes == -1), strict=True):
            near = (np.abs(sides - begin) <= _CORNER_PX) | (np.abs(sides - end) <= _CORNER_PX)
            if end - begin >= _SIDE_LINES * len(ink) and near.any():
                ink[row, begin:end] = False
    return ink


def without_icons(reading: Reading) -> Reading:
    """Icons are read as symbols or ideographs: among Latin letters, or alone and not quite sure, they are dropped."""
    odd = [ord(letter) >= _FIRST_SYMBOL for letter in reading.text]
    strange, plain = sum(odd), sum(letter.isalnum() for letter, is_odd in zip(reading.text, odd, strict=True) if not is_odd)
    if not strange or strange > _MOST_ICONS or (not plain and reading.score >= _SURE_SCORE):
        return reading
    kept = [i for i, is_odd in enumerate(odd) if not is_odd]
    text = "".join(reading.text[i] for i in kept)
    return Reading(text, tuple(reading.columns[i] for i in kept), tuple(reading.sure[i] for i in kept))


def line_of(reading: Reading, crop: NDArray[np.uint8], box: Rect) -> TextLine | None:
    """The line with its words, or None if nothing legible is there. ``crop`` is what lies in ``box``."""
    ink = ink_of(crop)
    blank = np.logical_not(ink.any(axis=0, keepdims=True))[0]
    sides = np.convolve(_borders(ink), np.ones(3), "same") > 0  # with the round corners beside them
    spans = _spans(reading, np.logical_not(_without_sides(ink).any(0)) | sides, crop.shape[0])
    if not spans:
        return None
    spans = [part for span in spans for part in _pages(span, reading, crop, ink, blank)]
    edges = _edges(spans, blank, crop.shape[0])
    words: list[Word] = []
    for span, (left, right) in zip(spans, edges, strict=True):
        part = slice(left, max(left + 1, right))
        word_box = Rect(box.left + left, box.top, box.left + max(left + 1, right), box.bottom)
        words.append(Word(span.text, word_box, looks_like_link(crop[:, part], ink[:, part])))
    tight = Rect(words[0].box.left, box.top, words[-1].box.right, box.bottom)
    return TextLine(" ".join(word.text for word in words), tight, tuple(words), reading.score)


def _spans(reading: Reading, blank: NDArray[np.bool_], height: int) -> list[_Span]:
    """Words with the columns of their first and last letter."""
    spans: list[_Span] = []
    apart = True
    for letter, column in zip(reading.text, reading.columns, strict=True):
        if letter.isspace():
            apart = True
            continue
        if not apart:
            apart = _widest_blank(blank, spans[-1].last, column)[1] >= max(4, _LOST_SPACE * height)
        if apart:
            spans.append(_Span(letter, column, column))
        else:
            spans[-1].text += letter
            spans[-1].last = column
        apart = False
    return spans


def _borders(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``(w,) bool``: thin strokes higher than letters, which are sides of buttons in the line."""
    tall = ink.mean(0) > _BORDER_SHARE
    inner = np.r_[False, tall, False].astype(np.int8)
    changes = np.diff(inner)
    for begin, end in zip(np.flatnonzero(changes == 1), np.flatnonzero(changes == -1), strict=True):
        if end - begin > _BORDER_PX:
            tall[begin:end] = False
    return tall


def _pages(
    span: _Span, reading: Reading, crop: NDArray[np.uint8], ink: NDArray[np.bool_], blank: NDArray[np.bool_]
) -> list[_Span]:
    """The digits of ``span`` one by one if they are links to pages; else ``span`` as it is."""
    columns = [column for column in reading.columns if span.first <= column <= span.last]
    if not span.text.isdigit() or len(span.text) < 2 or len(columns) != len(span.text):
        return [span]
    gaps = [_widest_blank(blank, before, after) for before, after in pairwise(columns)]
    if min(length for _, length in gaps) < max(4, _BETWEEN_NUMBERS * crop.shape[0]):
        return [span]
    parts = [_Span(digit, column, column) for digit, column in zip(span.text, columns, strict=True)]
    edges = _edges(parts, blank, crop.shape[0])
    links = [looks_like_link(crop[:, left : max(left + 1, right)], ink[:, left : max(left + 1, right)]) for left, right in edges]
    return parts if any(links) else [span]


def _edges(spans: list[_Span], blank: NDArray[np.bool_], height: int) -> list[tuple[int, int]]:
    """Left and right of each word: the widest blank between two words parts them."""
    gap_px = max(2, int(_NEIGHBOUR_GAP * height))
    lefts, rights = [_reach(blank, spans[0].first, -1, gap_px)], []
    for before, after in pairwise(spans):
        start, length = _widest_blank(blank, before.last, after.first)
        rights.append(start)
        lefts.append(start + length)
    return list(zip(lefts, [*rights, _reach(blank, spans[-1].last, 1, gap_px) + 1], strict=True))


def _reach(blank: NDArray[np.bool_], column: float, step: int, gap_px: int) -> int:
    """From a letter's middle outwards to the last ink before a blank of ``gap_px``."""
    at = last = int(column)
    while 0 <= at < len(blank) and abs(at - last) <= gap_px:
        if not blank[at]:
            last = at
        at += step
    return last


def _widest_blank(blank: NDArray[np.bool_], after: float, before: float) -> tuple[int, int]:
    """Start and length of the widest run of blank columns between two letters' middles; in the middle if there is none."""
    start, stop = int(after), max(int(after) + 1, int(before) + 1)
    padded = np.r_[False, blank[start:stop], False].astype(np.int8)
    changes = np.diff(padded)
    begins, ends = np.flatnonzero(changes == 1), np.flatnonzero(changes == -1)
    if not len(begins):
        return (start + stop) // 2, 0
    longest = int((ends - begins).argmax())
    return start + int(begins[longest]), int(ends[longest] - begins[longest])
