"""Render a data set: ``python -m detector_data.render --out DIR`` from ``scripts/``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from detector_data.demo_pages import FIRST_SEED as DEMO_SEED
from detector_data.demo_pages import demo_samples
from detector_data.miniwob_pages import FIRST_SEED, miniwob_samples, tasks
from detector_data.pages import web_samples
from detector_data.samples import Sample, write_samples
from detector_data.toolkits import toolkit_samples

ROOT = Path(__file__).resolve().parents[2]
TOOLKITS = ("gtk", "qt", "tk")
_SHARES = {"gtk": 1.6, "qt": 1.0, "tk": 1.0}
"""Of the windows asked for: GTK's editors and file choosers need more."""
WORKERS = 2
TEST_SEEDS = 6
"""So many seeds of each MiniWoB++ task, from the first allowed one on, are kept for evaluation."""


def render(out: Path, web_pages: int, miniwob_seeds: int, toolkit_windows: int) -> None:
    """Write ``train-*.bin`` and ``test-*.bin`` under ``out``; files that are there already stay."""
    names = tasks(ROOT / "benchmarks" / "miniwob")
    first_train = FIRST_SEED + TEST_SEEDS
    jobs: dict[str, Callable[[], Iterator[Sample]]] = {
        "test-web.bin": partial(web_samples, range(1_000_000, 1_000_000 + max(20, web_pages // 20))),
        "test-miniwob.bin": partial(miniwob_samples, names, range(FIRST_SEED, first_train)),
        "test-demo.bin": partial(demo_samples, range(2 * DEMO_SEED, 2 * DEMO_SEED + 12)),
        "train-demo.bin": partial(demo_samples, range(DEMO_SEED, DEMO_SEED + 40)),
        "train-web.bin": partial(web_samples, range(web_pages)),
        "train-miniwob.bin": partial(miniwob_samples, names, range(first_train, first_train + miniwob_seeds)),
    }
    for toolkit in TOOLKITS:
        windows = round(toolkit_windows * _SHARES[toolkit])
        jobs[f"test-{toolkit}.bin"] = partial(toolkit_samples, toolkit, range(1_000_000, 1_000_025))
        jobs[f"train-{toolkit}.bin"] = partial(toolkit_samples, toolkit, range(windows))
    with ProcessPoolExecutor(WORKERS) as pool:
        for line in pool.map(_written, [out / name for name in jobs], jobs.values()):
            print(line, flush=True)


def _written(path: Path, make: Callable[[], Iterator[Sample]]) -> str:
    if path.exists():
        return f"{path.name}: is there"
    started = time.monotonic()
    unfinished = path.with_name(f"{path.name}.unfinished")
    count = write_samples(unfinished, make())
    unfinished.rename(path)
    return f"{path.name}: {count} screens in {time.monotonic() - started:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--web-pages", type=int, default=2200)
    parser.add_argument("--miniwob-seeds", type=int, default=24)
    parser.add_argument("--toolkit-windows", type=int, default=250)
    arguments = parser.parse_args()
    render(arguments.out, arguments.web_pages, arguments.miniwob_seeds, arguments.toolkit_windows)


if __name__ == "__main__":
    main()
