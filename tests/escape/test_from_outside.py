"""Nothing inside is reached from the host, and nothing of a sandbox outlives its supervisor: neither daemons nor the broker."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from escape import boxes
from support.processes import survivors, tree, wait_until

from edgeagent_harness.protocol import messages

pytestmark = pytest.mark.sandbox
POLICY = "network: {egress: {mode: allowlist, endpoints: [{host: a.example, port: 443}]}}\n"
PORT, NAME = 45_671, "edgeagent-escape-inside"
PROGRAM = f"""
import os, socket, time
listeners = [socket.create_server((host, {PORT})) for host in ("127.0.0.2", "127.0.0.1")]
named = socket.socket(socket.AF_UNIX)
named.bind("\\0{NAME}")
named.listen()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            with open("/home/agent/beat", "a") as stream:
                stream.write(".")
            time.sleep(0.02)
time.sleep(600)
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox with a server and a daemon in it."""

    box: boxes.Box
    beat: Path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("home")
    python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    application = messages.Application((python, "-S", "-c", PROGRAM), wait_window=False)
    spec = messages.DesktopSpec(640, 480, str(home), (application,), policy_yaml=POLICY)
    with boxes.supervisor() as box:
        box.start(spec)
        wait_until((home / "beat").exists)
        yield Running(box, home / "beat")


@pytest.mark.parametrize("address", [("127.0.0.1", PORT), ("127.0.0.2", PORT), ("127.0.0.1", 3128), ("127.0.0.1", 6000)])
def test_its_ports_are_not_the_hosts(running: Running, address: tuple[str, int]) -> None:
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
        sock.connect(address)


@pytest.mark.parametrize("name", [NAME, "/tmp/.X11-unix/X0"])
def test_its_abstract_sockets_are_not_the_hosts(running: Running, name: str) -> None:
    with socket.socket(socket.AF_UNIX) as sock, pytest.raises(ConnectionRefusedError):
        sock.connect(f"\0{name}")


def test_nothing_outlives_a_supervisor_that_is_killed(running: Running) -> None:
    processes = tree(running.box.process.pid)
    commands = [" ".join(process.cmdline()) for process in processes]
    assert any("outside.egress" in command for command in commands)
    assert sum("/home/agent/beat" in command for command in commands) >= 2
    supervisor = next(process for process in reversed(processes) if "serve --fd" in " ".join(process.cmdline()))
    supervisor.send_signal(signal.SIGKILL)
    assert not survivors([process for process in processes if process != psutil.Process(running.box.process.pid)], 10)
    beats = running.beat.stat().st_size
    time.sleep(0.2)
    assert running.beat.stat().st_size == beats
