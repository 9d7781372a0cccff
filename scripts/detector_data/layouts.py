"""HTML of composed parts: tabs, sections, trees, dialogs, lists, calendars, tables; and of what only looks like a widget."""

from __future__ import annotations

import random
from html import escape

from detector_data.looks import Look
from detector_data.widgets import button, glyph, icon_button, named_field, text_field, ticks
from detector_data.wording import phrase, sentence, word

_DOWN = '<path d="M5 9l7 7 7-7"/>'
_RIGHT = '<path d="M9 5l7 7-7 7"/>'


def tabs(rng: random.Random, look: Look) -> str:
    count = rng.randint(2, 6)
    chosen = rng.randrange(count)
    style = rng.choice(["line", "box", "pill", "folder"])
    cells: list[str] = []
    for i in range(count):
        on = i == chosen
        look_on = {
            "line": (
                f"border-bottom:{rng.choice([2, 3])}px solid {look.accent if on else 'transparent'};"
                f"{'color:' + look.accent if on else ''}"
            ),
            "box": (
                f"border:1px solid {look.faint};background:{look.accent if on else look.surface};"
                f"color:{look.on_accent if on else look.ink}"
            ),
            "pill": (
                f"border-radius:99px;background:{look.accent if on else 'transparent'};color:{look.on_accent if on else look.ink}"
            ),
            "folder": (
                f"border:1px solid {look.faint};border-radius:5px 5px 0 0;"
                f"border-bottom-color:{look.background if on else look.faint};"
                f"background:{look.background if on else look.faint}"
            ),
        }[style]
        weight = "font-weight:bold;" if on and style == "line" else ""
        pad = f"padding:{rng.choice([2, 3, 5, 8])}px {rng.choice([6, 8, 12, 16])}px"
        name = "tab_on" if on else "tab"
        cells.append(
            f'<span data-w="{name}" style="display:inline-block;cursor:pointer;{look_on};{weight}{pad}">'
            f"{escape(phrase(rng, 1, 2))}</span>"
        )
    return f'<nav style="border-bottom:1px solid {look.faint}">{rng.choice(["", " "]).join(cells)}</nav>{escape(sentence(rng))}'


def arrow(rng: random.Random, opened: bool, size_px: int) -> str:
    """The mark of something that opens: a triangle, a chevron, or plus and minus."""
    style = rng.choice(["triangle", "chevron", "box", "sign"])
    name = "opened" if opened else "closed"
    path = _DOWN if opened else _RIGHT
    if style == "sign":
        body = '<path d="M4 12h16"/>' if opened else '<path d="M4 12h16M12 4v16"/>'
    elif style == "box":
        body = '<rect x="3" y="3" width="18" height="18"/>' + (
            '<path d="M7 12h10"/>' if opened else '<path d="M7 12h10M12 7v10"/>'
        )
    else:
        body = path
    fill = "currentColor" if style == "triangle" else "none"
    return (
        f'<svg data-w="{name}" width="{size_px}" height="{size_px}" viewBox="0 0 24 24" fill="{fill}" stroke="currentColor" '
        f'stroke-width="2" style="vertical-align:middle;flex:none">{body}</svg>'
    )


def sections(rng: random.Random, look: Look) -> str:
    """An accordion; some without any mark but their colour."""
    if rng.random() < 0.2:
        return (
            f"<details {'open' if rng.random() < 0.5 else ''}><summary>{escape(phrase(rng))}</summary>"
            f"{escape(sentence(rng))}</details>"
        )
    marked = rng.random() < 0.75
    colours = look.button_colours(rng)
    after = rng.random() < 0.3
    rows: list[str] = []
    for _ in range(rng.randint(1, 4)):
        opened = rng.random() < 0.4
        mark = arrow(rng, opened, rng.randint(9, 16)) if marked else ""
        name = escape(phrase(rng, 1, 3))
        inner = f'<span style="flex:1">{name}</span>{mark}' if after else f"{mark}<span>{name}</span>"
        rows.append(
            f'<div data-w="button" style="display:flex;gap:5px;align-items:center;cursor:pointer;{colours};'
            f"border:1px solid {look.faint};"
            f'border-radius:{look.radius_px}px;margin:2px 0;padding:{rng.randint(1, 8)}px {rng.randint(2, 10)}px">{inner}</div>'
        )
        if opened:
            rows.append(
                f'<div style="padding:6px">{rng.choice([sentence(rng, 4, 20), button(rng, look), ticks(rng, look)])}</div>'
            )
    return f'<div style="width:{rng.randint(140, 500)}px">{"".join(rows)}</div>'


