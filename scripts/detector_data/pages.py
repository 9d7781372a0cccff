"""Random web pages for the detector: a look, a layout, and a handful of widgets; rendered and labelled by Chromium."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

from detector_data import layouts, widgets
from detector_data.browser import Browser
from detector_data.looks import Look, random_look
from detector_data.samples import Sample
from detector_data.wording import phrase

Part = Callable[[random.Random, Look], str]

_PARTS: tuple[tuple[Part, float], ...] = (
    (widgets.button, 3),
    (widgets.named_field, 5),
    (widgets.text_field, 1.5),
    (widgets.text_area, 0.7),
    (widgets.select, 1.5),
    (widgets.ticks, 5),
    (widgets.slider, 1.5),
    (widgets.paragraph, 2.5),
    (layouts.tabs, 1.5),
    (layouts.sections, 1.6),
    (layouts.tree, 1.3),
    (layouts.options, 2),
    (layouts.calendar, 0.5),
    (layouts.table, 1),
    (layouts.toolbar, 1.2),
    (layouts.cards, 2),
    (layouts.pile, 0.5),
)
LABELS_JS = (Path(__file__).parent / "labels.js").read_text()


def page(seed: int) -> str:
    """The HTML of page ``seed``."""
    rng = random.Random(seed)
    look = random_look(rng)
    blocks: list[str] = []
    for _ in range(rng.randint(2, 5)):
        made = [part(rng, look) for part in rng.choices([p for p, _ in _PARTS], [w for _, w in _PARTS], k=rng.randint(1, 5))]
        layout = rng.choice(["block", "block", "flex", "grid"])
        style = (
            f"display:{layout};flex-wrap:wrap;gap:{rng.randint(2, 14)}px;"
            f"grid-template-columns:repeat({rng.randint(2, 3)},auto);align-items:start"
        )
        frame = "card" if rng.random() < 0.3 else ""
        blocks.append(f'<section class="{frame}" style="{style}">{"".join(made)}</section>')
    if rng.random() < 0.35:
        blocks.append(layouts.dialog(rng, look))
    head = f"<h2>{escape(phrase(rng, 1, 4))}</h2>" if rng.random() < 0.5 else ""
    return f"<!doctype html><html><head><style>{look.css(rng)}</style></head><body>{head}{''.join(blocks)}</body></html>"


def labelled(browser: Browser, scale: float) -> list[tuple[str, float, float, float, float]]:
    """The widgets of the page that ``browser`` shows, in device pixels."""
    found: list[tuple[str, float, float, float, float]] = browser.evaluate(LABELS_JS)  # pyright: ignore[reportAssignmentType]
    return [(kind, left * scale, top * scale, right * scale, bottom * scale) for kind, left, top, right, bottom in found]


def web_samples(seeds: range) -> Iterator[Sample]:
    with Browser() as browser:
        for seed in seeds:
            rng = random.Random(seed ^ 0x5EED)
            scale = rng.choice([1, 1, 1, 1.25, 1.5, 1.5, 2, 2.5])
            browser.size(round(rng.randint(420, 960) / scale**0.5), round(rng.randint(320, 640) / scale**0.5), scale)
            browser.show(page(seed))
            boxes = labelled(browser, scale)
            yield Sample(source=f"web {seed}", png=browser.picture(), boxes=boxes)
