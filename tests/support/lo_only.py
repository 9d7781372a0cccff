"""Runs a command in a network namespace of its own, with only lo up: ``python -m support.lo_only [--door FD PORT] COMMAND…``.

With a door, connections to the listening socket FD, which was made outside, are passed on to PORT inside for as long as the
command runs. The command has this program's process id.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
from collections.abc import Sequence

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def in_lo_only(argv: Sequence[str], listener: socket.socket | None = None, port: int = 0) -> list[str]:
    """The command line that runs ``argv`` so; pass ``listener`` on to it."""
    door = ["--door", str(listener.fileno()), str(port)] if listener else []
    return [sys.executable, "-m", "support.lo_only", *door, *argv]


def enter() -> None:
    """This process gets a network with nothing but lo; where it is not root, as root of a user namespace of its own."""
    uid, gid = os.getuid(), os.getgid()
    if _LIBC.unshare(CLONE_NEWNET if uid == 0 else CLONE_NEWUSER | CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    if uid:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        fcntl.ioctl(asking, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def hold_door(listener: socket.socket, port: int) -> None:
    """Pass connections on, both ways, until this process ends."""

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inside, outside = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pump(reader, outside), _pump(inside, writer))
            outside.close()
        except OSError:
            pass  # nobody listens inside, or no longer: the visitor is told by the closed door
        finally:
            writer.close()

    async with await asyncio.start_server(visit, sock=listener) as server:
        await server.serve_forever()


def main() -> None:
    argv = sys.argv[1:]
    enter()
    if argv[0] == "--door":
        listener, port, argv = socket.socket(fileno=int(argv[1])), int(argv[2]), argv[3:]
        parent = os.getpid()
        if os.fork() == 0:
            _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() == parent:
                asyncio.run(hold_door(listener, port))
            os._exit(0)
        listener.close()
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    main()
