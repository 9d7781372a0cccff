"""How fast and how exact perception is: ``python scripts/perception_benchmark.py [--json PATH]``.

Times one 1280x800 page of a settings form (14 rows of label, field, checkbox, sentence and button): cold (nothing known), after a
small change (two words in one field), and with no change; beside the wall time the processor time, which a busy machine blurs
less. Exactness: of the words on rendered pages whose text is known from the DOM, the share read letter by letter, by font size.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from html import escape
from pathlib import Path

import cv2
import numpy as np
from detector_data.browser import Browser
from detector_data.wording import phrase, sentence
from numpy.typing import NDArray

from edgeagent_models.perception.service import Perception, shared_readers
from edgeagent_models.perception.types import TextLine
from edgeagent_models.protocol import Image

_FONTS = ("Liberation Sans", "DejaVu Sans", "Liberation Serif", "Liberation Mono", "Noto Sans")
_WORDS_JS = """(() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = walk.nextNode();) for (const m of n.data.matchAll(/\\S+/g)) {
    const r = document.createRange(); r.setStart(n, m.index); r.setEnd(n, m.index + m[0].length);
    const b = r.getBoundingClientRect();
    if (b.width > 1 && b.right < innerWidth && b.bottom < innerHeight) found.push([m[0], b.left, b.top, b.right, b.bottom]);
  }
  return found;
})()"""
_FONT_SIZES_PX = (10, 11, 12, 13, 14, 16, 20)
_SEED = 77_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--pages", type=int, default=4, help="pages of text for each font size")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with Browser() as browser:
        before, after = _form(browser)
        timing = timings(before, after, arguments.repeats)
        ocr = exactness(browser, arguments.pages)
    _print(timing, ocr)
    if arguments.json:
        arguments.json.write_text(json.dumps({"median_ms": timing, "ocr": ocr}, indent=2) + "\n")


def timings(before: Image, after: Image, repeats: int) -> dict[str, float]:
    """Median milliseconds, whole and by stage."""
    Perception.warm_up()
    looks: dict[str, list[dict[str, float]]] = {"cold": [], "small_change": [], "no_change": []}
    for _ in range(repeats):
        shared_readers().ocr.recogniser.forget()
        perception = Perception()
        looks["cold"].append(_timed(perception, before))
        looks["small_change"].append(_timed(perception, after))
        looks["no_change"].append(_timed(perception, after))
    stages = looks["cold"][0]
    return {
        f"{name}.{stage}": round(statistics.median(t[stage] for t in runs), 1) for name, runs in looks.items() for stage in stages
    }


def exactness(browser: Browser, pages: int) -> dict[str, dict[str, float]]:
    """By font size in pixels: words, share exact, share exact but for case, share of lines with every word exact."""
    ocr = shared_readers().ocr
    figures: dict[str, dict[str, float]] = {}
    for font_px in _FONT_SIZES_PX:
        counts = np.zeros(3)
        for number in range(pages):
            rng = random.Random(_SEED + 1000 * font_px + number)
            browser.show(_text_page(rng, font_px))
            truth: list[tuple[str, float, float, float, float]] = browser.evaluate(_WORDS_JS)  # pyright: ignore[reportAssignmentType]
            lines = ocr.read(_pixels(browser)).lines
            for word, *box in truth:
                read = _word_at(lines, box)
                counts += (1, read == word, read.lower() == word.lower())
        total, exact, caseless = counts.tolist()
        figures[str(font_px)] = {"words": total, "exact": round(exact / total, 4), "caseless": round(caseless / total, 4)}
    return figures


def _word_at(lines: list[TextLine], box: list[float]) -> str:
    """The word that was read over ``box``; empty if there is none."""
    left, top, right, bottom = box
    best, most = "", 0.0
    for line in lines:
        if not line.box.top <= (top + bottom) / 2 <= line.box.bottom:
            continue
        for word in line.words:
            shared = min(right, word.box.right) - max(left, word.box.left)
            if shared > most:
                best, most = word.text, shared
    return best


def _timed(perception: Perception, image: Image) -> dict[str, float]:
    started, worked = time.perf_counter(), time.process_time()
    perception.look(image)
    whole = {"all_ms": (time.perf_counter() - started) * 1000, "cpu_ms": (time.process_time() - worked) * 1000}
    return {**whole, **perception.timings_ms}


def _form(browser: Browser) -> tuple[Image, Image]:
    """A filled page of 1280x800, before and after something is typed into one of its fields."""
    rng = random.Random(_SEED)
    rows = "".join(
        f"<p><label style='display:inline-block;width:220px'>{escape(phrase(rng, 1, 3))}</label> <input id='f{i}' "
        f"value='{escape(phrase(rng))}'> "
        f"<label><input type=checkbox>{escape(phrase(rng))}</label> {escape(sentence(rng, 3, 8))} <button>"
        f"{escape(phrase(rng, 1, 2))}</button></p>"
        for i in range(14)
    )
    browser.size(1280, 800, 1)
    browser.show(f"<!doctype html><body style='font:14px Liberation Sans'>{rows}</body>")
    before = _image(browser)
    browser.evaluate("document.getElementById('f7').value = 'Ada Lovelace'")
    browser.painted()
    return before, _image(browser)


def _text_page(rng: random.Random, font_px: int) -> str:
    parts: list[str] = []
    for _ in range(24):
        style = f"font-family:'{rng.choice(_FONTS)}';font-weight:{rng.choice(['normal', 'normal', 'bold'])}"
        tag = rng.choice(["p", "p", "p", "button", "td"])
        body = f'<{tag} style="{style}">{escape(sentence(rng, 1, 8) if tag == "p" else phrase(rng, 1, 3))}</{tag}>'
        parts.append(f"<table border=1><tr>{body}{body}</tr></table>" if tag == "td" else body)
    dark = "background:#222;color:#eee;color-scheme:dark" if rng.random() < 0.3 else ""
    return (
        f"<!doctype html><body style='font-size:{font_px}px;{dark}'><style>"
        f"p,table{{margin:3px}}button{{font-size:inherit}}</style>{''.join(parts)}</body>"
    )


def _pixels(browser: Browser) -> NDArray[np.uint8]:
    decoded = cv2.imdecode(np.frombuffer(browser.picture(), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(decoded[:, :, ::-1], np.uint8)


def _image(browser: Browser) -> Image:
    pixels = _pixels(browser)
    return Image(pixels.shape[1], pixels.shape[0], "rgb", pixels.tobytes())


def _print(timing: dict[str, float], ocr: dict[str, dict[str, float]]) -> None:
    print("1280x800, median ms:")
    for name, value in timing.items():
        print(f"  {name:28} {value:8.1f}")
    print("words read exactly, by font size in px:")
    for size, row in ocr.items():
        print(f"  {size:>3}  {row['words']:6.0f} words  {row['exact']:.4f} exact  {row['caseless']:.4f} but for case")


if __name__ == "__main__":
    main()
