"""Bytes that a client of the egress broker may send: honest and hostile HTTP, SOCKS5 and TLS beginnings."""

from __future__ import annotations

import ssl
from collections.abc import Iterable

SERVER_NAME, ENCRYPTED_HELLO = 0x0000, 0xFE0D


def get(url: str, host: str | None = None, extra: str = "", method: str = "GET", version: str = "1.1") -> bytes:
    """A request by absolute URL; ``host`` defaults to the URL's own authority."""
    authority = url.split("//", 1)[-1].split("/", 1)[0] if host is None else host
    return f"{method} {url} HTTP/{version}\r\nHost: {authority}\r\n{extra}\r\n".encode("latin-1")


def connect(target: str, then: bytes = b"", host: str | None = None, extra: str = "") -> bytes:
    """A CONNECT, with what is sent at once behind it."""
    return f"CONNECT {target} HTTP/1.1\r\nHost: {target if host is None else host}\r\n{extra}\r\n".encode("latin-1") + then


def socks(host: bytes | str, port: int, then: bytes = b"", kind: int = 3, command: int = 1, methods: bytes = b"\0") -> bytes:
    """A whole SOCKS5 opening, sent without waiting for the replies."""
    raw = host.encode() if isinstance(host, str) else host
    address = bytes((len(raw),)) + raw if kind == 3 else raw
    return bytes((5, len(methods))) + methods + bytes((5, command, 0, kind)) + address + port.to_bytes(2) + then


def real_hello(name: str | None) -> bytes:
    """The ClientHello that OpenSSL sends to reach ``name``."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake without a server")


def server_names(*names: bytes, kind: int = 0) -> tuple[int, bytes]:
    """A server_name extension with ``names``."""
    entries = b"".join(bytes((kind,)) + len(name).to_bytes(2) + name for name in names)
    return SERVER_NAME, len(entries).to_bytes(2) + entries


def hello(
    extensions: Iterable[tuple[int, bytes]], records: int = 1, trailing: bytes = b"", record_trailing: bytes = b""
) -> bytes:
    """A ClientHello written byte by byte, cut into so many records."""
    listed = b"".join(kind.to_bytes(2) + len(content).to_bytes(2) + content for kind, content in extensions)
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x04\x13\x01\x13\x02" + b"\x01\0" + len(listed).to_bytes(2) + listed + trailing
    message = b"\x01" + len(body).to_bytes(3) + body + record_trailing
    size = -(-len(message) // records)
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2) + part for part in parts)


def named_hello(name: bytes, *more: tuple[int, bytes], records: int = 1) -> bytes:
    """A ClientHello for ``name``."""
    return hello([server_names(name), (0x000A, b"\0\x02\0\x1d"), *more], records)