def tree(rng: random.Random, look: Look) -> str:
    size_px = rng.randint(9, 16)
    folder = '<path d="M3 6h6l2 2h10v11H3z"/>'

    def branch(depth: int) -> str:
        rows: list[str] = []
        for _ in range(rng.randint(1, 4)):
            leaf = depth > 2 or rng.random() < 0.35
            opened = not leaf and rng.random() < 0.45
            mark = f'<span style="display:inline-block;width:{size_px}px"></span>' if leaf else arrow(rng, opened, size_px)
            picture = (
                f'<svg width="{size_px + 3}" height="{size_px + 3}" viewBox="0 0 24 24" '
                f'fill="{rng.choice(["#fc6", look.faint])}" stroke="{look.ink}">{folder}</svg>'
                if rng.random() < 0.6
                else ""
            )
            rows.append(f"<div>{mark} {picture} {escape(phrase(rng, 1, 2))}</div>")
            if opened:
                rows.append(f'<div style="margin-left:{size_px + 4}px">{branch(depth + 1)}</div>')
        return "".join(rows)

    return f"<div>{branch(0)}</div>"


def options(rng: random.Random, look: Look) -> str:
    """An open list under a field, a menu, or a list box."""
    if rng.random() < 0.25:
        entries = "".join(
            f"<option {'selected' if rng.random() < 0.2 else ''}>{escape(phrase(rng, 1, 3))}</option>"
            for _ in range(rng.randint(3, 9))
        )
        return (
            f'<select {rng.choice(["", "multiple"])} size="{rng.randint(3, 7)}" '
            f'style="width:{rng.randint(80, 300)}px">{entries}</select>'
        )
    width_px = rng.randint(90, 320)
    pad = f"padding:{rng.randint(0, 7)}px {rng.randint(3, 14)}px"
    lit = rng.randint(-3, 6)
    rows: list[str] = []
    for i in range(rng.randint(2, 9)):
        colours = f"background:{look.accent};color:{look.on_accent}" if i == lit else ""
        rows.append(
            f'<div data-w="option" style="{pad};{colours};white-space:nowrap;overflow:hidden">{escape(phrase(rng, 1, 3))}</div>'
        )
    frame = (
        f"width:{width_px}px;border:1px solid {look.faint};background:{look.surface};"
        f"box-shadow:{rng.choice(['none', '0 2px 8px #0006'])}"
    )
    head = text_field(rng, look) if rng.random() < 0.5 else ""
    return f'<div>{head}<div style="{frame}">{"".join(rows)}</div></div>'


