"""Starting applications inside, each in a Landlock domain and under a seccomp filter of its own."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeagent_harness.inside import tighten
from edgeagent_harness.protocol.init_wire import PathRule

HOME = "/home/agent"
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/games"
RUNTIME_DIR = "/run/user/1000"


class NoSuchCommand(FileNotFoundError):
    """The command is not on the sandbox's PATH."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """What every application is put under."""

    rules: tuple[PathRule, ...]
    landlock_abi: int
    seccomp: bytes


def environment(display: str, bus_address: str, proxy: str = "") -> dict[str, str]:
    """The variables that applications see; nothing of the host's comes through. ``proxy``: URL of the way out; empty: none."""
    variables = {
        "HOME": HOME,
        "PATH": PATH,
        "LANG": "C.UTF-8",
        "USER": "agent",
        "LOGNAME": "agent",
        "SHELL": "/bin/sh",
        "TERM": "xterm-256color",
        "DISPLAY": display,
        "XDG_RUNTIME_DIR": RUNTIME_DIR,
        "XDG_SESSION_TYPE": "x11",
        "NO_AT_BRIDGE": "1",
        "GTK_A11Y": "none",
        "DBUS_SESSION_BUS_ADDRESS": bus_address or "disabled:",
    }
    if not bus_address:
        variables["GSETTINGS_BACKEND"] = "memory"
    if proxy:
        # Both spellings are in use, and programs that know only one of them look at the same value.
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            variables[name] = proxy
        variables["no_proxy"] = variables["NO_PROXY"] = "localhost,127.0.0.1,::1"
    return variables


def resolve(command: str) -> str:
    """The path of ``command``. Raises `NoSuchCommand`."""
    found = shutil.which(command, path=PATH)
    if found is None:
        raise NoSuchCommand(f"{command}: no such command in the sandbox (looked in {PATH})")
    return found


def start(
    argv: Sequence[str],
    env: Mapping[str, str],
    confinement: Confinement | None,
    fds: Mapping[int, int] | None = None,
    terminal: bool = False,
) -> int:
    """Fork and run ``argv`` with descriptor n being ``fds[n]``; missing 0, 1 and 2 are /dev/null. Returns its pid.

    The program's path must be absolute. Without ``confinement`` it runs under the sandbox's own filter only.
    """
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        _arrange_fds(fds or {})
        if terminal:
            _take_terminal()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.chdir(env.get("HOME", "/"))
        if confinement:
            tighten.confine(confinement.rules, confinement.landlock_abi)
            tighten.install_filter(confinement.seccomp)
        os.execve(argv[0], list(argv), dict(env))
    except BaseException as error:
        os.write(2, f"{argv[0]}: {error}\n".encode())
    os._exit(127)


def _arrange_fds(fds: Mapping[int, int]) -> None:
    """Make descriptor n a copy of ``fds[n]`` and close everything else."""
    null = os.open("/dev/null", os.O_RDWR)
    wanted = {0: null, 1: null, 2: 2, **fds}
    # Sources are moved out of the way first: a target number may be another one's source.
    above = max(wanted) + 1
    parked = {target: _dup_above(source, above) for target, source in wanted.items()}
    for target, source in parked.items():
        os.dup2(source, target, inheritable=True)
    tighten.close_from(above)
    for unused in set(range(3, above)) - set(wanted):
        _close_quietly(unused)


def _dup_above(fd: int, lowest: int) -> int:
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)


def _close_quietly(fd: int) -> None:
    try:
        os.close(fd)
    except OSError:
        return


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
