"""Pages of MiniWoB++ as training data: tasks of the development list less those held out, seeds from 1000."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Iterator
from pathlib import Path

from detector_data.browser import Browser
from detector_data.pages import labelled
from detector_data.samples import Sample

FIRST_SEED = 1000
_READY = "typeof core != 'undefined' && core.cover_div != null"
_ACT = """(() => {
  const pick = list => list.length ? list[Math.floor(RANDOM * list.length)] : null;
  const box = pick([...document.querySelectorAll('#area input[type=checkbox], #area input[type=radio]')]); if (box) box.click();
  const field = pick([...document.querySelectorAll('#area input:not([type]), #area input[type=text], #area textarea')]);
  if (field) {
    field.focus(); field.value = TYPED; field.dispatchEvent(new Event('input'));
    if (window.$) $(field).trigger('keydown');
  }
  const head = pick([...document.querySelectorAll('#area .hitarea, #area .ui-accordion-header, #area .ui-tabs-anchor')]);
  if (head) head.click();
})()"""


def tasks(lists: Path) -> list[str]:
    """Names that may be trained on, from ``benchmarks/miniwob``."""

    def names(file: str) -> list[str]:
        return [line for line in (lists / file).read_text().split("\n") if line and not line.startswith("#")]

    held_out = set(names("held_out.txt"))
    return [name for name in names("dev.txt") if name not in held_out]


def miniwob_samples(names: list[str], seeds: range) -> Iterator[Sample]:
    """Every task at every seed, half of them after a random click and a few letters typed."""
    if seeds.start < FIRST_SEED:
        raise ValueError(f"MiniWoB++ seeds below {FIRST_SEED} are for testing only; asked for {seeds}")
    package = importlib.util.find_spec("miniwob")
    if package is None or package.origin is None:
        raise RuntimeError("MiniWoB++ is not installed; install it with: pip install miniwob==1.1.0")
    root = Path(package.origin).parent / "html" / "miniwob"
    with Browser() as browser:
        for name in names:
            browser.open((root / f"{name}.html").as_uri(), _READY)
            for seed in seeds:
                sample = _sample(browser, name, seed)
                if sample is not None:
                    yield sample


def _sample(browser: Browser, name: str, seed: int) -> Sample | None:
    """None where the random click ended the episode."""
    rng = random.Random(f"{name} {seed}")
    if rng.random() < 0.5:
        scale = 2.0
        browser.size(160, 210, scale)  # as the benchmark shows it
    else:
        scale = rng.choice([1, 1, 1.25, 1.5, 2, 2, 2.5])
        browser.size(rng.choice([165, 330, 420]), rng.randint(212, 260), scale)
    browser.evaluate(f"core.EPISODE_MAX_TIME = 600000; Math.seedrandom('{seed}'); core.startEpisodeReal(); 1")
    browser.painted()
    if rng.random() < 0.5:
        browser.evaluate(_ACT.replace("RANDOM", f"{rng.random()}").replace("TYPED", repr(rng.choice(["a", "s", "hello", "Po"]))))
        browser.evaluate("new Promise(done => setTimeout(done, 350))")
        browser.painted()
    if browser.evaluate("scrollTo(0, 0); WOB_DONE_GLOBAL"):
        return None
    browser.painted()
    return Sample(source=f"miniwob {name} {seed}", png=browser.picture(), boxes=labelled(browser, scale))