def calendar(rng: random.Random, look: Look) -> str:
    previous, following = icon_button(rng, look), icon_button(rng, look)
    bordered = rng.random() < 0.6
    cell = f"border:1px solid {look.faint};background:{look.surface}" if bordered else ""
    kind = "button" if bordered else "link"
    days = "".join(
        ("<tr>" if d % 7 == 1 else "")
        + f'<td><span data-w="{kind}" style="display:block;text-align:right;padding:1px 4px;{cell}">{d}</span></td>'
        for d in range(1, rng.randint(28, 31) + 1)
    )
    names = "".join(f"<th>{d}</th>" for d in ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"))
    return (
        f'<div class="card" style="display:inline-block;padding:5px">{previous} <b>'
        f"{rng.choice(['January', 'May', 'October'])} {rng.randint(1980, 2030)}</b> "
        f"{following}<table><tr>{names}</tr>{days}</table></div>"
    )


def table(rng: random.Random, look: Look) -> str:
    line = f"border:{rng.randint(0, 1)}px solid {look.faint};padding:{rng.randint(1, 8)}px"
    columns = rng.randint(2, 5)

    def cell() -> str:
        roll = rng.random()
        if roll < 0.1:
            return f'<input type="checkbox" {"checked" if rng.random() < 0.5 else ""}>'
        if roll < 0.2:
            return f'<a href="#x">{escape(word(rng))}</a>'
        if roll < 0.25:
            return icon_button(rng, look)
        return escape(phrase(rng, 1, 2))

    rows = "".join(
        "<tr>" + "".join(f'<td style="{line}">{cell()}</td>' for _ in range(columns)) + "</tr>" for _ in range(rng.randint(2, 7))
    )
    return f'<table style="border-collapse:collapse">{rows}</table>'


def toolbar(rng: random.Random, look: Look) -> str:
    inner = "".join(icon_button(rng, look) if rng.random() < 0.75 else button(rng, look) for _ in range(rng.randint(2, 8)))
    return f'<div style="background:{look.surface};padding:{rng.randint(0, 6)}px">{inner}</div>'


def cards(rng: random.Random, look: Look) -> str:
    """Frames, badges, bars, code and pictures: not widgets."""
    kinds = [
        f'<div class="card" style="padding:3px;width:{rng.randint(80, 300)}px">{_bar(rng, look)}{escape(sentence(rng))}</div>',
        f'<div class="card" style="padding:8px;width:{rng.randint(80, 300)}px">{escape(sentence(rng))}</div>',
        (
            f'<span style="background:{look.accent};color:{look.on_accent};border-radius:9px;padding:0 6px">'
            f"{rng.randint(1, 99)}</span>"
        ),
        f'<progress value="{rng.random():.2f}"></progress>',
        f'<code style="background:{look.faint}">{escape(word(rng))}</code>',
        (
            f'<div style="width:{rng.randint(20, 140)}px;height:{rng.randint(20, 90)}px;'
            f'background:linear-gradient(45deg,{look.accent},{look.faint})"></div>'
        ),
        f"<hr><h3>{escape(phrase(rng, 1, 4))}</h3>",
        f'<div style="background:#ff0;color:#000;padding:3px">{escape(sentence(rng, 5, 15))}</div>',
        (
            f'<svg width="120" height="80"><circle cx="40" cy="40" r="{rng.randint(5, 35)}" fill="{look.accent}"/>'
            f'<rect x="80" y="20" width="{rng.randint(8, 40)}" height="{rng.randint(8, 40)}" fill="{look.faint}"/>'
            "</svg>"
        ),
    ]
    return rng.choice(kinds)


def _bar(rng: random.Random, look: Look, inner: str = "") -> str:
    """The head of a window or a panel: a filled strip, framed or not, empty or with a caption."""
    caption = f"<b>{escape(phrase(rng, 1, 2))}</b>" if rng.random() < 0.55 else "<b></b>"
    framed = f"border:1px solid {look.faint};border-radius:{look.radius_px}px;" if rng.random() < 0.5 else ""
    size = f"min-height:{rng.randint(14, 30)}px;padding:{rng.randint(1, 5)}px 6px;margin:{rng.choice([0, 0, 2, 3])}px"
    colour = rng.choice([look.faint, look.accent, look.surface, "#e9e9e9", "#dddddd"])
    return (
        f'<div style="display:flex;justify-content:space-between;align-items:center;background:{colour};{framed}{size}">'
        f"{caption}{inner}</div>"
    )


def _cross(rng: random.Random, look: Look) -> str:
    """What closes a window: a letter, a sign, or a small button."""
    sign = rng.choice(["✕", "×", "x", "✖", glyph(rng, rng.randint(10, 18)), glyph(rng, 14)])
    if rng.random() < 0.5:
        side = rng.randint(16, 28)
        box = f"width:{side}px;height:{side}px;padding:0;border:1px solid {look.faint};border-radius:{look.radius_px}px"
        return f'<button data-w="icon" style="{box};line-height:1;background:#f6f6f6;color:#444">{sign}</button>'
    return f'<span data-w="icon" style="display:inline-block;line-height:1;padding:2px;cursor:pointer">{sign}</span>'


def pile(rng: random.Random, look: Look) -> str:
    """Buttons that lie over one another."""
    width, height = rng.randint(90, 320), rng.randint(50, 160)
    made: list[str] = []
    for _ in range(rng.randint(2, 4)):
        size = f"width:{rng.randint(34, 110)}px;height:{rng.randint(22, 60)}px"
        place = f"position:absolute;left:{rng.randint(0, width - 60)}px;top:{rng.randint(0, height - 30)}px"
        made.append(f'<button style="{place};{size};margin:0;overflow:hidden">{escape(phrase(rng, 1, 1))}</button>')
    return f'<div style="position:relative;width:{width}px;height:{height}px">{"".join(made)}</div>'


def dialog(rng: random.Random, look: Look) -> str:
    """A window over the page, with a title bar, a cross to close it, and buttons."""
    body = rng.choice([sentence(rng, 4, 18), sentence(rng, 3, 9), named_field(rng, look), ticks(rng, look)])
    frame = (
        f"position:fixed;left:{rng.randint(2, 55)}%;top:{rng.randint(2, 55)}%;width:{rng.randint(130, 420)}px;"
        f"background:{look.surface};padding:{rng.choice([0, 0, 3])}px;"
        f"border:1px solid {look.faint};border-radius:{look.radius_px}px;"
        f"box-shadow:{rng.choice(['none', 'none', '0 3px 14px #0008'])};z-index:9"
    )
    veil = '<div style="position:fixed;inset:0;background:#0005;z-index:8"></div>' if rng.random() < 0.3 else ""
    feet = "".join(button(rng, look) for _ in range(rng.randint(0, 3)))
    bar = _bar(rng, look, _cross(rng, look))
    return (
        f'{veil}<div style="{frame}">{bar}<div style="padding:8px;min-height:{rng.randint(10, 90)}px">{body}</div>'
        f'<div style="padding:5px">{feet}</div></div>'
    )
