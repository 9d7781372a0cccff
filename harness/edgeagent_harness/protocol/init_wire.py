"""Messages between the supervisor and ``inside/init.py``, over the init control socket. What init sends is not trusted."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from edgeagent_harness.protocol.frames import Side
from edgeagent_harness.protocol.messages import Argv

Access = Literal["list", "read", "device", "write"]
"""``list`` a directory; ``read`` and execute; use a ``device``; ``write`` (read, create, remove, but not execute)."""

StdioName = Literal["stdin", "stdout", "stderr"]


class PathRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What processes may do beneath ``path``."""

    path: str
    access: Access


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Base of all messages."""


class Setup(_Message, frozen=True, tag="setup"):
    """First message to init. Ancillary fds, if ``executor``: its control socket, then the frame memfd."""

    width: Side
    height: Side
    executor: bool
    session_bus: bool
    landlock: tuple[PathRule, ...]
    """Empty: Landlock is missing on this machine, and was accepted as missing."""
    app_filter: bytes
    """Seccomp program (``struct sock_filter[]``) that each application gets on top of the sandbox's own."""
    executor_filter: bytes
    max_processes: int
    """RLIMIT_NPROC within the sandbox's user namespace; 0: none."""
    listener: bytes = b""
    """Seccomp program whose notifications are answered outside; empty: none. It is installed before anything is started."""
    max_file_bytes: int = 0
    """RLIMIT_FSIZE of everything inside; 0: none."""
    bridge_filter: bytes = b""
    """Seccomp program of the bridge to the egress broker; empty: the sandbox has no way out, and no bridge."""
    browser_sandbox: bool = False
    """Chromium is started with its own sandbox, which the filters permit."""
    landlock_abi: int = 0
    """The ABI whose rights are handled, at most the kernel's own."""


class Spawn(_Message, frozen=True, tag="spawn"):
    """Start ``argv`` as an application. Ancillary fds: stdin, stdout, stderr, if ``stdio``."""

    id: int
    argv: Argv
    wait_window: bool
    stdio: bool = False
    terminal: bool = False
    """The stdio fds are one terminal, which becomes the controlling terminal."""


class Browse(_Message, frozen=True, tag="browse"):
    """Open ``url`` in Chromium once its server answers. Ancillary fd, if ``debug``: a socket for the debugging pipe."""

    id: int
    url: str
    kiosk: bool = False
    scale: float = 1.0
    """Chromium's device scale factor; 1: whatever it takes by itself."""
    debug: bool = False


InitRequest: TypeAlias = Setup | Spawn | Browse

ShortText = Annotated[str, msgspec.Meta(max_length=500)]


class Listening(_Message, frozen=True, tag="listening"):
    """The listener's program is installed. Ancillary fd: the listener."""


class Ready(_Message, frozen=True, tag="ready"):
    """The display is up, and the executor was started."""

    display: Annotated[str, msgspec.Meta(max_length=16)]
    landlock_rights: Annotated[tuple[ShortText, ...], msgspec.Meta(max_length=64)]


class Spawned(_Message, frozen=True, tag="spawned"):
    """The application was started, and has a window if that was waited for and came in time."""

    id: int
    pid: int
    window: bool


class NotSpawned(_Message, frozen=True, tag="not_spawned"):
    """There is no such command, or it may not be run."""

    id: int
    reason: ShortText


class Exited(_Message, frozen=True, tag="exited"):
    """The application started by request ``id`` ended. ``returncode`` is negative for a signal."""

    id: int
    returncode: int


class VitalEnded(_Message, frozen=True, tag="vital_ended"):
    """A process that everything needs has ended; process 1 follows it."""

    what: ShortText
    status: int
    """Negative for a signal."""


class SetupFailed(_Message, frozen=True, tag="setup_failed"):
    """The desktop could not be brought up."""

    reason: ShortText


InitReply: TypeAlias = Listening | Ready | Spawned | NotSpawned | Exited | VitalEnded | SetupFailed
