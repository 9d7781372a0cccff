"""What keeping a sandbox's home after each step costs, by how much is in it and how much a step changes. (docs/sessions.md)

Each row: a home of so many files (a thousandth of them of 1 MB, the others of 4 kB), kept once, then after twenty steps that
change nothing, after twenty that rewrite one small file, after twenty that rewrite 8 MB; then the last state is built anew.
Medians in ms. Keeping goes on beside the model's thinking; a step waits for it only if the model is quicker.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from edgeagent.homes.kept import KeptHomes, build, home_after
from edgeagent.machine import machine_line

REPEATS = 20
SMALL, LARGE, EDITED = 4_000, 1_000_000, 8_000_000


def fill(home: Path, files: int) -> None:
    for number in range(files):
        folder = home / f"folder-{number // 100}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.bin").write_bytes(os.urandom(LARGE if number % 1000 == 500 else SMALL))


def timed(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return (time.perf_counter() - began_s) * 1000


def row(files: int, scratch: Path) -> list[float]:
    """The measurements of one home, in ms."""
    home = scratch / "home"
    home.mkdir()
    fill(home, files)
    homes, step = KeptHomes(scratch), 0
    found = [timed(lambda: homes.keep(home, 0))]
    time.sleep(0.1)
    homes.keep(home, 0)  # files that were written just now are read once more
    for size in (0, SMALL, EDITED):
        took: list[float] = []
        for _ in range(REPEATS):
            step += 1
            if size:
                (home / "edited").write_bytes(os.urandom(size))
            took.append(timed(lambda step=step: homes.keep(home, step)))
        found.append(statistics.median(took))
    homes.close()
    was = home_after(scratch, step)
    assert was is not None
    found.append(timed(lambda: build(scratch, was, scratch / "again")))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="*", default=[10, 100, 1000, 10_000])
    parser.add_argument("--directory", type=Path, help="where: the file system counts")
    arguments = parser.parse_args()
    print(machine_line())
    print(f"{'files':>6} {'first':>9} {'unchanged':>10} {'4 kB':>9} {'8 MB':>9} {'restore':>9}   ms")
    for files in arguments.files:
        with tempfile.TemporaryDirectory(prefix="edgeagent-home-", dir=arguments.directory) as scratch:
            first, unchanged, small, large, restored = row(files, Path(scratch))
        print(f"{files:6} {first:9.1f} {unchanged:10.2f} {small:9.2f} {large:9.1f} {restored:9.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
