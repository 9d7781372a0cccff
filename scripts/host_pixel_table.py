"""Host mode: is the pixel that is seen the pixel that is clicked? One line for each arrangement of monitors. (docs/host-mode.md)

Measured: three monitors on a private X server, each filled by a program that draws in logical units at that monitor's scale, as
toolkits do. Small targets of a colour of their own are looked for in the *screenshot*, clicked where they were found, and the
click must arrive on the very pixel, and in the logical cell, that was drawn there. Computed: for systems that take input
in logical units from the primary monitor's corner (macOS, Windows), the pixels along the edges and a diagonal of three monitors
with negative offsets go to input and back. Exit code 1 if one of them is another.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from Xlib import X
from Xlib.display import Display

from edgeagent.desktop import SandboxDesktop
from edgeagent_harness.host.layout import Layout, Monitor
from edgeagent_harness.host.x11.xrequests import set_monitor
from edgeagent_harness.protocol.actions import Click
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import DesktopSpec, HostSpec, SettleSpec

SIZES = ((1280, 720), (1920, 1080), (1024, 768))
TOPS = (360, 0, 200)
SCALES = ((1.0, 1.5, 2.0), (1.0, 1.0, 1.0), (1.25, 1.25, 1.25), (1.5, 1.5, 1.5), (2.0, 2.0, 2.0), (1.25, 2.0, 1.75))
_QUICK = SettleSpec(expect="nothing", quiet_ms=0)
_MM_PER_INCH = 25.4


@dataclass(frozen=True)
class Row:
    """One arrangement."""

    how: str
    scales: str
    points: int
    exact: int
    worst_px: float


def boxes() -> list[Rect]:
    """Three monitors side by side, their tops uneven."""
    found: list[Rect] = []
    left = 0
    for (width, height), top in zip(SIZES, TOPS, strict=True):
        found.append(Rect(left, top, left + width, top + height))
        left += width
    return found


class Program:
    """Fills a monitor, draws one logical cell at a time, and knows where presses arrived."""

    def __init__(self, display: Any, box: Rect, scale: float) -> None:
        self._display = display
        self.box = box
        self.scale = scale
        self._window = display.screen().root.create_window(
            box.left, box.top, box.width, box.height, 0, display.screen().root_depth, override_redirect=True,
            event_mask=X.ButtonPressMask, background_pixel=0x203040,
        )  # fmt: skip
        self._window.map()
        self._gc = self._window.create_gc()

    def draw(self, cell: tuple[int, int], colour: int) -> Rect:
        """Draw the logical cell as a toolkit at this scale does; returns its pixels on the desktop."""
        left, top, right, bottom = (int(value * self.scale) for value in (cell[0], cell[1], cell[0] + 1, cell[1] + 1))
        self._window.clear_area()
        self._gc.change(foreground=colour)
        self._window.fill_rectangle(self._gc, left, top, right - left, bottom - top)
        self._display.sync()
        return Rect(left + self.box.left, top + self.box.top, right + self.box.left, bottom + self.box.top)

    def pressed(self) -> tuple[int, int, tuple[int, int]]:
        """Where the last press arrived on the desktop, and in which logical cell."""
        self._display.sync()
        where = (-1, -1, (-1, -1))
        while self._display.pending_events():
            event = self._display.next_event()
            if event.type == X.ButtonPress:
                cell = (_cell(event.event_x, self.scale), _cell(event.event_y, self.scale))
                where = (event.root_x, event.root_y, cell)
        return where

    def close(self) -> None:
        self._window.destroy()


def _cell(pixel: int, scale: float) -> int:
    """The logical cell whose drawn pixels hold ``pixel``."""
    cell = int(pixel / scale)
    return cell + 1 if int((cell + 1) * scale) <= pixel else cell


async def measured(arrangement: int, monitor: int, points: int, chance: random.Random, display: Any) -> tuple[int, float]:
    """Click ``points`` targets on a monitor: how many arrived exactly, and the farthest that one went astray."""
    box = boxes()[monitor]
    program = Program(display, box, SCALES[arrangement][monitor])
    exact, worst = 0, 0.0
    try:
        async with SandboxDesktop(DesktopSpec(host=HostSpec(monitor=f"{arrangement}-{monitor + 1}", border=False))) as desktop:
            for _ in range(points):
                cell = (
                    chance.randrange(4, int(box.width / program.scale) - 4),
                    chance.randrange(4, int(box.height / program.scale) - 4),
                )
                colour = chance.randrange(0x400000, 0xFFFFFF)
                drawn = program.draw(cell, colour)
                screen = (await desktop.observe()).screen
                pixels = np.frombuffer(screen.pixels, "<u4").reshape(screen.info.height, screen.info.width) & 0xFFFFFF
                ys, xs = np.nonzero(pixels == colour)
                seen = Rect(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
                await desktop.perform(Click(Point(float(xs[0]), float(ys[0]))), _QUICK)
                x, y, arrived = program.pressed()
                off = max(abs(x - box.left - int(xs[0])), abs(y - box.top - int(ys[0])))
                at = Rect(seen.left + box.left, seen.top + box.top, seen.right + box.left, seen.bottom + box.top)
                exact += off == 0 and arrived == cell and at == drawn
                worst = max(worst, float(off))
    finally:
        program.close()
    return exact, worst


def computed(scales: tuple[float, ...]) -> Row:
    """Pixels along two edges and a diagonal of three monitors, the primary one in the middle, to logical units and back."""
    logical_left = 0.0
    places = boxes()
    primary = places[1]
    monitors: list[Monitor] = []
    for place, scale in zip(places, scales, strict=True):
        box = Rect(place.left - primary.left, place.top - primary.top, place.right - primary.left, place.bottom - primary.top)
        monitors.append(Monitor(f"{box.left}", box, box.left == 0, scale, (logical_left, box.top / scale)))
        logical_left += place.width / scale
    shift = next(monitor.logical[0] for monitor in monitors if monitor.primary)
    layout = Layout(tuple(
        Monitor(one.name, one.box, one.primary, one.scale, (one.logical[0] - shift, one.logical[1])) for one in monitors
    ))  # fmt: skip
    points = exact = 0
    worst = 0.0
    for monitor in layout.monitors:
        for x in range(monitor.box.left, monitor.box.right):
            for y in (monitor.box.top, monitor.box.bottom - 1, monitor.box.top + x % monitor.box.height):
                back = monitor.to_physical(*monitor.to_logical(x, y))
                points += 1
                exact += back == (x, y) and layout.at(x, y) is monitor
                worst = max(worst, abs(back[0] - x), abs(back[1] - y))
    return Row("computed, offsets from -1280", _scales(scales), points, exact, worst)


@contextlib.contextmanager
def x_server() -> Generator[str]:
    """A private Xvfb as large as the three monitors, ``$DISPLAY`` for as long as it lives."""
    read_end, write_end = os.pipe()
    whole = boxes()[0].union(boxes()[1]).union(boxes()[2])
    argv = [
        "Xvfb",
        "-displayfd",
        str(write_end),
        "-screen",
        "0",
        f"{whole.width}x{whole.bottom}x24",
        "-nolisten",
        "tcp",
        "-noreset",
        "-ac",
    ]
    process = subprocess.Popen(argv, pass_fds=[write_end], stderr=subprocess.DEVNULL)
    os.close(write_end)
    before = os.environ.get("DISPLAY")
    try:
        with open(read_end) as stream:
            os.environ["DISPLAY"] = f":{stream.readline().strip()}"
        yield os.environ["DISPLAY"]
    finally:
        os.environ.pop("DISPLAY", None)
        if before is not None:
            os.environ["DISPLAY"] = before
        process.terminate()
        process.wait(10)


def rows(points: int, seed: int, arrangements: int) -> Iterator[Row]:
    """The table; of the arrangements that are measured only the first so many."""
    chance = random.Random(seed)
    with x_server() as name:
        os.environ.setdefault("XAUTHORITY", os.devnull)
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):  # python-xlib tells there what it misses
            warnings.simplefilter("ignore", ResourceWarning)
            display = Display(name)
        for arrangement, scales in enumerate(SCALES[:arrangements]):
            for number, (box, scale) in enumerate(zip(boxes(), scales, strict=True), start=1):
                mm = (round(box.width / (96 * scale) * _MM_PER_INCH), round(box.height / (96 * scale) * _MM_PER_INCH))
                set_monitor(display, display.screen().root, f"{arrangement}-{number}", box, mm, number == 2)
            results = [asyncio.run(measured(arrangement, monitor, points, chance, display)) for monitor in range(3)]
            yield Row(
                "measured on X11, 3 monitors", _scales(scales), 3 * points, sum(exact for exact, _ in results),
                max(worst for _, worst in results),
            )  # fmt: skip
        display.close()
    yield from map(computed, SCALES)


def _scales(scales: tuple[float, ...]) -> str:
    return " ".join(f"{scale:g}x" for scale in scales)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=50, help="clicks for each monitor of each arrangement")
    parser.add_argument("--arrangements", type=int, default=len(SCALES), help="how many are measured; all are computed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found: list[Row] = []
    if not arguments.json:
        print("how                             scales                 points    exact  farthest off (px)")
    for row in rows(arguments.points, arguments.seed, arguments.arrangements):
        found.append(row)
        if not arguments.json:
            print(f"{row.how:<31} {row.scales:<20} {row.points:8} {row.exact:8} {row.worst_px:8g}", flush=True)
    if arguments.json:
        print(json.dumps([asdict(row) for row in found]))
    return 0 if all(row.exact == row.points for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
