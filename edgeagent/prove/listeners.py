"""The prober's listeners, in the network that an offline session must not reach, and who reached them."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket

from edgeagent_harness.isolation.canary import Targets

_TOKEN_BYTES = 64


class Listeners:
    """TCP and UDP on loopback, and an abstract unix socket. `collect` often: canaries say who they are."""

    def __init__(self) -> None:
        self._tcp = [_tcp(socket.AF_INET, "127.0.0.1")]
        with contextlib.suppress(OSError):  # no IPv6 on this machine
            self._tcp.append(_tcp(socket.AF_INET6, "::1"))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        name = f"edgeagent-prober-{os.getpid()}-{secrets.token_hex(4)}"
        self._abstract = socket.socket(socket.AF_UNIX)
        self._abstract.bind(f"\0{name}")
        self._abstract.listen()
        for sock in (*self._tcp, self._udp, self._abstract):
            sock.setblocking(False)
        self._talking: list[tuple[str, socket.socket]] = []
        self.reached: list[tuple[str, str]] = []
        """(attempt, who) of everything that arrived; who is empty for a connection that said nothing."""
        ports = [int(sock.getsockname()[1]) for sock in self._tcp]
        self.targets = Targets(ports[0], ports[1] if len(ports) > 1 else 0, int(self._udp.getsockname()[1]), name)

    def collect(self) -> None:
        """Take what has arrived."""
        for name, listener in (*zip(("tcp4", "tcp6"), self._tcp, strict=False), ("abstract", self._abstract)):
            with contextlib.suppress(BlockingIOError):
                while True:
                    connection, _ = listener.accept()
                    connection.setblocking(False)
                    self._talking.append((name, connection))
        with contextlib.suppress(BlockingIOError):
            while True:
                self.reached.append(("udp4", _text(self._udp.recv(_TOKEN_BYTES))))
        for entry in list(self._talking):
            self._hear(*entry)

    def reached_by(self, who: str) -> set[str]:
        """The attempts of ``who`` that arrived."""
        return {attempt for attempt, name in self.reached if name == who}

    def close(self) -> None:
        """Whoever still talks has reached us without saying who it is."""
        self.collect()
        for attempt, connection in self._talking:
            self.reached.append((attempt, ""))
            connection.close()
        self._talking.clear()
        for sock in (*self._tcp, self._udp, self._abstract):
            sock.close()

    def _hear(self, attempt: str, connection: socket.socket) -> None:
        try:
            said = connection.recv(_TOKEN_BYTES)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        self.reached.append((attempt, _text(said)))
        self._talking.remove((attempt, connection))
        connection.close()


def _tcp(family: socket.AddressFamily, address: str) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.bind((address, 0))
        sock.listen()
    except OSError:
        sock.close()
        raise
    return sock


def _text(raw: bytes) -> str:
    return "".join(character if character.isprintable() else "?" for character in raw.decode(errors="replace"))
