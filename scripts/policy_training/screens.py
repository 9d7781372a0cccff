"""Simulated screens: rows of items get boxes, then go through perception's own merging with the errors that perception makes."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, field

import msgspec

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.elements import merge
from edgeagent_models.perception.types import TextLine, Widget, Word
from edgeagent_models.protocol import Element, ElementState, Role
from policy_training.noise import Noise

SCREEN = Rect(0, 0, 1280, 800)
_TEXTLESS: frozenset[Role] = frozenset({"checkbox", "radio", "slider", "icon", "image"})


@dataclass(slots=True, eq=False)
class Item:
    """One thing on a simulated page."""

    role: Role
    text: str = ""
    label: str = ""
    """Drawn as a text beside or above the item."""
    state: ElementState = ""
    wide: bool = False
    """Takes the width of the page (a text area, a paragraph)."""
    tall: bool = False
    key: str = ""
    """Tells items of one episode apart."""


Rows = list[list[Item]]


@dataclass(slots=True)
class Scene:
    """What a scenario shows at one moment."""

    rows: Rows
    overlay: Rows | None = None
    """A dialog in front; what it covers is not seen."""
    under: Item | None = None
    """The overlay hangs below this item (an open list) instead of in the middle."""
    scrolled_rows: int = 0


@dataclass(slots=True)
class Style:
    """How pages of one episode look."""

    left: int
    top: int
    width: int
    bottom: int
    font_px: int
    gap_px: int
    label_above: bool
    field_px: int
    colon: bool
    button_first: bool = False
    """The page's last row of buttons stands above all else."""
    names_icons: bool = True
    """Icons that mean something are known by name."""


def draw_style(rng: random.Random) -> Style:
    style = _draw_size(rng)
    style.button_first, style.names_icons = rng.random() < 0.08, rng.random() < 0.75
    return style


def _draw_size(rng: random.Random) -> Style:
    """A full page, or a small area in the corner as in benchmark pages."""
    if rng.random() < 0.4:
        return Style(
            left=rng.randint(4, 16),
            top=rng.randint(4, 60),
            width=rng.randint(290, 320),
            bottom=420,
            font_px=rng.choice((20, 20, 22, 26)),
            gap_px=rng.randint(2, 14),
            label_above=rng.random() < 0.4,
            field_px=rng.randint(110, 270),
            colon=rng.random() < 0.5,
        )
    return Style(
        left=rng.randint(8, 420),
        top=rng.randint(10, 160),
        width=rng.randint(420, 800),
        bottom=rng.choice((700, 795, 800)),
        font_px=rng.randint(12, 24),
        gap_px=rng.randint(4, 22),
        label_above=rng.random() < 0.5,
        field_px=rng.randint(120, 340),
        colon=rng.random() < 0.3,
    )


@dataclass(slots=True)
class Placed:
    """An item with its box, and the text drawn for its label."""

    item: Item
    box: Rect
    label_box: Rect | None = None


@dataclass(slots=True)
class Shot:
    """What perception made of a scene, and which element each item became."""

    elements: tuple[Element, ...]
    at: dict[int, int] = field(default_factory=dict[int, int])
    """``id(item)`` to element index; items out of sight are missing."""
    overflow: bool = False
    """The page goes on below."""
    page_rows: int = 1
    """How many rows a page scroll moves."""


def shoot(scene: Scene, style: Style, noise: Noise, echo: str = "") -> Shot:
    """``scene`` as elements."""
    top = style.top
    texts: list[tuple[str, Rect]] = []
    if echo:
        for line in _wrapped(echo, style):
            texts.append((line, _text_box(line, style.left, top, style)))
            top += round(style.font_px * 1.25)
        top += style.gap_px + 4
    placed, overflow = _lay_out(_ordered(scene, style), style, style.left, top)
    frame: Rect | None = None
    if scene.overlay:
        front = _overlay(scene, placed, style)
        cover = front[0].box
        for p in front[1:]:
            cover = cover.union(p.box)
        cover = frame = cover.grow(10, SCREEN)
        placed = [p for p in placed if not cover.intersect(p.box).area] + front
        texts = [t for t in texts if not cover.intersect(t[1]).area]
    rows_seen = sum(any(p.item in row for p in placed) for row in scene.rows)
    frame = None if scene.under is not None else frame
    return Shot(*_perceived(placed, texts, style, noise, frame), overflow=overflow, page_rows=max(1, round(rows_seen * 0.6)))


