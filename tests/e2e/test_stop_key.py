"""The stop key acts while the app's own thread is stuck; no other key does."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

STUCK = """
import sys, time
from pathlib import Path
from edgeagent.tui.app import EdgeAgentApp
from edgeagent.runner import Runner
from edgeagent.sessions.store import SessionStore

out = Path(sys.argv[1])

class Stuck(EdgeAgentApp):
    def on_ready(self):
        self.call_later(self.hang)

    def hang(self):
        (out / "stuck").touch()
        time.sleep(6)
        (out / "free").touch()

    def take_hands_off(self):
        (out / "stopped").touch()
        return True

Stuck(lambda: Runner(SessionStore(out / "sessions"))).run()
"""


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[int]:
    """A pty with an app in it whose thread hangs for six seconds; its master's descriptor."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen([sys.executable, "-c", STUCK, str(tmp_path)], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    yield master
    process.kill()
    process.wait()
    os.close(master)


def wait_for(path: Path, master: int, timeout_s: float) -> bool:
    """Whether ``path`` came to be; what the app writes is taken meanwhile."""
    end_s = time.monotonic() + timeout_s
    while not path.exists() and time.monotonic() < end_s:
        if select.select([master], [], [], 0.01)[0]:
            os.read(master, 1 << 16)
    return path.exists()


@pytest.mark.parametrize(
    "key", [b"\x1b", b"\x03", b"\x1b[27u", b"\x1b[?62;4c\x1b"], ids=["Esc", "Ctrl+C", "kitty", "after an answer"]
)
def test_it_acts_while_the_app_hangs(terminal: int, tmp_path: Path, key: bytes) -> None:
    assert wait_for(tmp_path / "stuck", terminal, 40)
    os.write(terminal, key)
    assert wait_for(tmp_path / "stopped", terminal, 4)
    assert not (tmp_path / "free").exists(), "the app's thread was free by then, so this shows nothing"


@pytest.mark.parametrize("key", [b"x", b"\x1b[A", b"\x1bOP", b"\x1b[200~text\x1b[201~"], ids=["x", "Up", "F1", "pasted"])
def test_other_keys_do_not_stop(terminal: int, tmp_path: Path, key: bytes) -> None:
    assert wait_for(tmp_path / "stuck", terminal, 40)
    os.write(terminal, key)
    assert not wait_for(tmp_path / "stopped", terminal, 0.5)
