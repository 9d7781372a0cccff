"""The terminal app in a real terminal: a tmux server of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Tmux:
    """One terminal of 120x40 on a server of its own."""

    def __init__(self, socket: Path, command: str, environment: dict[str, str]) -> None:
        self._tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]
        begin = [*self._tmux, "new-session", "-d", "-x", "120", "-y", "40", command]
        subprocess.run(begin, check=True, env=environment, timeout=20)
        subprocess.run([*self._tmux, "set-option", "-s", "escape-time", "0"], check=True, timeout=20)

    def type(self, text: str) -> None:
        if text:
            self._send("-l", text)

    def press(self, *keys: str) -> None:
        self._send(*keys)

    def _send(self, *keys: str) -> None:
        subprocess.run([*self._tmux, "send-keys", *keys], check=True, timeout=20)

    def screen(self) -> str:
        return subprocess.run([*self._tmux, "capture-pane", "-p"], check=True, capture_output=True, text=True, timeout=20).stdout

    def until(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        end_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end_s, self.screen()
            time.sleep(0.1)

    def shows(self, text: str, timeout_s: float = 60.0) -> None:
        self.until(lambda: text in self.screen(), timeout_s)

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, timeout=20)


@contextmanager
def app_in_tmux(root: Path) -> Iterator[Tmux]:
    """The app, with its data and settings below ``root``; the tour was seen."""
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / "tour-seen").touch()
    environment = {
        **os.environ, "EDGEAGENT_HOME": str(root / "data"), "XDG_CONFIG_HOME": str(root / "config"), "TERM": "xterm-256color",
    }  # fmt: skip
    terminal = Tmux(root / "tmux", f"{sys.executable} -P -m edgeagent", environment)
    try:
        yield terminal
    finally:
        terminal.close()
