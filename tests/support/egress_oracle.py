"""Whether what the servers of a made-up internet received may have been received. Shares no code with the broker."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Iterable

from support.egress_namespaces import FAR_IPV6
from support.egress_world import OTHER_WEB, WEB, Arrived

PERMITTED: dict[str, tuple[str, ...]] = {
    f"{WEB}:80": ("allowed.example", ".wild.example", "xn--bcher-kva.example"),
    f"{WEB}:443": ("allowed.example", ".wild.example"),
    f"{WEB}:8443": ("allowed.example",),
    f"{WEB}:8080": ("api.example",),
    f"{OTHER_WEB}:8080": (OTHER_WEB,),
    f"{FAR_IPV6}:80": ("six.example",),
    f"{FAR_IPV6}:8080": (f"[{FAR_IPV6}]",),
    "10.9.9.9:8080": ("internal.example", "10.9.9.9"),
}
"""Server -> names by which it may be asked; a leading dot stands for any name before it."""

_HANDSHAKE = 0x16
_HEAD = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (/[\x21-\x7e]*) HTTP/1\.1\r\n((?:[!-9;-~]+: ?[\t\x20-\x7e\x80-\xff]*\r\n)*)\r\n", re.DOTALL
)
_PATHS = re.compile(rb"/(api|v1/open)([/?].*)?")


def problems(arrived: Iterable[Arrived], asked: Iterable[str]) -> list[str]:
    """Everything that should not have happened."""
    found = [f"{name!r} was resolved" for name in asked if not _may_be_resolved(name)]
    for one in arrived:
        if one.data:
            reason = _wrong(one.server, bytes(one.data))
            if reason:
                found.append(f"{one.server} got {reason}: {bytes(one.data)[:300]!r}")
    return found


def _may_be_resolved(name: str) -> bool:
    fixed = {"allowed.example", "api.example", "xn--bcher-kva.example", "internal.example", "six.example"}
    # These are endpoints whose address is then refused.
    refused = {f"{word}.example" for word in ("loopback", "metadata", "private", "mixed", "own")}
    return name in fixed | refused or name.endswith(".wild.example")


def _wrong(server: str, data: bytes) -> str:
    names = PERMITTED.get(server)
    if names is None:
        return "anything at all"
    if server.endswith(":443") or data[0] == _HANDSHAKE:
        return _wrong_tls(names, data)
    head = _HEAD.match(data)
    if head is None:
        return "" if b"\r\n\r\n" not in data and data.count(b" HTTP/1.1\r\n") <= 1 else "no strict request"
    headers = [line.partition(b":")[::2] for line in head[3].split(b"\r\n")[:-1]]
    values = [(name.lower(), value.strip()) for name, value in headers]
    hosts = [value.decode("latin-1") for name, value in values if name == b"host"]
    if len(hosts) != 1 or not _fits(hosts[0].removesuffix(f":{server.rsplit(':', 1)[1]}"), names):
        return f"a request for {hosts}"
    if server == f"{WEB}:8080" and not (
        head[1] in (b"GET", b"POST") and _PATHS.fullmatch(head[2]) and b".." not in head[2].split(b"?")[0]
    ):
        return "a method or path that is not permitted"
    return _wrong_body(dict(values), data[head.end() :])


def _wrong_body(headers: dict[bytes, bytes], rest: bytes) -> str:
    """One request to a connection: nothing may follow its body."""
    chunked = b"transfer-encoding" in headers
    if chunked and b"content-length" in headers:
        return "two lengths"
    if not chunked:
        return "more than one request" if len(rest) > int(headers.get(b"content-length", b"0")) else ""
    while rest:
        size = re.match(rb"([0-9a-f]{1,16})\r\n", rest)
        if size is None:
            return "a chunk that is none"
        length = int(size[1], 16)
        body, rest = rest[size.end() : size.end() + length], rest[size.end() + length :]
        if length == 0:
            return "" if rest == b"\r\n" else "more than one request"
        if len(body) < length:
            return ""
        if rest and not rest.startswith(b"\r\n"):
            return "a chunk without an end"
        rest = rest[2:]
    return ""


def _wrong_tls(names: tuple[str, ...], data: bytes) -> str:
    """By what OpenSSL reads, as the server would."""
    seen: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda _connection, name, _context: seen.append(name)
    incoming = ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True)
    incoming.write(data)
    with contextlib.suppress(ssl.SSLError):
        connection.do_handshake()
    if seen and not _fits((seen[0] or "").lower().rstrip("."), names):
        return f"a ClientHello for {seen[0]!r}"
    return "" if data.startswith(b"\x16\x03") else "no TLS"


def _fits(host: str, names: tuple[str, ...]) -> bool:
    return any(host == name or (name.startswith(".") and host.endswith(name) and host != name) for name in names)
