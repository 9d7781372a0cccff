"""The server name in a TLS ClientHello, read strictly: what is not exactly as RFC 8446 writes it is refused.

No kept library reads a ClientHello alone and strictly (`ssl` hides extensions, packet tools guess), so this does; a test
compares it with OpenSSL on mutated ones. Nothing is decrypted.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgeagent_harness.outside.egress.outcomes import Denied

HANDSHAKE = 0x16
_CLIENT_HELLO = 0x01
_RECORD_HEADER, _MESSAGE_HEADER = 5, 4
_MAX_RECORD = 1 << 14
_SERVER_NAME = 0x0000
_HOST_NAME = 0
_ENCRYPTED_NAMES = frozenset((0xFE0D, 0xFE0C, 0xFE0B, 0xFE0A, 0xFE09, 0xFE08, 0xFFCE, 0xFD00))
"""Encrypted ClientHello, its drafts, its outer extensions, and ESNI: the name that counts would be another one."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What a ClientHello says of whom it is for."""

    server_name: str
    """As sent; empty: none."""
    encrypted_name: bool


class _Reader:
    """Takes integers and vectors off the front; refuses when there is not enough."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data)

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise Denied("a ClientHello with a length that is not so")
        self._at += count
        return taken

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count))

    def vector(self, length_bytes: int) -> _Reader:
        return _Reader(self.take(self.number(length_bytes)))

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)


def hello_length(data: bytes, limit: int) -> int | None:
    """How many bytes of ``data`` (a TLS stream's beginning) the ClientHello's records take; None: more are needed.

    Raises `Denied` for anything but a ClientHello, and beyond ``limit`` bytes.
    """
    message = bytearray()
    at = 0
    if data and data[0] != HANDSHAKE:
        raise Denied("no TLS ClientHello in the tunnel")
    while len(data) - at >= _RECORD_HEADER:
        kind, major, length = data[at], data[at + 1], int.from_bytes(data[at + 3 : at + 5])
        if kind != HANDSHAKE or major != 3 or not 0 < length <= _MAX_RECORD:
            raise Denied("no TLS ClientHello in the tunnel")
        message += data[at + _RECORD_HEADER : at + _RECORD_HEADER + length]
        at += _RECORD_HEADER + length
        if message and message[0] != _CLIENT_HELLO:
            raise Denied("a TLS handshake that does not begin with a ClientHello")
        if at > limit:
            raise Denied(f"a ClientHello of more than {limit} bytes")
        if at <= len(data) and len(message) >= _MESSAGE_HEADER:
            wanted = _MESSAGE_HEADER + int.from_bytes(message[1:4])
            if len(message) > wanted:
                raise Denied("a ClientHello with more behind it in its record")
            if len(message) == wanted:
                return at
    return None


def parse_hello(records: bytes) -> Hello:
    """What the ClientHello in ``records`` (all of them, as `hello_length` counted) says. Raises `Denied`."""
    message = bytearray()
    reader = _Reader(records)
    while not reader.at_end:
        reader.take(3)
        message += reader.vector(2).rest()
    hello = _Reader(bytes(message[_MESSAGE_HEADER:]))
    hello.take(2 + 32)
    hello.vector(1)
    hello.vector(2)
    hello.vector(1)
    if hello.at_end:
        return Hello("", encrypted_name=False)
    extensions = hello.vector(2)
    if not hello.at_end:
        raise Denied("a ClientHello with more behind its extensions")
    return _parse_extensions(extensions)


def _parse_extensions(extensions: _Reader) -> Hello:
    seen: set[int] = set()
    name = ""
    while not extensions.at_end:
        kind = extensions.number(2)
        content = extensions.vector(2)
        if kind in seen:
            raise Denied("a ClientHello with an extension given twice")
        seen.add(kind)
        if kind == _SERVER_NAME:
            name = _parse_server_name(content)
    return Hello(name, bool(seen & _ENCRYPTED_NAMES))


def _parse_server_name(content: _Reader) -> str:
    names = content.vector(2)
    if names.number(1) != _HOST_NAME or not content.at_end:
        raise Denied("a server name of another kind than a host")
    raw = names.vector(2).rest()
    if not names.at_end:
        raise Denied("more than one server name")
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise Denied("a server name that is not ASCII") from error
