"""How long the stop key takes: from Esc on the terminal to the last thing that the X server sees of the agent's hands.

The whole way: the terminal app runs in a terminal of its own (a pty), a real sandbox, a real engine with random weights. In
turn the engine is idle while the hands act (long typing, drags, held keys), in the middle of a prefill, in the middle of a
decode, or stopped by SIGSTOP in either; where the hands do not act, a mouse button and a key are held down. At a random moment
Esc is written to the terminal. A program inside the sandbox writes down what the X server says is held, every 3 ms; the
sandbox stays until it has looked after the run's end, and a stop that it did not see the end of counts as one that held on.

    stop_benchmark.py --stops 300 --json FILE
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import random
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from stop_benchmark_app import STATES, write_model

from edgeagent.bench.stats import percentile
from edgeagent.machine import machine_line

ESC, F7 = b"\x1b", b"\x1b[18~"
_BUTTONS = 0x1F00
_LIMIT_MS = 100.0
_MOST_WAIT_S = 1.2
"""Esc comes at a random moment within this after the state was reached."""
_TRIAL_S = 90.0


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop."""

    state: str
    hands_off_ms: float
    """From the key to the last thing seen of the hands."""
    key_ms: float
    """Of it, until the app had pulled the brake."""
    still_held: bool
    """By the last that the watcher saw, after the run's end."""


class App:
    """The terminal app in a pty, and the lines that it marks its progress with."""

    def __init__(self, home: Path, model: Path, seed: int) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self._marks, theirs = os.pipe()
        environment = {**os.environ, "EDGEAGENT_HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        program = [sys.executable, str(Path(__file__).with_name("stop_benchmark_app.py")), str(model), str(theirs), str(seed)]
        self.process = subprocess.Popen(
            program, stdin=slave, stdout=slave, stderr=slave, pass_fds=[theirs], env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        os.close(theirs)
        self._lines: list[str] = []
        self._rest = b""

    def press(self, key: bytes) -> int:
        """Write ``key`` to the terminal; monotonic time in ns just before."""
        now_ns = time.monotonic_ns()
        os.write(self._master, key)
        return now_ns

    def drain(self, seconds: float) -> None:
        """Take what the app writes, for ``seconds``."""
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            self._take(left_s)

    def resume(self) -> str:
        """Take the session up again, once the app has let go of it; the next mark of a session."""
        for _ in range(int(_TRIAL_S)):
            self.press(F7)
            try:
                return self.wait_for("opened ", 1.0)
            except TimeoutError:
                continue
        raise TimeoutError("the session was not taken up again")

    def wait_for(self, word: str, timeout_s: float = _TRIAL_S) -> str:
        """The next mark that begins with ``word``."""
        end_s = time.monotonic() + timeout_s
        while True:
            for place, line in enumerate(self._lines):
                if line.startswith(word):
                    del self._lines[: place + 1]
                    return line
            if time.monotonic() > end_s or self.process.poll() is not None:
                raise TimeoutError(f"no mark {word!r}; the last were {self._lines[-3:]}")
            self._take(0.2)

    def _take(self, timeout_s: float) -> None:
        ready, _, _ = select.select([self._master, self._marks], [], [], timeout_s)
        if self._master in ready:
            os.read(self._master, 1 << 16)
        if self._marks in ready:
            *lines, self._rest = (self._rest + os.read(self._marks, 1 << 16)).split(b"\n")
            self._lines += [line.decode() for line in lines]

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        os.close(self._master)
        os.close(self._marks)


def judge(state: str, log: str, pressed_ns: int, pulled_ns: int, ended_ns: int) -> Stop:
    """When the last change came after the key, and whether anything was held when the run had ended."""
    rows = [tuple(map(int, line.split())) for line in log.splitlines() if line.count(" ") == 4]
    changed = [row[0] for before, row in pairwise(rows) if row[1:] != before[1:] and row[0] > pressed_ns]
    looked = [row for row in rows if row[0] > ended_ns]
    held = not looked or any(row[1] or row[2] & _BUTTONS for row in looked[1:] or looked)
    return Stop(state, (changed[-1] - pressed_ns) / 1e6 if changed else 0.0, (pulled_ns - pressed_ns) / 1e6, held)


def measure(stops: int, seed: int, home: Path) -> list[Stop]:
    """``stops`` stops, the states in turn."""
    chance = random.Random(seed)
    model = home / "model.gguf"
    write_model(model)
    app = App(home, model, seed)
    done: list[Stop] = []
    try:
        for number in range(stops):
            opened = app.resume() if number else app.wait_for("opened ")
            directory = Path(opened.split(" ", 1)[1])
            log = directory / "home" / "x.log"
            state = app.wait_for("busy ").split()[1]
            begun = log.stat().st_size
            app.drain(chance.uniform(0.0, _MOST_WAIT_S))
            pressed_ns = app.press(ESC)
            pulled_ns = int(app.wait_for("pulled ").split()[1])
            ended_ns = int(app.wait_for("ending ").split()[1])
            app.wait_for("looked")
            with log.open() as stream:
                stream.seek(begun)
                stop = judge(state, stream.read(), pressed_ns, pulled_ns, ended_ns)
            done.append(stop)
            held = "  HELD" if stop.still_held else ""
            print(f"{number + 1:4}  {state:<16} {stop.hands_off_ms:7.1f} ms  (key {stop.key_ms:5.1f}){held}", flush=True)
    finally:
        app.close()
    return done


def report(done: list[Stop]) -> dict[str, dict[str, float]]:
    """The figures by state, and of all."""
    groups = {state: [stop for stop in done if stop.state == state] for state in STATES}
    return {
        name: {
            "stops": len(group),
            "p50_ms": round(percentile([stop.hands_off_ms for stop in group], 50), 1),
            "p95_ms": round(percentile([stop.hands_off_ms for stop in group], 95), 1),
            "key_p50_ms": round(percentile([stop.key_ms for stop in group], 50), 1),
            "max_ms": round(max(stop.hands_off_ms for stop in group), 1),
            "still_held": Counter(stop.still_held for stop in group)[True],
        }
        for name, group in {**groups, "all": done}.items()
        if group
    }


def main() -> int:
    """Measure and print; 1 if a stop took more than 100 ms, or left something held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stops", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edgeagent-stop-", ignore_cleanup_errors=True) as home:
        done = measure(options.stops, options.seed, Path(home))
    figures = report(done)
    print(f"{machine_line()}\n{'':<16}{'stops':>8}{'p50':>9}{'p95':>9}{'max ms':>9}{'held':>7}")
    for name, row in figures.items():
        print(f"{name:<16}{row['stops']:>8}{row['p50_ms']:>9}{row['p95_ms']:>9}{row['max_ms']:>9}{row['still_held']:>7}")
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine_line(), "seed": options.seed, "figures": figures}, indent=1) + "\n"
        )
    return int(figures["all"]["max_ms"] > _LIMIT_MS or figures["all"]["still_held"] > 0)


if __name__ == "__main__":
    sys.exit(main())
