"""Sockets, shared memory and queues of the host; descriptors and secrets that come in by mistake."""

from __future__ import annotations

import ctypes
import os
import socket
import stat

from escape.attempts.core import Given, Nothing, attempt, checked, number, path

_libc = ctypes.CDLL(None, use_errno=True)
_IPC = "ipc namespace"
_FRAME_FD, _CONTROL_FD = 4, 3
_SECRET = b"edgeagent-escape-secret"


def _connect(name: str) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(name)


@attempt("a service of the host is used", layer="mounts", blocked="ENOENT", executor="EAFNOSUPPORT")
def host_path_socket(given: Given) -> object:
    """Connect to a unix socket of the host by its path."""
    return _connect(path(given, "socket"))


@attempt("a service of the host is used", layer="mounts", blocked="nothing", executor="EAFNOSUPPORT")
def any_host_socket(given: Given) -> object:
    """Connect to every unix socket that is bound to a path on the host: buses, containers, agents for keys."""
    names = given["host_sockets"]
    assert isinstance(names, list)
    for name in names:
        for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_UNIX, kind) as sock:
                try:
                    sock.connect(str(name))
                except OSError:
                    continue
                return name
    raise Nothing


@attempt("programs of the user's desktop are started", layer="mounts", blocked="ENOENT", executor="EAFNOSUPPORT")
def host_session_bus(given: Given) -> object:
    """Connect to the user's session bus, and through it to what it activates."""
    return _connect(path(given, "session_bus"))


@attempt("the user's desktop is read and driven", layer="mounts", blocked="ENOENT", executor="EAFNOSUPPORT")
def host_accessibility_bus(given: Given) -> object:
    """Connect to the accessibility bus of the user's desktop (AT-SPI)."""
    return _connect(path(given, "accessibility_bus"))


@attempt("services of the system are used", layer="mounts", blocked="ENOENT", executor="EAFNOSUPPORT", control="root")
def host_system_bus(_given: Given) -> object:
    """Connect to the system bus."""
    return _connect("/run/dbus/system_bus_socket")


@attempt("containers are started as root", layer="mounts", blocked="ENOENT", executor="EAFNOSUPPORT", control="root")
def container_service(_given: Given) -> object:
    """Connect to the socket of Docker."""
    return _connect("/run/docker.sock")


@attempt("memory of the host's programs is shared", layer=_IPC, blocked="ENOENT", executor="EPERM")
def host_shared_memory(given: Given) -> object:
    """Attach a System V segment of the host."""
    return checked(_libc.shmget(number(given, "ipc_key"), 0, 0))


@attempt("memory of the host's programs is shared", layer=_IPC, blocked="EINVAL|EIDRM|ENOENT", executor="EPERM")
def host_shared_memory_by_id(given: Given) -> object:
    """The same, by its number instead of its key."""
    _libc.shmat.restype = ctypes.c_long
    return checked(_libc.shmat(number(given, "shm_id"), None, 0o10000))


@attempt("programs of the host are held up", layer=_IPC, blocked="ENOENT", executor="EPERM")
def host_semaphore(given: Given) -> object:
    """Take a System V semaphore of the host."""
    return checked(_libc.semget(number(given, "ipc_key"), 1, 0))


@attempt("messages of the host's programs are read", layer=_IPC, blocked="ENOENT", executor="EPERM")
def host_message_queue(given: Given) -> object:
    """Open a System V message queue of the host."""
    return checked(_libc.msgget(number(given, "ipc_key"), 0))


@attempt("messages of the host's programs are read", layer=_IPC, blocked="ENOENT", executor="EPERM")
def host_posix_queue(given: Given) -> object:
    """Open a POSIX message queue of the host."""
    return checked(_libc.mq_open(path(given, "posix_queue").encode(), os.O_RDWR | os.O_NONBLOCK))


@attempt("memory of the host's programs is shared", layer="mounts", blocked="ENOENT", executor="EPERM")
def host_posix_memory(given: Given) -> object:
    """Open shared memory of the host in /dev/shm."""
    return os.open(path(given, "posix_memory"), os.O_RDWR)


@attempt("a file that was open outside is read", layer="closed descriptors", blocked="nothing")
def inherited_file(given: Given) -> object:
    """Look through all descriptors for a file of the host."""
    for fd in range(3, 1024):
        try:
            status = os.fstat(fd)
        except OSError:
            continue
        if (status.st_dev, status.st_ino) == (given["secret_device"], given["secret_inode"]):
            return fd
    raise Nothing


@attempt("data leaves by a connection that was open outside", layer="closed descriptors", blocked="nothing")
def inherited_connection(_given: Given) -> object:
    """Look through all descriptors for an internet socket."""
    for fd in range(3, 1024):
        try:
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                continue
        except OSError:
            continue
        with socket.socket(fileno=os.dup(fd)) as sock:
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                return sock.getpeername()
    raise Nothing


@attempt("a directory that was open outside leads out", layer="closed descriptors", blocked="nothing")
def inherited_directory(given: Given) -> object:
    """Look through all descriptors for a directory, and go on from there."""
    for fd in range(3, 1024):
        try:
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                return os.open("secret", os.O_RDONLY, dir_fd=fd)
        except OSError:
            continue
    raise Nothing


@attempt("a password of the user's is read", layer="cleared environment", blocked="nothing")
def secret_in_environment(_given: Given) -> object:
    """Look for a secret of the host's environment in our own and in that of every process."""
    if _SECRET in b"".join(os.environb.values()):
        return "environ"
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/environ", "rb") as stream:
                if _SECRET in stream.read():
                    return name
        except OSError:
            continue
    raise Nothing


@attempt("a password of the user's is read", layer="pid namespace", blocked="nothing")
def secret_in_command_line(given: Given) -> object:
    """Look for a secret in the command line of every process."""
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as stream:
                if str(given["secret_argument"]).encode() in stream.read():
                    return name
        except OSError:
            continue
    raise Nothing


def _frame(given: Given) -> int:
    """The executor's frame memory; outside: a memory like it, but not sealed."""
    if os.path.exists("/opt/edgeagent"):
        return _FRAME_FD
    fd = os.memfd_create("frame", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, number(given, "frame_bytes"))
    return fd


@attempt("the supervisor dies of a missing page", layer="seals", executor="EPERM")
def shrink_frame(given: Given) -> object:
    """Cut the shared frame memory short while the supervisor reads it."""
    return os.ftruncate(_frame(given), 0)


@attempt("the supervisor's memory is filled", layer="seals", executor="EPERM")
def grow_frame(given: Given) -> object:
    """Make the shared frame memory larger."""
    return os.ftruncate(_frame(given), number(given, "frame_bytes") * 2)


@attempt("the supervisor can no longer map the frame", layer="seals", executor="EPERM")
def seal_frame(given: Given) -> object:
    """Add a seal against writing."""
    import fcntl

    return fcntl.fcntl(_frame(given), 1033, 0x10)


@attempt("the supervisor's end of the control socket is opened", layer="the kernel", executor="EPERM", instead=(
    "ENXIO", "sockets cannot be opened by their entry in /proc, inside or outside; the control shows the same"
))  # fmt: skip
def reopen_control_socket(_given: Given) -> object:
    """Open the control socket anew by its entry in /proc."""
    if os.path.exists("/opt/edgeagent"):
        return os.open(f"/proc/self/fd/{_CONTROL_FD}", os.O_RDWR)
    one, _other = socket.socketpair()
    return os.open(f"/proc/self/fd/{one.fileno()}", os.O_RDWR)
