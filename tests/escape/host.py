"""What the stage lays out on its side: secrets, listeners, queues, a display: what an attempt could reach if it got out."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from escape.attempts.egress import LOOPBACK_NAME
from escape.attempts.network import METADATA, TEST_ADDRESS, TEST_ADDRESS_V6

_libc = ctypes.CDLL(None, use_errno=True)
_IPC_CREAT, _IPC_RMID = 0o1000, 0
_MS_BIND = 0x1000
WIDTH, HEIGHT = 640, 480


def serve_everything(lay: Path, as_root: bool) -> dict[str, object]:
    """Open all listeners; returns where they are. They live until this process ends."""
    port = int(_listen(socket.AF_INET, ("127.0.0.1", 0)).getsockname()[1])
    _listen(socket.AF_INET6, ("::1", port))
    udp = _answer_datagrams("127.0.0.1", 0)
    given: dict[str, object] = {"tcp_port": port, "udp_port": udp, "abstract": f"edgeagent-escape-{os.getpid()}"}
    _listen(socket.AF_UNIX, "\0" + str(given["abstract"]))
    for name in ("socket", "session_bus", "accessibility_bus"):
        given[name] = str(lay / f"{name}.sock")
        _listen(socket.AF_UNIX, given[name])
        os.chmod(str(given[name]), 0o777)
    if as_root:
        _serve_as_network()
        _serve_as_system(lay)
    given["host_sockets"] = [*_bound_sockets(), given["socket"]]
    return given


def set_up_network() -> None:
    """Loopback, with the addresses that attempts go to: nothing can leave, and yet everything answers."""
    for words in ("link set lo up", *(f"address add {a} dev lo" for a in (TEST_ADDRESS, METADATA, TEST_ADDRESS_V6))):
        subprocess.run(["ip", *words.split()], check=True)


def _listen(family: int, address: object) -> socket.socket:
    listener = socket.socket(family)
    listener.bind(address)  # pyright: ignore[reportArgumentType]
    listener.listen(64)
    _forever(lambda: _swallow(listener))
    return listener


def _swallow(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(512)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def _answer_datagrams(host: str, port: int, protocol: int = 0, answer: Callable[[bytes], bytes] = bytes) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_DGRAM, protocol)
    listener.bind((host, port))

    def serve() -> None:
        data, sender = listener.recvfrom(512)
        listener.sendto(answer(data), sender)

    _forever(serve)
    return int(listener.getsockname()[1])


def _forever(work: Callable[[], None]) -> None:
    def loop() -> None:
        while True:
            with contextlib.suppress(OSError):
                work()

    threading.Thread(target=loop, daemon=True).start()


def _serve_as_network() -> None:
    """Servers at the addresses elsewhere, and a name server."""
    for host in (TEST_ADDRESS, METADATA, TEST_ADDRESS_V6):
        _listen(socket.AF_INET6 if ":" in host else socket.AF_INET, (host, 80))
    for port in (53, 443, 3478):
        _answer_datagrams(TEST_ADDRESS, port)
    _answer_datagrams(TEST_ADDRESS, 53, 136)
    _answer_datagrams("127.0.0.1", 53, answer=_resolve)


def _resolve(query: bytes) -> bytes:
    """An answer that any name is at `TEST_ADDRESS`, but for one that is at loopback."""
    end = query.index(0, 12) + 5
    address = socket.inet_aton("127.0.0.1" if LOOPBACK_NAME.split(".")[0].encode() in query else TEST_ADDRESS)
    wants_v4 = query[end - 4 : end - 2] == b"\0\1"
    record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + address
    return query[:2] + struct.pack(">HHHHH", 0x8180, 1, wants_v4, 0, 0) + query[12:end] + record * wants_v4


def _serve_as_system(lay: Path) -> None:
    """Sockets where services of the system have theirs, and a name server's address: in this mount namespace only."""
    _check(_libc.mount(b"none", b"/run", b"tmpfs", 0, None))
    os.makedirs("/run/dbus")
    for name in ("/run/dbus/system_bus_socket", "/run/docker.sock"):
        _listen(socket.AF_UNIX, name)
        os.chmod(name, 0o777)
    resolver = lay / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    _check(
        _libc.mount(str(resolver).encode(), os.path.realpath("/etc/resolv.conf").encode(), None, ctypes.c_ulong(_MS_BIND), None)
    )


def _bound_sockets() -> list[str]:
    """Paths of all listening or bound unix sockets, but X's: the sandbox has one of the same name."""
    with open("/proc/net/unix") as stream:
        paths = {words[7] for line in stream if len(words := line.split()) == 8 and words[7].startswith("/")}
    return sorted(path for path in paths if not path.startswith("/tmp/.X11-unix/"))


class Queues:
    """System V and POSIX objects that any user may open. Removed by `close`."""

    def __init__(self) -> None:
        self.key = 0x45534300 + os.getpid() % 200
        self.name = f"/edgeagent-escape-{os.getpid()}"
        self.memory = _check(_libc.shmget(self.key, 4096, _IPC_CREAT | 0o666))
        self._semaphore = _check(_libc.semget(self.key, 1, _IPC_CREAT | 0o666))
        self._messages = _check(_libc.msgget(self.key, _IPC_CREAT | 0o666))
        os.umask(0)
        _check(_libc.mq_open(self.name.encode(), os.O_CREAT | os.O_RDWR, 0o666, None))
        os.umask(0o022)
        self.shared_file = f"/dev/shm/edgeagent-escape-{os.getpid()}"
        Path(self.shared_file).write_text("shared")
        os.chmod(self.shared_file, 0o666)

    def close(self) -> None:
        _libc.shmctl(self.memory, _IPC_RMID, None)
        _libc.semctl(self._semaphore, 0, _IPC_RMID)
        _libc.msgctl(self._messages, _IPC_RMID, None)
        _libc.mq_unlink(self.name.encode())
        os.unlink(self.shared_file)


@contextlib.contextmanager
def display(tcp: bool) -> Iterator[int]:
    """An X server that listens in every way, by TCP only where loopback is all that there is; yields its number."""
    number = 100 + os.getpid() % 10_000
    argv = [
        "Xvfb",
        f":{number}",
        "-screen",
        "0",
        f"{WIDTH}x{HEIGHT}x24",
        "-listen" if tcp else "-nolisten",
        "tcp",
        "-ac",
        "-noreset",
    ]
    process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    deadline_s = time.monotonic() + 20
    while not os.path.exists(f"/tmp/.X11-unix/X{number}"):
        assert process.poll() is None, "Xvfb ended"
        assert time.monotonic() < deadline_s, "Xvfb did not start"
        time.sleep(0.02)
    try:
        yield number
    finally:
        process.terminate()
        process.wait(10)


def sleeper(uid: int) -> subprocess.Popen[bytes]:
    """A process of the user ``uid`` that only waits, with a secret in its command line."""
    argv = [sys.executable, "-S", "-c", "import time; time.sleep(600)", f"secret-argument-{os.getpid()}"]
    drop: dict[str, Any] = {} if os.geteuid() != 0 else {"user": uid, "group": uid, "extra_groups": []}
    process: subprocess.Popen[Any] = subprocess.Popen(argv, cwd="/", **drop)
    return process


def setuid_program(shared: Path) -> str:
    """A program that says whose rights it has, with root's set-user-id bit."""
    target = shared / "id"
    shutil.copy("/usr/bin/id", target)
    target.chmod(0o4755)
    return str(target)


def _check(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
