"""The bwrap command line: which namespaces, which files, which environment."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edgeagent_harness.errors import EnvironmentLacks
from edgeagent_harness.inside.way_out import BROKER
from edgeagent_harness.outside.containment.runtime import LIBRARY_INSIDE, Bind, Runtime
from edgeagent_harness.policy.types import HOME_INSIDE, SYSTEM_READ_ONLY
from edgeagent_harness.protocol.init_wire import PathRule

UID_INSIDE = 1000
HOSTNAME = "sandbox"

_ETC_SHOWN = (
    "alternatives", "fonts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "xdg", "X11", "chromium", "chromium.d", "opt/chrome",
    "gtk-2.0", "gtk-3.0", "mime.types", "localtime", "timezone", "os-release", "debian_version", "vulkan", "dbus-1", "python3",
    "python3.11", "python3.12", "python3.13",
)  # fmt: skip
_SYSTEM_SHOWN = ("/var/cache/fontconfig", "/opt/google")
"""Read-only where they are: without the first every application would scan all fonts; Google Chrome lives in the second."""
_LIBRARY_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC_WRITTEN = {
    "passwd": f"root:x:0:0:root:/:/usr/sbin/nologin\nagent:x:{UID_INSIDE}:{UID_INSIDE}::{HOME_INSIDE}:/bin/sh\n",
    "group": f"root:x:0:\nagent:x:{UID_INSIDE}:\n",
    "hosts": f"127.0.0.1 localhost {HOSTNAME}\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "machine-id": "00000000000000000000000000000001\n",
}


@dataclass(frozen=True, slots=True)
class Binds:
    """Which host paths are visible inside, beyond the fixed ones."""

    home: str = ""
    """Host directory behind the sandbox's home; empty: a tmpfs."""
    read_only: tuple[str, ...] = SYSTEM_READ_ONLY
    """Shown at the same path."""
    read_write: tuple[str, ...] = ()
    """Writable at the same path; may lie in one of ``read_only``."""
    shared: tuple[Bind, ...] = ()
    tmpfs: tuple[str, ...] = ()
    egress_socket: str = ""
    """The egress broker's socket; empty: no way out."""


@dataclass(slots=True)
class Descriptors:
    """Descriptors that go inside, and those that are ours to close after the start."""

    passed: list[int] = field(default_factory=list[int])
    to_close: list[int] = field(default_factory=list[int])

    def data(self, content: bytes) -> int:
        """A descriptor that reads ``content``; bwrap closes its copy before it starts anything."""
        fd = os.memfd_create("sandbox-data", os.MFD_CLOEXEC)
        os.write(fd, content)
        os.lseek(fd, 0, os.SEEK_SET)
        self.passed.append(fd)
        self.to_close.append(fd)
        return fd

    def close(self) -> None:
        for fd in self.to_close:
            os.close(fd)
        self.to_close.clear()


def bwrap_path() -> str:
    """The system's bwrap. Raises `EnvironmentLacks`."""
    path = "/usr/bin/bwrap" if os.access("/usr/bin/bwrap", os.X_OK) else shutil.which("bwrap")
    if path is None:
        raise EnvironmentLacks("bwrap is not installed. Mend: apt install bubblewrap")
    return path


def arguments(runtime: Runtime, binds: Binds, seccomp: bytes, fds: Descriptors, disable_userns: bool) -> list[str]:
    """Everything of the command line between ``bwrap`` and the command."""
    return [
        *_namespaces(disable_userns),
        *_environment(),
        *_system_files(fds),
        *_writable_places(binds),
        *_host_directories(binds),
        *_runtime_files(runtime),
        *(word for source, target in binds.shared for word in ("--ro-bind", source, target)),
        *(("--ro-bind", binds.egress_socket, BROKER) if binds.egress_socket else ()),
        "--remount-ro", "/",
        "--chdir", "/",
        "--seccomp", str(fds.data(seccomp)),
    ]  # fmt: skip


def init_command(runtime: Runtime, control_fd: int) -> list[str]:
    """The command that becomes process 1."""
    return [runtime.python, "-S", "-P", "-B", "-X", "utf8", "-m", "edgeagent_harness.inside.init", str(control_fd)]


