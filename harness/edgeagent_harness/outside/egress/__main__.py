"""``python -m edgeagent_harness.outside.egress CONTROL_FD LISTENER_FD``: started by `edgeagent_harness.broker`, never by hand."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import resource
import signal
import socket
import sys

import msgspec
import pyseccomp

from edgeagent_harness.outside.egress.broker import Broker
from edgeagent_harness.outside.egress.resolve import SystemResolver
from edgeagent_harness.protocol import egress_wire
from edgeagent_harness.protocol.channel import Channel
from edgeagent_harness.protocol.wire import WireError

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38

_NEVER = (
    "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kill", "tkill", "rename", "renameat",
    "renameat2", "mkdir", "mkdirat", "chmod", "fchmodat", "mount", "unshare", "setns", "bpf", "io_uring_setup",
)  # fmt: skip


async def _serve(control_fd: int, listener_fd: int) -> None:
    decoder: msgspec.msgpack.Decoder[egress_wire.Request] = msgspec.msgpack.Decoder(egress_wire.Request)
    control = Channel(socket.socket(fileno=control_fd), decoder)
    settings = await control.receive()
    if not isinstance(settings, egress_wire.Configure):
        raise WireError("the first message must be configure")
    await Broker(settings, SystemResolver()).run(socket.socket(fileno=listener_fd), control)


def _harden() -> None:
    """It reads what hostile programs send: it can gain no rights, start no program, fill no file, and is not to be read."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    program = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in _NEVER:
        if pyseccomp.resolve_syscall(pyseccomp.system_arch(), name) < 0:
            continue  # another architecture, which does without it
        program.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
    program.load()


def main() -> int:
    """Serve until the control socket closes; returns the exit code."""
    control_fd, listener_fd = (int(word) for word in sys.argv[1:3])
    for fd in (control_fd, listener_fd):
        os.set_inheritable(fd, False)
    _harden()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started it; the control socket's end ends this
    try:
        asyncio.run(_serve(control_fd, listener_fd))
    except (WireError, BrokenPipeError, ConnectionResetError) as error:
        print(f"egress broker: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
