"""Makes the attempts, each in a child of its own, and writes down what came of them. Runs inside, and outside as the control."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import select
import signal
import sys
from collections.abc import Callable

from escape.attempts import core

MODULES = ("files", "proc", "programs", "calls", "namespaces", "memory", "network", "ipc", "display", "limits", "egress")
_LIMIT_S = 10.0


def load() -> dict[str, core.Attempt]:
    """All attempts, by name."""
    for name in MODULES:
        importlib.import_module(f"escape.attempts.{name}")
    return core.ATTEMPTS


def _nothing() -> None:
    pass


def make_all(names: list[str], given: core.Given, before: Callable[[], None] = _nothing) -> dict[str, str]:
    """Name -> outcome. ``before`` runs first in each child: what confines it."""
    attempts = load()
    return {name: _in_child(attempts[name].body, given, before) for name in names}


def _in_child(body: core.Body, given: core.Given, before: Callable[[], None]) -> str:
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        try:
            before()
            outcome = core.outcome_of(body, given)
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}"
        os.write(write_end, outcome.encode()[:500])
        os._exit(0)
    os.close(write_end)
    ready = select.select([read_end], [], [], _LIMIT_S)[0]
    outcome = os.read(read_end, 500).decode() if ready else "timeout"
    os.close(read_end)
    if not ready:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return outcome or (signal.Signals(-status).name if status < 0 else core.DONE)  # a program that took its place and ended well


def write_result(path: str, result: object) -> None:
    """All of it at once: whoever waits for the file never sees a part."""
    with open(f"{path}.part", "w") as stream:
        json.dump(result, stream)
    os.rename(f"{path}.part", path)


def in_namespaces_of_its_own() -> None:
    """For root's controls: mounts, the host's name and System V objects are the child's own, so that nothing outlives it."""
    libc = ctypes.CDLL(None, use_errno=True)
    core.checked(libc.unshare(0x00020000 | 0x04000000 | 0x08000000))
    core.checked(libc.mount(b"none", b"/", None, ctypes.c_ulong(0x4000 | 1 << 18), None))


def inside(context: str, before: Callable[[], None] = _nothing) -> None:
    """All attempts of ``context``, with what lies ready in the home."""
    with open(os.path.join(core.home(), "given.json")) as stream:
        given = json.load(stream)
    names = [name for name, one in load().items() if context in one.expected and name not in given["left_out"]]
    write_result(os.path.join(core.home(), f"{context}.json"), make_all(names, given, before))


def main() -> None:
    """The control: arguments are the file of what is given, the file for the result, and names with commas."""
    with open(sys.argv[1]) as stream:
        given = json.load(stream)
    before = in_namespaces_of_its_own if os.geteuid() == 0 else _nothing
    write_result(sys.argv[2], make_all(sys.argv[3].split(","), given, before))


if __name__ == "__main__":
    main()
