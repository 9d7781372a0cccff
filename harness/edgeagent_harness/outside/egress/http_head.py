"""A request's head, in the one form that is accepted. h11 parses; what it would mend or tolerate is refused before that.

A head that two readers can read differently is how a request is smuggled, so nothing of it may be doubtful: no bare line
feeds, no folded lines, one length, one host.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import h11

from edgeagent_harness.outside.egress.outcomes import Malformed
from edgeagent_harness.policy.decide import BadTarget, split_authority
from edgeagent_harness.policy.names import Host

_LINE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_FIELD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:.*", re.DOTALL)
_ONCE = (b"host", b"content-length", b"transfer-encoding", b"content-type", b"expect", b"authorization", b"range")
_HOP_BY_HOP = frozenset((
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authentication-info", b"proxy-authorization",
    b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings", b"expect",
))  # fmt: skip
_NEVER_NAMED = frozenset((b"host", b"content-length", b"content-type", b"authorization", b"cookie", b"origin", b"range"))
"""Must not be dropped because ``Connection`` names them: the server would see another request than was judged."""
_OVERRIDES = frozenset((
    b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-original-url", b"x-rewrite-url", b"x-original-host",
    b"x-forwarded-host", b"x-host", b"forwarded",
))  # fmt: skip
"""Some servers take method, path or host from these instead of from the request line."""

Headers = list[tuple[bytes, bytes]]


def check_raw(head: bytes) -> None:
    """Refuse a raw head (up to and with the empty line) that is not in canonical form. Raises `Malformed`."""
    lines = head.split(b"\r\n")[:-2]
    for number, line in enumerate(lines):
        if not _LINE.fullmatch(line):
            raise Malformed("a control character, bare CR or bare LF in the head")
        if number and not _FIELD.fullmatch(line):
            raise Malformed("a folded line, or a header without a clear name")
    names = Counter(line.partition(b":")[0].lower() for line in lines[1:])
    for name in _ONCE:
        if names[name] > 1:
            raise Malformed(f"{name.decode()} given {names[name]} times")
    if names[b"content-length"] and names[b"transfer-encoding"]:
        raise Malformed("both content-length and transfer-encoding")
    length = next((line.partition(b":")[2].strip() for line in lines[1:] if line.lower().startswith(b"content-length:")), b"0")
    if not length.isdigit():
        raise Malformed("a content-length that is no number")


def check_host(request: h11.Request, host: Host, port: int) -> None:
    """Refuse a ``Host`` header that names another place than the request line, and headers that would override it."""
    for name, value in request.headers:
        if name in _OVERRIDES:
            raise Malformed(f"the header {name.decode()}, which some servers follow instead of the request line")
        if name != b"host":
            continue
        try:
            stated, stated_port = split_authority(value.decode("ascii"), port)
        except (BadTarget, UnicodeDecodeError) as error:
            raise Malformed(f"a Host header that names no host: {error}") from error
        if (stated, stated_port) != (host, port):
            raise Malformed(f"the Host header names {stated}:{stated_port}, the request line {host}:{port}")


def end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """``headers`` without those that concern one hop only. Raises `Malformed` if ``Connection`` names one that is not such."""
    given = list(headers)
    named = {word.strip().lower() for name, value in given if name == b"connection" for word in value.split(b",")}
    if forbidden := named & _NEVER_NAMED:
        raise Malformed(f"a Connection header that names {sorted(forbidden)[0].decode()}")
    return [(name, value) for name, value in given if name not in _HOP_BY_HOP and name not in named]


def forwarded(request: h11.Request, host: Host, port: int, path: str) -> h11.Request:
    """``request`` as the server gets it: origin form, our Host, one request to a connection."""
    headers = [(name, value) for name, value in end_to_end(request.headers) if name != b"host"]
    authority = str(host) if port == 80 else f"{host}:{port}"
    framing: Headers = [(b"transfer-encoding", b"chunked")] if (b"transfer-encoding", b"chunked") in request.headers else []
    return h11.Request(
        method=request.method,
        target=path,
        headers=[(b"host", authority.encode()), *headers, *framing, (b"connection", b"close")],
    )
