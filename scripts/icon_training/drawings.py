"""Icons of our own as SVG in a box of 24 by 24, several drawings for each name, and those of the pages that may be trained on."""
# ruff: noqa: E501  (paths)

from __future__ import annotations

import base64
import random
import re
from pathlib import Path

from edgeagent_models.perception.icon_names import NAMES, OTHER

_STAR = "M12 2l3 7 7 .6-5.400 4.700 1.700 7.200L12 17.600 5.700 21.500l1.700-7.200L2 9.600 9 9z"
_HEART = "M12 21C4 14 2 11 3.500 7 5 3.500 10 3.500 12 7.500c2-4 7-4 8.500-.5C22 11 20 14 12 21z"
_REPLY = "M10 4L2 11l8 7v-4.500c6 0 9.500 1.500 12 6 0-7-4-11-12-11z"
_PLANE = "M2 3l20 9-20 9 3-9zM5 12h17"

DRAWINGS: dict[str, tuple[str, ...]] = {
    "star": (f'<path d="{_STAR}"/>', '<path d="M12 3l2.600 6.200 6.700.5-5.100 4.400 1.600 6.500L12 17.100l-5.800 3.500 1.600-6.500L2.700 9.700l6.700-.5z"/>', '<path d="M12 2l2.500 7.500H22l-6 4.500 2.300 7.500L12 17l-6.300 4.500L8 14 2 9.500h7.500z"/>'),
    "trash": ('<path d="M6 7h12l-1 14H7zM4 7h16M9 7V4h6v3"/>', '<path d="M5 6h14v15H5zM3 6h18M9 3h6M9 10v7M12 10v7M15 10v7"/>', '<path d="M6 8l1 13h10l1-13zM4 5h16v3H4zM10 5V3h4v2M10 11v7M14 11v7"/>', '<path d="M7 7h10v14H7z"/><path d="M3 5l18-2M9 4V2h5"/>'),
    "reply": (f'<path d="{_REPLY}"/>', '<path d="M9 5L3 11l6 6M3 11h10c5 0 8 3 8 8"/>', '<path d="M11 5L4 12l7 7v-4c5 0 8 1 10 4-1-6-4-10-10-10z"/>'),
    "forward": (f'<g transform="translate(24 0) scale(-1 1)"><path d="{_REPLY}"/></g>', '<path d="M15 5l6 6-6 6M21 11H11c-5 0-8 3-8 8"/>', '<path d="M2 8h10V3l10 9-10 9v-5H2z"/>', '<path d="M3 9h9V4l9 8-9 8v-5H3z"/>'),
    "Send": (f'<path d="{_PLANE}"/>', '<path d="M22 2L11 13M22 2l-7 20-4-9-9-4z"/>', '<path d="M3 4l18 8-18 8v-6l12-2-12-2z"/>'),
    "Search": ('<circle cx="10" cy="10" r="6.500"/><path d="M15 15l6.500 6.500"/>', '<circle cx="9.500" cy="9.500" r="5"/><path d="M13.500 13.500l7 7"/>', '<circle cx="14" cy="10" r="6"/><path d="M9.500 14.500L3 21"/>'),
    "x": ('<path d="M4 4L20 20M20 4L4 20"/>', '<path d="M7 7l10 10M17 7L7 17"/>', '<circle cx="12" cy="12" r="10"/><path d="M8 8l8 8M16 8l-8 8"/>', '<path d="M5 2l7 7 7-7 3 3-7 7 7 7-3 3-7-7-7 7-3-3 7-7-7-7z"/>'),
    "like": (f'<path d="{_HEART}"/>', '<path d="M12 20l-8-8a5 5 0 0 1 8-6 5 5 0 0 1 8 6z"/>', '<path d="M7 22V10l5-8c2 0 3 2 2 7h7l-2 13zM2 10h5v12H2z"/>'),
    "retweet": ('<path d="M4 12V7h12M13 4l3 3-3 3M20 12v5H8M11 14l-3 3 3 3"/>', '<path d="M6 16V7h9M3 10l3-3 3 3M18 8v9H9M15 14l3 3 3-3"/>', '<path d="M5 18V6h8v3M2 9l3-4 3 4zM19 6v12h-8M16 15l3 4 3-4z"/>'),
    "share": ('<circle cx="18" cy="5" r="3"/><circle cx="6" cy="12" r="3"/><circle cx="18" cy="19" r="3"/><path d="M8.500 10.500l7-4M8.500 13.500l7 4"/>', '<path d="M12 3v12M8 7l4-4 4 4M5 11v10h14V11"/>'),
    "more": ('<circle cx="5" cy="12" r="1.800"/><circle cx="12" cy="12" r="1.800"/><circle cx="19" cy="12" r="1.800"/>', '<circle cx="12" cy="5" r="1.800"/><circle cx="12" cy="12" r="1.800"/><circle cx="12" cy="19" r="1.800"/>'),
    OTHER: (
        '<path d="M4 6h16M4 12h16M4 18h16"/>', '<path d="M12 4v16M4 12h16"/>', '<path d="M4 12h16"/>', '<path d="M5 9l7 7 7-7"/>', '<path d="M9 5l7 7-7 7"/>', '<path d="M15 5l-7 7 7 7"/>', '<path d="M5 15l7-7 7 7"/>',
        '<rect x="3" y="5" width="18" height="14"/><path d="M3 5l9 8 9-8"/>', '<path d="M4 20l4-1L20 7l-3-3L5 16z"/>', '<path d="M12 4v11M7 10l5 5 5-5M4 20h16"/>', '<path d="M3 12l9-8 9 8M6 10v10h12V10"/>',
        '<circle cx="12" cy="8" r="4"/><path d="M4 21c0-9 16-9 16 0"/>', '<circle cx="12" cy="12" r="4"/><path d="M12 2v4M12 18v4M2 12h4M18 12h4M5 5l3 3M16 16l3 3M19 5l-3 3M8 16l-3 3"/>',
        '<path d="M4 4h13l3 3v13H4zM8 4v6h8V4M8 20v-6h8v6"/>', '<path d="M6 9V3h12v6M6 17H3V9h18v8h-3M6 14h12v7H6z"/>', '<circle cx="12" cy="12" r="9"/>', '<rect x="4" y="4" width="16" height="16"/>', '<path d="M4 13l5 5L20 6"/>',
        '<path d="M20 12H4M10 6l-6 6 6 6"/>', '<path d="M4 12h16M14 6l6 6-6 6"/>', '<path d="M12 4L3 20h18z"/>', '<path d="M7 4l12 8-12 8z"/>', '<path d="M7 4v16M17 4v16"/>', '<path d="M20 12a8 8 0 1 1-3-6M20 3v5h-5"/>', '<circle cx="12" cy="12" r="9"/><path d="M12 7v6l4 3"/>',
        '<path d="M6 3h8l5 5v13H6zM14 3v5h5"/>', '<path d="M3 6h6l2 2h10v11H3z"/>', '<path d="M8 12l8-8a4 4 0 0 1 5 5l-9 9a6 6 0 0 1-8-8l8-8"/>', '<circle cx="12" cy="12" r="9"/><path d="M12 11v6M12 7v1"/>',
        '<text x="5" y="20" font-size="22" font-weight="bold" stroke="none" fill="currentColor">B</text>', '<text x="8" y="20" font-size="22" font-style="italic" stroke="none" fill="currentColor">I</text>', '<text x="4" y="20" font-size="22" stroke="none" fill="currentColor">A</text>', '<text x="6" y="20" font-size="22" stroke="none" fill="currentColor">?</text>',
        '<path d="M4 6h16M4 12h10M4 18h13"/>', '<path d="M5 4v17M5 4h13l-3 5 3 5H5"/>', '<rect x="5" y="10" width="14" height="11"/><path d="M8 10V6a4 4 0 0 1 8 0v4"/>', '<path d="M2 12c5-8 15-8 20 0-5 8-15 8-20 0z"/><circle cx="12" cy="12" r="3"/>',
    ),
}  # fmt: skip
_LETTERS: dict[str, str] = {"star": "★☆✩✭", "x": "✕✖×xX✗", "like": "♥♡❤", "more": "…⋯⋮", OTHER: "+−<>▲▼◀▶●■✓✎☰⌂©§¶ABTi?!"}
_FILES = {
    "star": "star", "star-clicked": "star", "delete": "trash", "trash": "trash", "reply": "reply", "forward": "forward", "send": "Send",
    "search": "Search", "like": "like", "retweet": "retweet", "share": "share", "more": "more", "left-arrow": OTHER, "left-arrow-white": OTHER,
    "reply-hover": "reply", "like-hover": "like", "retweet-hover": "retweet", "share-hover": "share", "more-hover": "more",
}  # fmt: skip
"""What a picture file of a page shows, by its name."""
_LINK = re.compile(r"[\w./-]+\.png")


