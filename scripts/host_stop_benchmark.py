"""How soon an agent's hands are off the user's own desktop once its user stops it there. (docs/host-mode.md)

On a private X server an agent holds a key and a button; the pointer is thrown into a corner, or the stop key is pressed, at a
random moment; the X server is asked every millisecond what is down. Half of the stops are made while the supervisor is stopped by
SIGSTOP, as if it hung. Exit code 1 if one took longer than 100 ms, or if anything was down 300 ms later.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Generator
from typing import Any

from Xlib import X
from Xlib.display import Display
from Xlib.ext import xtest

from edgeagent.desktop import SandboxDesktop
from edgeagent.errors import DesktopLost
from edgeagent.machine import machine_line
from edgeagent_harness.host.drivers import DRIVER_ENV
from edgeagent_harness.protocol.actions import Batch, KeyDown, MouseDown, Move, Wait
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import DesktopSpec, HostSpec, SettleSpec

LIMIT_MS = 100.0
STOP_KEY = (0xFFE3, 0xFFE9, 0xFF1B)
"""Keysyms of ctrl, alt and escape."""
HOLDING = Batch((Move(Point(300, 300)), KeyDown("shift"), MouseDown(), Wait(20_000)))


@contextlib.contextmanager
def x_server() -> Generator[Any]:
    """A private Xvfb, ``$DISPLAY`` for as long as it lives; yields a connection to it."""
    read_end, write_end = os.pipe()
    argv = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset", "-ac"]
    process = subprocess.Popen(argv, pass_fds=[write_end], stderr=subprocess.DEVNULL)
    os.close(write_end)
    try:
        with open(read_end) as stream:
            os.environ["DISPLAY"] = f":{stream.readline().strip()}"
        os.environ.setdefault("XAUTHORITY", os.devnull)
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):  # python-xlib tells there what it misses
            warnings.simplefilter("ignore", ResourceWarning)
            yield Display(os.environ["DISPLAY"])
    finally:
        process.terminate()
        process.wait(10)


def down(display: Any) -> int:
    """How many keys and buttons are down."""
    keys = sum(byte.bit_count() for byte in display.query_keymap())
    return keys + (display.screen().root.query_pointer().mask >> 8 & 0x1F).bit_count()


def corner(display: Any) -> None:
    xtest.fake_input(display, X.MotionNotify, x=0, y=0)
    display.sync()


def stop_key(display: Any) -> None:
    codes = [display.keysym_to_keycode(symbol) for symbol in STOP_KEY]
    for code in codes:
        xtest.fake_input(display, X.KeyPress, code)
    for code in reversed(codes):
        xtest.fake_input(display, X.KeyRelease, code)
    display.sync()


def held_stop_key(display: Any) -> None:
    """As a person presses it: it is down for long enough to be looked at, until whoever sees it releases it."""
    for symbol in STOP_KEY:
        xtest.fake_input(display, X.KeyPress, display.keysym_to_keycode(symbol))
    display.sync()


async def one_stop(display: Any, stop: Callable[[Any], None], hung: bool, delay_s: float) -> tuple[float, int]:
    """From the user's stop to nothing being down, in ms; and what is down 300 ms later."""
    async with SandboxDesktop(DesktopSpec(host=HostSpec(border=False))) as desktop:
        holding = asyncio.create_task(desktop.perform(HOLDING, SettleSpec()))
        while down(display) < 2:  # noqa: ASYNC110 - the X server gives no sign
            await asyncio.sleep(0.005)
        await asyncio.sleep(delay_s)
        if hung:
            os.kill(desktop.supervisor_pid, signal.SIGSTOP)
        began_s = time.perf_counter()
        stop(display)
        while down(display):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.001)
        took_ms = (time.perf_counter() - began_s) * 1000
        await asyncio.sleep(0.3)
        later = down(display)
        if hung:
            os.kill(desktop.supervisor_pid, signal.SIGCONT)
        with contextlib.suppress(DesktopLost):
            await holding
        return took_ms, later


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stops", type=int, default=100, help="in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--portable", action="store_true", help="by the driver for macOS and Windows, which looks for the key")
    arguments = parser.parse_args()
    if arguments.portable:
        os.environ[DRIVER_ENV] = "portable"
    ways = (corner, held_stop_key if arguments.portable else stop_key)
    chance = random.Random(arguments.seed)
    results: dict[str, list[float]] = {}
    still_down = 0
    with x_server() as display:
        for number in range(arguments.stops):
            stop, hung = ways[number % 2], number % 4 >= 2
            took_ms, later = asyncio.run(one_stop(display, stop, hung, chance.uniform(0, 0.2)))
            name = f"{stop.__name__}, supervisor {'stopped by SIGSTOP' if hung else 'answering'}"
            results.setdefault(name, []).append(took_ms)
            still_down += bool(later)
    print(f"{arguments.stops} stops on {machine_line()}, load average {os.getloadavg()[0]:.0f}")
    for name, took in sorted(results.items()):
        print(f"{name:<45} {len(took):4} stops  p50 {statistics.median(took):6.1f}  max {max(took):6.1f} ms")
    print(f"with anything down 300 ms later: {still_down}")
    return 1 if still_down or max(max(took) for took in results.values()) > LIMIT_MS else 0


if __name__ == "__main__":
    sys.exit(main())