def landlock_rules(runtime: Runtime, binds: Binds) -> tuple[PathRule, ...]:
    """What Landlock permits inside: the same view as the mounts, with nothing executable where something can be written."""
    read = (
        "/usr",
        *(f"/{name}" for name in _LIBRARY_LINKS),
        "/opt/edgeagent",
        *_SYSTEM_SHOWN,
        *(place for _, place in runtime.interpreter),
        *binds.read_only,
    )
    write = (HOME_INSIDE, "/tmp", "/run", "/dev/shm", *binds.tmpfs, *binds.read_write)
    return (
        PathRule("/", "list"),
        *(PathRule(path, "read") for path in dict.fromkeys((*read, "/etc", *(place for _, place in binds.shared)))),
        *(PathRule(path, "write") for path in dict.fromkeys(write)),
        PathRule("/proc", "device"),
        PathRule("/dev", "device"),
    )


def start(
    argv: Sequence[str], control: socket.socket, fds: Descriptors, output: int, hold: Callable[[], None] | None = None
) -> subprocess.Popen[bytes]:
    """Run bwrap with ``argv``; only ``fds.passed`` and ``control`` go inside. ``output`` takes what it prints.

    ``hold`` is called in the new process before it becomes bwrap.
    """
    passed = (control.fileno(), *fds.passed)
    try:
        return subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=passed, env={}, cwd="/", preexec_fn=hold
        )
    finally:
        fds.close()


def _namespaces(disable_userns: bool) -> list[str]:
    words = ["--unshare-user", "--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"]
    if disable_userns:
        words += ["--disable-userns", "--assert-userns-disabled"]
    return [*words, "--uid", str(UID_INSIDE), "--gid", str(UID_INSIDE), "--hostname", HOSTNAME]


def _environment() -> list[str]:
    variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": HOME_INSIDE, "LANG": "C.UTF-8", "PYTHONPATH": LIBRARY_INSIDE}
    return ["--clearenv", *(word for name, value in variables.items() for word in ("--setenv", name, value))]


def _system_files(fds: Descriptors) -> list[str]:
    words = [word for path in SYSTEM_READ_ONLY for word in ("--ro-bind", path, path)]
    for name in _LIBRARY_LINKS:
        if os.path.islink(f"/{name}"):
            words += ["--symlink", os.readlink(f"/{name}"), f"/{name}"]
        elif os.path.isdir(f"/{name}"):
            words += ["--ro-bind", f"/{name}", f"/{name}"]
    for path in (*_SYSTEM_SHOWN, *(f"/etc/{name}" for name in _ETC_SHOWN)):
        words += ["--ro-bind-try", path, path]
    for name, content in _ETC_WRITTEN.items():
        words += ["--perms", "0644", "--ro-bind-data", str(fds.data(content.encode())), f"/etc/{name}"]
    return words


def _writable_places(binds: Binds) -> list[str]:
    home = ["--bind", binds.home, HOME_INSIDE] if binds.home else ["--perms", "0700", "--tmpfs", HOME_INSIDE]
    return [
        "--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys",  # settings of the new ipc namespace would be ours to write
        "--dev", "/dev", "--tmpfs", "/dev/shm", "--perms", "1777", "--tmpfs", "/tmp",
        "--perms", "1777", "--dir", "/tmp/.X11-unix", "--tmpfs", "/run", "--dir", "/run/user",
        "--perms", "0700", "--dir", f"/run/user/{UID_INSIDE}", *home,
        *(word for path in binds.tmpfs for word in ("--tmpfs", path)),
    ]  # fmt: skip


def _host_directories(binds: Binds) -> list[str]:
    """After the tmpfs places, which would hide them; outer ones before those in them."""
    shown = [(path, "--ro-bind") for path in binds.read_only if path not in SYSTEM_READ_ONLY]
    writable = [(path, "--bind") for path in binds.read_write]
    return [word for path, bind in sorted((*shown, *writable)) for word in (bind, path, path)]


def _runtime_files(runtime: Runtime) -> list[str]:
    return [word for source, target in runtime.binds for word in ("--ro-bind", source, target)]