def _ordered(scene: Scene, style: Style) -> Rows:
    """The rows in view, the buttons at the end of a short page above them if that is the page's style."""
    rows = scene.rows[scene.scrolled_rows :]
    movable = 1 < len(scene.rows) < 9 and not scene.scrolled_rows and all(item.role == "button" for item in rows[-1])
    return [rows[-1], *rows[:-1]] if style.button_first and movable else rows


def _wrapped(text: str, style: Style) -> list[str]:
    limit = max(12, int(style.width / (style.font_px * 0.5)))
    lines: list[str] = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > limit and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _text_px(text: str, style: Style) -> int:
    return max(6, round(len(text) * style.font_px * 0.5))


def _text_box(text: str, left: int, top: int, style: Style) -> Rect:
    return Rect(left, top, left + _text_px(text, style), top + round(style.font_px * 1.2))


def _lay_out(rows: Rows, style: Style, left: int, top: int) -> tuple[list[Placed], bool]:
    placed: list[Placed] = []
    y = top
    for row in rows:
        x, lowest = left, y
        for item in row:
            spot = _place(item, x, y, style)
            if spot.box.right > left + style.width + (4 if style.width < 350 else 200) and x > left:
                x, y = left, lowest + 2
                spot = _place(item, x, y, style)
            if spot.box.bottom > style.bottom:
                return placed, True
            placed.append(spot)
            x = max(spot.box.right, spot.label_box.right if spot.label_box else 0) + max(4, style.font_px // 2)
            lowest = max(lowest, spot.box.bottom)
        y = lowest + style.gap_px + 2
    return placed, False


def _place(item: Item, x: int, y: int, style: Style) -> Placed:
    line_px = round(style.font_px * 1.2)
    if item.role in ("checkbox", "radio"):
        side = max(11, style.font_px - 1)
        box = Rect(x, y + 2, x + side, y + 2 + side)
        return Placed(item, box, _text_box(item.label, box.right + 5, y, style) if item.label else None)
    if item.role in ("text_field", "select", "slider"):
        label = f"{item.label}{':' if style.colon else ''}"
        height = line_px + 8 if not item.tall else line_px * 6
        width = style.width - 20 if item.wide else style.field_px
        if not item.label:
            return Placed(item, Rect(x, y, x + width, y + height))
        tag = _text_box(label, x, y + (0 if style.label_above else 4), style)
        if style.label_above:
            return Placed(item, Rect(x, tag.bottom + 3, x + width, tag.bottom + 3 + height), tag)
        return Placed(item, Rect(tag.right + 8, y, tag.right + 8 + width, y + height), tag)
    if item.role == "icon" or item.role == "image":
        side = style.font_px + (40 if item.role == "image" and not item.tall else 2)
        return Placed(item, Rect(x, y, x + side, y + side))
    pad = {"button": 12, "tab": 10, "menu_item": 8}.get(item.role, 0)
    box = _text_box(item.text or "  ", x, y, style)
    return Placed(item, Rect(box.left, box.top, box.right + 2 * pad, box.bottom + pad))


def _overlay(scene: Scene, placed: list[Placed], style: Style) -> list[Placed]:
    anchor = next((p.box for p in placed if p.item is scene.under), None)
    left = anchor.left if anchor else style.left + style.width // 5
    top = anchor.bottom + 1 if anchor else style.top + (90 if style.width < 350 else 180)
    front, _ = _lay_out(scene.overlay or [], style, left, min(top, 600))
    if not front:  # there is no room below: it opens further up
        front, _ = _lay_out(scene.overlay or [], style, left, style.top)
    return front


def _perceived(
    placed: list[Placed], texts: list[tuple[str, Rect]], style: Style, noise: Noise, frame: Rect | None
) -> tuple[tuple[Element, ...], dict[int, int]]:
    widgets: list[Widget] = noise.framed(frame) if frame is not None else []
    lines = [_line(noise.read(text, zlib.crc32(text.encode())), box) for text, box in texts]
    for p in placed:
        key = zlib.crc32(f"{p.item.key}{p.item.role}{p.item.label}{p.item.text[:3]}".encode())
        role = noise.role(p.item.role, key)
        if role is not None and p.item.role != "text" and not (p.item.role == "image" and p.item.text):
            widgets.append(Widget(role, noise.box(p.box, key), noise.state(p.item.state, key), noise.score(key)))
            if p.item.role == "slider":
                widgets += noise.thumb(p.box, key)
            ghost = noise.ghost(role, p.box, key)
            if ghost is not None:
                widgets.append(ghost)
        if p.item.text and p.item.role not in _TEXTLESS:
            shown = noise.read(p.item.text, key)
            lines.append(_line(noise.arrow(shown, key) if p.item.role == "select" else shown, _inner(p, style)))
        if p.label_box is not None and p.item.label:
            label = p.item.label + (":" if style.colon and p.item.role not in _TEXTLESS else "")
            lines.append(_line(noise.read(label, key + 1), p.label_box))
    widgets += noise.spurious(style.left, style.top, style.width)
    elements = tuple(merge(widgets, [line for line in lines if line.text.strip()]))
    shapes = [p for p in placed if p.item.role == "image" and p.item.text]
    named = (Element(len(elements) + k, "image", p.box, p.item.text, score=0.5) for k, p in enumerate(shapes))
    elements = (*elements, *named)
    at = _matched(placed, elements)
    return (_with_icon_names(placed, elements, at) if style.names_icons else elements), at


def _with_icon_names(placed: list[Placed], elements: tuple[Element, ...], at: dict[int, int]) -> tuple[Element, ...]:
    names = {at[id(p.item)]: p.item.text for p in placed if p.item.role == "icon" and p.item.text and id(p.item) in at}
    return tuple(
        msgspec.structs.replace(e, text=names[j]) if j in names and e.role == "icon" and not e.text else e
        for j, e in enumerate(elements)
    )


def _inner(p: Placed, style: Style) -> Rect:
    width = min(_text_px(p.item.text, style), max(8, p.box.width - 2))
    left = p.box.left + (3 if p.item.role in ("text_field", "select") else max(0, (p.box.width - width) // 2))
    middle = (p.box.top + p.box.bottom) // 2 if not p.item.tall else p.box.top + style.font_px
    half = round(style.font_px * 0.6)
    return Rect(left, middle - half, left + width, middle + half)


def _line(text: str, box: Rect) -> TextLine:
    words: list[Word] = []
    total = max(1, len(text))
    at = 0
    for piece in text.split():
        at = text.index(piece, at)
        left = box.left + round(box.width * at / total)
        at += len(piece)
        right = box.left + round(box.width * at / total)
        words.append(Word(piece, Rect(left, box.top, max(left + 1, right), box.bottom)))
    return TextLine(text, box, tuple(words))


def _matched(placed: list[Placed], elements: tuple[Element, ...]) -> dict[int, int]:
    """For each item the element at its middle: the one whose box fits best."""
    at: dict[int, int] = {}
    for p in placed:
        best, best_share = -1, 0.0
        for j, e in enumerate(elements):
            common = p.box.intersect(e.box).area
            if not common:
                continue
            share = common / max(1, p.box.union(e.box).area) + (0.3 if e.role == p.item.role else 0.0)
            if share > best_share:
                best, best_share = j, share
        if best >= 0 and best_share > 0.1:
            at[id(p.item)] = best
        elif p.label_box is not None:
            at.update({id(p.item): j for j, e in enumerate(elements) if e.role == "text" and p.label_box.intersect(e.box).area})
    return at