def page_pictures(pages: list[Path]) -> dict[str, list[str]]:
    """Name -> pictures (data URLs) that ``pages`` use, as far as the file's name says what it is."""
    files = {(page.parent / link).resolve() for page in pages for link in _LINK.findall(page.read_text(errors="replace"))}
    found: dict[str, list[str]] = {}
    for file in sorted(files):
        if file.stem in _FILES and file.is_file():
            found.setdefault(_FILES[file.stem], []).append(
                f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"
            )
    return found


def markup(rng: random.Random, name: str, size_px: int, pictures: dict[str, list[str]]) -> str:
    """One icon called ``name`` that fills a box of ``size_px``."""
    roll = rng.random()
    if name in pictures and roll < 0.4:
        return f'<img src="{rng.choice(pictures[name])}" style="max-width:{size_px}px;max-height:{size_px}px;opacity:{rng.choice([0.4, 0.6, 1, 1])}">'
    if name in _LETTERS and roll > 0.8:
        return f'<span style="font-size:{round(size_px * 1.1)}px;line-height:1">{rng.choice(_LETTERS[name])}</span>'
    fill = rng.choice(["none", "none", "currentColor"])
    stroke = f'stroke="currentColor" stroke-width="{rng.choice([1.2, 1.5, 2, 2.5, 3])}"'
    turn = f"transform:rotate({rng.randint(-8, 8)}deg)" if rng.random() < 0.2 else ""
    return f'<svg width="{size_px}" height="{size_px}" viewBox="0 0 24 24" fill="{fill}" {stroke} style="{turn}">{rng.choice(DRAWINGS[name])}</svg>'


def random_name(rng: random.Random) -> str:
    """Any name, the nameless more often."""
    return OTHER if rng.random() < 0.3 else rng.choice(NAMES)
