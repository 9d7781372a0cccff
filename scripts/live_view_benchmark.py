"""What looking on costs the agent: the same actions in the real sandbox at 1280x800, with live pictures and without, in turns.

A text editor is typed into; every step is waited for as in a run. Pictures are asked for ten times a second, as the terminal
app does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from statistics import median

from edgeagent.bench.stats import percentile
from edgeagent.desktop.client import SandboxDesktop
from edgeagent.machine import machine_line
from edgeagent_harness.protocol.actions import Click, Key, Type
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import Application, DesktopSpec, SettleSpec

_LOOK_S = 0.1
ACTIONS = (Type("words and more words, "), Click(Point(640, 400)), Key(("Return",)), Type("another line of text"))


class Onlooker:
    """Takes live pictures while it is on."""

    def __init__(self, desktop: SandboxDesktop) -> None:
        self._desktop = desktop
        self.on = False
        self.asked = self.seen = 0

    async def look(self) -> None:
        """Until cancelled."""
        while True:
            if self.on:
                self.asked += 1
                self.seen += await self._desktop.peek() is not None
            await asyncio.sleep(_LOOK_S)


async def measure(rounds: int, home: str) -> dict[str, float]:
    """Median ms of a step with and without an onlooker, and how many pictures a second it had."""
    steps: dict[bool, list[float]] = {True: [], False: []}
    watched_s = 0.0
    async with SandboxDesktop(DesktopSpec(home=home, applications=(Application(("mousepad",)),))) as desktop:
        await desktop.perform(Click(Point(640, 400)), SettleSpec(quiet_ms=500))
        onlooker = Onlooker(desktop)
        looking = asyncio.create_task(onlooker.look())
        for number in range(rounds):
            onlooker.on = bool(number % 2)
            began_s = time.perf_counter()
            for action in ACTIONS:
                step_s = time.perf_counter()
                await desktop.perform(action, SettleSpec(expect="local"))
                steps[onlooker.on].append((time.perf_counter() - step_s) * 1000)
            watched_s += (time.perf_counter() - began_s) * onlooker.on
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    return {
        "without_p50_ms": round(median(steps[False]), 1),
        "with_p50_ms": round(median(steps[True]), 1),
        "without_p95_ms": round(percentile(steps[False], 95), 1),
        "with_p95_ms": round(percentile(steps[True], 95), 1),
        "looks_per_s": round(onlooker.asked / watched_s, 1),
        "pictures_per_s": round(onlooker.seen / watched_s, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edgeagent-live-", ignore_cleanup_errors=True) as home:
        figures = asyncio.run(measure(options.rounds, home))
    print(machine_line())
    print("   ".join(f"{key} {value}" for key, value in figures.items()))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine_line(), **figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
