"""Whether the terminal app ever blocks, and how soon it is there.

    tui_benchmark.py [--steps 200] [--json FILE]

UI thread: a session of 200 steps at 1280x800 in the app, in a terminal of its own (a pty, 160x45) that takes whatever is written:
a desktop that changes with every step, frames recorded and flushed for real, live pictures ten times a second, a model that
thinks for 30 ms, every tenth step an engine that loads (a process that has all cores for half a second). A task on the UI's
own event loop asks to be woken every 5 ms; what it is late by is what a key would have waited.

First paint: from the start of the process to the first frame on the terminal, in turns with an empty Textual app.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from statistics import median

from edgeagent.bench.stats import percentile
from edgeagent.machine import machine_line

_EMPTY = Path(__file__).with_name("tui_benchmark_empty.py")
_SESSION = Path(__file__).with_name("tui_benchmark_session.py")
_COLUMNS, _ROWS = 160, 45
_ALTERNATE = b"\x1b[?1049h"


class Terminal:
    """A program in a pty, and everything that it wrote."""

    def __init__(self, argv: list[str], home: Path) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        environment = {**os.environ, "EDGEAGENT_HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.began_s = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, *argv], stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self.written = 0
        self._seen = b""

    def until(self, wanted: bytes, timeout_s: float) -> float:
        """Seconds from the start to the moment when ``wanted`` was written."""
        end_s = time.monotonic() + timeout_s
        while wanted not in self._seen:
            if time.monotonic() > end_s:
                raise TimeoutError(f"{wanted!r} was not written; the last was {self._seen[-300:]!r}")
            self._take(0.2)
        return time.monotonic() - self.began_s

    def until_ended(self, timeout_s: float) -> int:
        """Take what is written until the program ends; its exit status."""
        end_s = time.monotonic() + timeout_s
        while self.process.poll() is None and time.monotonic() < end_s:
            self._take(0.2)
        return self.process.wait(5)

    def _take(self, timeout_s: float) -> None:
        ready, _, _ = select.select([self._master], [], [], timeout_s)
        if ready:
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:  # the program has closed its end
                return
            self.written += len(data)
            self._seen = (self._seen + data)[-(1 << 18) :]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)


def first_paints(repeat: int, home: Path) -> dict[str, float]:
    """Median ms to the first paint of the app and of an empty Textual app, taken in turns, and the difference."""
    taken: dict[str, list[float]] = {"empty": [], "app": []}
    home.mkdir()
    (home / "tour-seen").touch()
    programs = {"empty": ([str(_EMPTY)], b"Empty"), "app": (["-P", "-m", "edgeagent"], b"What should be done")}
    for number in range(repeat + 1):
        for name, (argv, sign) in programs.items():
            terminal = Terminal(argv, home)
            try:
                seconds = terminal.until(sign, 30.0)
            finally:
                terminal.close()
            if number:  # the first of each reads the disk
                taken[name].append(seconds * 1000)
    ours, empty = median(taken["app"]), median(taken["empty"])
    return {"app_ms": round(ours, 1), "empty_ms": round(empty, 1), "above_ms": round(ours - empty, 1)}


def ui_latency(steps: int, home: Path) -> dict[str, float]:
    """How late the UI's own event loop was over a session of ``steps``."""
    out = home / "lateness.json"
    terminal = Terminal([str(_SESSION), str(steps), str(out)], home)
    try:
        if terminal.until_ended(steps * 3.0 + 60):
            raise RuntimeError("the app failed")
    finally:
        terminal.close()
    found = json.loads(out.read_text())
    late: list[float] = found["late_ms"]
    return {
        "steps": found["steps"],
        "samples": len(late),
        "p50_ms": round(percentile(late, 50), 2),
        "p99_ms": round(percentile(late, 99), 2),
        "max_ms": round(max(late), 1),
        "session_s": found["session_s"],
        "frames_shown": found["frames"],
        "frames_per_s": round(found["frames"] / found["session_s"], 1),
        "terminal_mb": round(terminal.written / 1e6, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edgeagent-tui-", ignore_cleanup_errors=True) as home:
        figures = {
            "first_paint": first_paints(options.repeat, Path(home) / "empty"),
            "ui_thread": ui_latency(options.steps, Path(home)),
        }
    print(machine_line())
    for name, row in figures.items():
        print(f"{name:<12}" + "   ".join(f"{key} {value}" for key, value in row.items()))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine_line(), **figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
