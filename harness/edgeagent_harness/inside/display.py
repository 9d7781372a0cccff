"""Bringing up the desktop inside: Xvfb, openbox, a session bus where asked for, and the executor."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from edgeagent_harness.inside import apps, tighten
from edgeagent_harness.inside.way_out import PROXY
from edgeagent_harness.inside.window_list import WindowList
from edgeagent_harness.protocol.init_wire import Setup

_EXECUTOR_CONTROL_FD = 3
_EXECUTOR_FRAME_FD = 4
_EXECUTOR_FILTER_FD = 5
_BUS_ADDRESS = f"unix:path={apps.RUNTIME_DIR}/bus"


@dataclass(frozen=True, slots=True)
class Display:
    """A running desktop."""

    name: str
    environment: dict[str, str]
    windows: WindowList
    vital: dict[int, str]
    """Pid -> what it is; the sandbox ends when one of them does."""


def bring_up(setup: Setup, fds: list[int], confinement: apps.Confinement) -> Display:
    """Start everything that is there before the first application. Raises OSError."""
    vital: dict[int, str] = {}
    bridge_ready = _start_bridge(setup.bridge_filter, vital) if setup.bridge_filter else None
    name = _start_xvfb(setup, confinement, vital)
    bus_address = _start_session_bus(confinement, vital) if setup.session_bus else ""
    environment = apps.environment(name, bus_address, PROXY if bridge_ready else "")
    if setup.executor:
        _start_executor(setup, fds, environment, vital)
    config = Path(__file__).with_name("openbox.xml")
    argv = (apps.resolve("openbox"), "--sm-disable", "--config-file", str(config))
    vital[apps.start(argv, environment, confinement)] = "window manager"
    if bridge_ready:
        _await_line(bridge_ready, "the bridge to the egress broker ended before it was up")
    return Display(name, environment, WindowList(name), vital)


def _start_xvfb(setup: Setup, confinement: apps.Confinement, vital: dict[int, str]) -> str:
    """Start the X server; returns the display's name once it accepts connections."""
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    screen = f"{setup.width}x{setup.height}x24"
    argv = (
        apps.resolve("Xvfb"), "-displayfd", "3", "-screen", "0", screen, "-dpi", "96",
        "-nolisten", "tcp", "-nolisten", "local", "-noreset", "-ac",
    )  # fmt: skip
    vital[apps.start(argv, apps.environment("", ""), confinement, {3: write_end})] = "X server"
    os.close(write_end)
    return f":{_await_line(read_end, 'Xvfb ended before its display was up')}"


def _start_session_bus(confinement: apps.Confinement, vital: dict[int, str]) -> str:
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    argv = (apps.resolve("dbus-daemon"), "--session", "--nofork", f"--address={_BUS_ADDRESS}", "--print-address=3")
    vital[apps.start(argv, apps.environment("", _BUS_ADDRESS), confinement, {3: write_end})] = "session bus"
    os.close(write_end)
    _await_line(read_end, "dbus-daemon ended before its bus was up")
    return _BUS_ADDRESS


def _start_bridge(program: bytes, vital: dict[int, str]) -> int:
    """Start the bridge; returns the descriptor on which it writes a line once it listens. It confines itself."""
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    filter_fd = os.memfd_create("bridge-filter", os.MFD_CLOEXEC)
    os.write(filter_fd, program)
    argv = (sys.executable, *python_flags(), "-m", "edgeagent_harness.inside.bridge", "3", "4")
    env = {"PYTHONPATH": os.environ["PYTHONPATH"]}
    vital[apps.start(argv, env, None, {3: write_end, 4: filter_fd})] = "bridge to the egress broker"
    os.close(write_end)
    os.close(filter_fd)
    return read_end


def _await_line(fd: int, problem: str) -> str:
    """The line that a process of ours writes to ``fd`` when it is up. Raises OSError."""
    with open(fd, "rb") as stream:
        line = stream.readline().strip().decode()
    if not line:
        raise OSError(problem)
    return line


def _start_executor(setup: Setup, fds: list[int], environment: dict[str, str], vital: dict[int, str]) -> None:
    """The executor confines itself after its warm-up: it needs helper programs until then."""
    program = os.memfd_create("executor-filter", os.MFD_CLOEXEC)
    os.write(program, setup.executor_filter)
    argv = (
        sys.executable, *python_flags(), "-m", "edgeagent_harness.inside.executor",
        "--control-fd", str(_EXECUTOR_CONTROL_FD), "--frame-fd", str(_EXECUTOR_FRAME_FD),
        "--width", str(setup.width), "--height", str(setup.height),
    )  # fmt: skip
    own = {tighten.EXECUTOR_FILTER_ENV: str(_EXECUTOR_FILTER_FD), "PYTHONPATH": os.environ["PYTHONPATH"]}
    passed = {_EXECUTOR_CONTROL_FD: fds[0], _EXECUTOR_FRAME_FD: fds[1], _EXECUTOR_FILTER_FD: program}
    vital[apps.start(argv, environment | own, None, passed)] = "executor"
    os.close(program)


def python_flags() -> tuple[str, ...]:
    """Flags of every Python of ours inside: no site packages but those bound in, no writing of bytecode."""
    return ("-S", "-P", "-B", "-X", "utf8")
