"""Requests for the fuzzer of the egress broker: made from parts that matter, then damaged."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from support.egress_requests import ENCRYPTED_HELLO, connect, get, hello, server_names, socks

T = TypeVar("T")

HOSTS = (
    "allowed.example", "ALLOWED.example.", "a.wild.example", "api.example", "xn--bcher-kva.example", "evil.example",
    "wild.example", "evilwild.example", "allowed.example.evil.example", "loopback.example", "metadata.example",
    "private.example", "internal.example", "mixed.example", "own.example", "six.example", "10.9.9.9", "93.184.216.35",
    "93.184.216.34", "127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "[::1]", "[::ffff:10.9.9.9]", "[2606:2800:220:1::34]",
    "169.254.169.254", "localhost", "93.184.216.1", "allowed.example@evil.example", "evil.example#allowed.example",
    "evil.example\\.wild.example", "evil.example%00.wild.example", "evil.example\0.wild.example", "*.wild.example", "", "..",
    "b\u00fccher.example",
)  # fmt: skip
PORTS = ("80", "443", "8080", "8443", "22", "0", "080", "65536", "-1", "", "80:443", "8O")
PATHS = (
    "/",
    "/api",
    "/api/x",
    "/api/../admin",
    "/api/%2e%2e/x",
    "//api",
    "/v1/open?x=/..",
    "/x y",
    "/%",
    "*",
    "",
    "?q",
    "/api;/..",
)
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "CONNECT", "get", "G\0T", "TRACE", "PRI")
EXTRAS = (
    "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 50\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "Content-Length : 5\r\n", "Transfer-Encoding:\tchunked\r\n",
    "Transfer_Encoding: chunked\r\n", "X: y\r\n Host: evil.example\r\n", "X: y\nHost: evil.example\r\n",
    "Host: evil.example\r\n", "Connection: Host, Content-Length\r\n", "X-Forwarded-Host: evil.example\r\n",
    "Expect: 100-continue\r\n", "Upgrade: h2c\r\nConnection: Upgrade\r\n", "X-HTTP-Method-Override: DELETE\r\n",
    "Content-Length: 99999999999999999999\r\n", "Cookie: " + "a" * 3000 + "\r\n",
)  # fmt: skip
BODIES = (
    b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"5;x=\"\r\n\"\r\nhello\r\n0\r\nX: y\r\n\r\n", b"5\nhello\n0\n\n",
    b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"0\r\n\r\nGET /admin HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"5\r\nhelloGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
)  # fmt: skip
VERSIONS = ("1.0", "0.9", "2.0", "1.2")
SCHEMES = ("https://", "//", "http:/", "", "HTTP://u:p@", "HTTP://", "ftp://")
PLAIN = (
    ("allowed.example", "80", "/"), ("a.wild.example", "80", "/w?q=1"), ("api.example", "8080", "/api/x"),
    ("six.example", "80", "/"), ("internal.example", "8080", "/"), ("10.9.9.9", "8080", "/"),
    ("xn--bcher-kva.example", "80", "/"),
)  # fmt: skip
"""Host, port and path of honest requests."""
TUNNELS = (("allowed.example", "443"), ("allowed.example", "8443"), ("b.wild.example", "443"), ("allowed.example", "80"))
WITH_BODY = (
    ("Content-Length: 5\r\n", b"hello"),
    ("Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\n\r\n"),
)
RAW_ADDRESSES = (bytes((10, 9, 9, 9)), bytes((127, 0, 0, 1)), bytes(15) + b"\1", bytes(4))
SPECIAL = (
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b"@",
    b":",
    b"/",
    b"\\",
    b"#",
    b"?",
    b"%",
    b".",
    b"\x80",
    b"\xff",
    b"\x0b",
    b",",
)


@dataclass(frozen=True)
class Attempt:
    """What one client sends, piece by piece."""

    pieces: tuple[bytes, ...]
    half_close: bool
    abort: bool
    """Whether the client goes away without waiting for an answer."""


def attempt(chance: random.Random) -> Attempt:
    """One attempt: every other is left as it was made, the rest is damaged."""
    data = chance.choice((_plain, _plain, _tunnel, _socks))(chance)
    for _ in range(chance.choice((1, 1, 2, 5)) if chance.random() < 0.5 else 0):
        data = _damage(chance, data)
    return Attempt(_cut(chance, data), chance.random() < 0.7, chance.random() < 0.05)


def _mostly(chance: random.Random, honest: T, others: Sequence[T]) -> T:
    """One part in five is not as it should be."""
    return honest if chance.random() < 0.8 else chance.choice(others)


def _plain(chance: random.Random) -> bytes:
    host, port, path = chance.choice(PLAIN)
    authority = f"{_mostly(chance, host, HOSTS)}:{_mostly(chance, port, PORTS)}"
    stated = _mostly(chance, authority, HOSTS)
    scheme = _mostly(chance, "http://", SCHEMES)
    url = f"{scheme}{authority}{_mostly(chance, path, PATHS)}"
    method, extra, version = _mostly(chance, "GET", METHODS), _mostly(chance, "", EXTRAS), _mostly(chance, "1.1", VERSIONS)
    if chance.random() < 0.4:
        method, (extra, body) = "POST", chance.choice(WITH_BODY)
        extra += _mostly(chance, "", EXTRAS)
    else:
        body = b""
    return get(url, stated, extra, method, version) + _mostly(chance, body, BODIES)


def _tunnel(chance: random.Random) -> bytes:
    host, port = chance.choice(TUNNELS)
    target = f"{_mostly(chance, host, HOSTS)}:{_mostly(chance, port, PORTS)}"
    return connect(target, _opening(chance, host, port), extra=_mostly(chance, "", EXTRAS))


def _socks(chance: random.Random) -> bytes:
    host, port = chance.choice(TUNNELS)
    kind = _mostly(chance, 3, (1, 4, 2))
    address = _mostly(chance, host, HOSTS).encode("latin-1") if kind == 3 else chance.choice(RAW_ADDRESSES)
    number = int(_mostly(chance, port, ("80", "443", "8080", "0")))
    opening = _opening(chance, host, port)
    return socks(address, number, opening, kind, _mostly(chance, 1, (2, 3, 0)), _mostly(chance, b"\0", (b"\0\2", b"\2", b"")))


def _opening(chance: random.Random, host: str, port: str) -> bytes:
    """What flows in a tunnel first: a ClientHello of some kind, or plain HTTP."""
    name = _mostly(chance, host, HOSTS)
    if _mostly(chance, port, ("80", "443")) == "80":
        head = get(_mostly(chance, "/x", PATHS), name, _mostly(chance, "", EXTRAS), _mostly(chance, "GET", METHODS))
        return head + _mostly(chance, b"", BODIES)
    extensions = [server_names(name.encode("latin-1")), (0x000A, b"\0\x02\0\x1d"), (0x000D, b"\0\x02\x04\x03")]
    if chance.random() < 0.15:
        extensions.append(chance.choice(((ENCRYPTED_HELLO, bytes(8)), server_names(b"evil.example"), (0, b""))))
    chance.shuffle(extensions)
    return hello(extensions, chance.choice((1, 1, 2, 5)))


def _damage(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    end = min(len(data), at + chance.choice((1, 1, 2, 8, 40)))
    match chance.randrange(6):
        case 0:
            return data[:at] + chance.choice(SPECIAL) + data[at:]
        case 1:
            return data[:at] + data[end:]
        case 2:
            return data[:end] + data[at:end] + data[end:]
        case 3:
            return data[:at] + bytes((chance.randrange(256),)) + data[at + 1 :]
        case 4:
            return data[:at] + chance.choice(HOSTS).encode("latin-1") + data[end:]
        case _:
            return data[:at]


def _cut(chance: random.Random, data: bytes) -> tuple[bytes, ...]:
    """``data`` in up to four pieces."""
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice((0, 0, 1, 3))))
    return tuple(data[start:end] for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True))
