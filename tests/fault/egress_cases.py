"""The table of `test_egress_hostile`, first half: what is sent, what the client gets, what the audit says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from support.egress_namespaces import FAR_IPV6, NEAR
from support.egress_requests import connect, get, real_hello, socks
from support.egress_world import OTHER_WEB, WEB

from edgeagent_harness.policy.types import Endpoint

Control = Literal["http", "connect", "socks5"]

NAMES: dict[str, list[str]] = {
    "allowed.example": [WEB],
    "evil.example": [OTHER_WEB],
    "a.wild.example": [WEB],
    "b.wild.example": [WEB],
    "wild.example": [OTHER_WEB],
    "evilwild.example": [OTHER_WEB],
    "api.example": [WEB],
    "xn--bcher-kva.example": [WEB],
    "internal.example": ["10.9.9.9"],
    "six.example": [FAR_IPV6],
    "mixed.example": [WEB, "127.0.0.1"],
    "loopback.example": ["127.0.0.1"],
    "own.example": [NEAR],
    "metadata.example": ["169.254.169.254"],
    "private.example": ["10.9.9.9"],
    "home.example": ["192.168.9.9"],
    "carrier.example": ["100.64.9.9"],
    "zero.example": ["0.0.0.0"],
    "multicast.example": ["224.9.9.9"],
    "loopback6.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "compatible.example": ["::127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "sixtofour.example": ["2002:7f00:1::"],
    "teredo.example": ["2001:0:7f00:1::"],
    "local6.example": ["fe80::1"],
    "unique.example": ["fd00:ec2::254"],
    "a123.example": [WEB],
}
"""Every name resolves, the denied ones too: that they were not asked for is seen, not assumed."""

NOT_PUBLIC = (
    "mixed", "loopback", "own", "metadata", "private", "home", "carrier", "zero", "multicast", "loopback6", "mapped",
    "compatible", "nat64", "sixtofour", "teredo", "local6", "unique",
)  # fmt: skip

ENDPOINTS = (
    *(Endpoint("allowed.example", port) for port in (80, 443, 8443)),
    *(Endpoint("*.wild.example", port) for port in (80, 443)),
    Endpoint("api.example", 8080, ("GET", "POST"), ("/api", "/v1/open")),
    Endpoint("xn--bcher-kva.example", 80),
    Endpoint("internal.example", 8080),
    Endpoint("10.9.9.9", 8080),
    Endpoint("six.example", 80),
    Endpoint(OTHER_WEB, 8080),
    Endpoint(FAR_IPV6, 8080),
    *(Endpoint(f"{name}.example", 80) for name in NOT_PUBLIC),
)


@dataclass(frozen=True)
class Case:
    """One hostile request."""

    name: str
    sent: bytes
    answer: bytes
    """What the client's answer begins with; empty: nothing but the end."""
    why: str
    """Part of the audit's reason."""
    control: Control = "http"
    half_close: bool = False
    host: str = ""
    """What the audit must list as the host, where that matters."""


A = "http://allowed.example/"
BAD, NO, GONE = b"HTTP/1.1 400", b"HTTP/1.1 403", b"HTTP/1.1 502"
SOCKS_NO = b"\5\0\5\2\0\1"

HOSTS = (
    Case("another host", get("http://evil.example/"), NO, "not among"),
    Case("another port", get("http://allowed.example:8080/"), NO, "not among"),
    Case("suffix trick", get("http://allowed.example.evil.example/"), NO, "not among"),
    Case("prefix trick", get("http://notallowed.example/"), NO, "not among"),
    Case("wildcard is not its base", get("http://wild.example/"), NO, "not among"),
    Case("wildcard without a dot", get("http://evilwild.example/"), NO, "not among"),
    Case("wildcard as sent", get("http://*.wild.example/"), BAD, "no part of a host name"),
    Case("userinfo", get("http://allowed.example@evil.example/", "evil.example"), BAD, "user name"),
    Case("userinfo with password", get("http://allowed.example:80@evil.example/", "evil.example"), BAD, "user name"),
    Case("userinfo in CONNECT", connect("allowed.example@evil.example:443"), BAD, "user name", "connect"),
    Case("NUL in the URL", get("http://allowed.example\0.evil.example/", "allowed.example"), BAD, "control character"),
    Case("NUL in CONNECT", connect("evil.example\0.allowed.example:443"), BAD, "control character", "connect"),
    Case("encoded NUL", get("http://evil.example%00.allowed.example/"), BAD, "no part of a host name"),
    Case("encoded dot", get("http://allowed%2eexample/"), BAD, "no part of a host name"),
    Case("backslash", get("http://evil.example\\.allowed.example/"), BAD, "character that no URL"),
    Case("space in the host", get("http://allowed.example evil.example/"), BAD, "no valid HTTP"),
    Case("tab in the host", get("http://allowed.example\tevil/"), BAD, "no valid HTTP"),
    Case("empty host", get("http:///x", "allowed.example"), BAD, "empty"),
    Case("empty label", get("http://allowed..example/"), BAD, "part of the name is empty"),
    Case("two final dots", get("http://allowed.example../"), BAD, "part of the name is empty"),
    Case("look-alike in Cyrillic", get("http://xn--llowed-7of.example/"), NO, "not among"),
    Case("raw UTF-8 host", get("http://b\u00fccher.example/"), BAD, "no valid HTTP"),
    Case("broken punycode", get("http://xn--99999999999.example/"), BAD, "international"),
    Case("full-width by punycode", get("http://xn--allowed-ut3c.example/"), BAD, "international"),
    Case("over-long name", get(f"http://{'a.' * 140}example/"), BAD, "longer"),
    Case("IPv4 literal", get(f"http://{OTHER_WEB}/"), NO, "not among"),
    Case("IPv4 of the allowed host", get(f"http://{WEB}/"), NO, "not among"),
    Case("IPv4 as decimal", get("http://1572395042/"), BAD, "four decimal numbers"),
    Case("IPv4 as hexadecimal", get("http://0x5db8d822/"), BAD, "four decimal numbers"),
    Case("IPv4 as octal", get("http://0135.0270.0330.042/"), BAD, "four decimal numbers"),
    Case("IPv4, short", get("http://127.1/"), BAD, "four decimal numbers"),
    Case("IPv4 with a final dot", get("http://127.0.0.1./"), BAD, "no final dot"),
    Case("IPv6 loopback", get("http://[::1]/"), NO, "not among"),
    Case("IPv4 within IPv6", get("http://[::ffff:10.9.9.9]:8080/"), BAD, "holds an IPv4"),
    Case("IPv6 with a zone", get("http://[fe80::1%25lo]/"), BAD, "zone"),
    Case("IPv6 without brackets", connect("::1:443"), BAD, "without brackets", "connect"),
    Case("unclosed bracket", get("http://[::1/"), BAD, "Invalid IPv6"),
    Case("localhost", get("http://localhost/"), NO, "not among"),
    Case("port 0", get("http://allowed.example:0/"), BAD, "no port"),
    Case("port with zeros", get("http://allowed.example:080/"), BAD, "no port"),
    Case("port too large", get("http://allowed.example:65616/"), BAD, "no port"),
    Case("port with a sign", get("http://allowed.example:+80/"), BAD, "no port"),
    Case("empty port", get("http://allowed.example:/"), BAD, "no port"),
)

HEADS = (
    Case("CL and TE", get(A, extra="Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n", BAD, "both"),
    Case("two CL", get(A, extra="Content-Length: 5\r\nContent-Length: 6\r\n") + b"hello", BAD, "content-length given 2"),
    Case("two equal CL", get(A, extra="Content-Length: 5\r\nContent-Length: 5\r\n") + b"hello", BAD, "given 2"),
    Case("CL as a list", get(A, extra="Content-Length: 5, 5\r\n") + b"hello", BAD, "no number"),
    Case("CL with a sign", get(A, extra="Content-Length: +5\r\n") + b"hello", BAD, "no number"),
    Case("CL as hexadecimal", get(A, extra="Content-Length: 0x5\r\n") + b"hello", BAD, "no number"),
    Case("TE unknown", get(A, extra="Transfer-Encoding: gzip, chunked\r\n"), BAD, "no valid HTTP"),
    Case("TE with a tab", get(A, extra="Transfer-Encoding:\x0bchunked\r\n"), BAD, "control character"),
    Case("TE twice", get(A, extra="Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), BAD, "given 2"),
    Case("space before the colon", get(A, extra="Content-Length : 5\r\n"), BAD, "without a clear name"),
    Case("folded header", get(A, extra="X-A: 1\r\n Transfer-Encoding: chunked\r\n"), BAD, "folded"),
    Case("bare LF", b"GET http://allowed.example/ HTTP/1.1\nHost: allowed.example\n\r\n\r\n", BAD, "bare LF"),
    Case("bare LF in a value", get(A, extra="X-A: 1\nHost: evil.example\r\n"), BAD, "bare LF"),
    Case("bare CR in a value", get(A, extra="X-A: 1\rHost: evil.example\r\n"), BAD, "bare CR"),
    Case("NUL in a value", get(A, extra="X-A: 1\x002\r\n"), BAD, "control character"),
    Case("two hosts", get(A, extra="Host: evil.example\r\n"), BAD, "host given 2"),
    Case("no host", b"GET http://allowed.example/ HTTP/1.1\r\n\r\n", BAD, "no valid HTTP"),
    Case("Host of another", get(A, "evil.example"), BAD, "Host header names"),
    Case("Host with another port", get(A, "allowed.example:8080"), BAD, "Host header names"),
    Case("Host of another in CONNECT", connect("allowed.example:443", host="evil.example"), BAD, "Host header", "connect"),
    Case("Connection names Host", get(A, extra="Connection: close, Host\r\n"), BAD, "Connection header"),
    Case("overriding header", get(A, extra="X-Forwarded-Host: evil.example\r\n"), BAD, "x-forwarded-host"),
    Case("origin form", get("/", "allowed.example"), BAD, "only absolute"),
    Case("asterisk form", get("*", "allowed.example", method="OPTIONS"), BAD, "character that no URL|only absolute"),
    Case("https by GET", get("https://allowed.example/"), BAD, "only absolute"),
    Case("ftp", get("ftp://allowed.example/"), BAD, "only absolute"),
    Case("file", get("file:///etc/passwd", "allowed.example"), BAD, "only absolute"),
    Case("opaque http", get("http:allowed.example/", "allowed.example"), BAD, "only absolute"),
    Case("three slashes", get("http:////allowed.example/", "allowed.example"), BAD, "empty"),
    Case("fragment", get(A + "#x"), BAD, "fragment"),
    Case("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BAD, "no HTTP/1.0"),
    Case("HTTP/0.9", b"GET http://allowed.example/\r\n\r\n", BAD, "no valid HTTP"),
    Case("HTTP/3.0", get(A, version="3.0"), BAD, "no HTTP/1.0 or HTTP/1.1"),
    Case("CONNECT with a body", connect("allowed.example:443", b"x", extra="Content-Length: 1\r\n"), BAD, "body", "connect"),
    Case("CONNECT without a port", connect("allowed.example"), BAD, "port is missing", "connect"),
    Case("CONNECT by URL", connect("https://allowed.example:443"), BAD, "CONNECT to no host", "connect"),
    Case("huge head", get(A, extra=f"X-A: {'a' * 9000}\r\n"), b"HTTP/1.1 429", "head of more than"),
    Case("many headers", get(A, extra="".join(f"X-{n}: a\r\n" for n in range(2000))), b"HTTP/1.1 429", "head of more than"),
    Case("head cut off", get(A)[:-2], BAD, "ended within a head", half_close=True),
    Case("nothing at all", b"", b"", "nothing was asked", half_close=True),
    Case("slow head", get(A)[:-2], b"HTTP/1.1 429", "no complete head"),
    Case("leading empty lines", b"\r\n\r\n" + get(A), BAD, "no valid HTTP|no HTTP request"),
    Case("TLS without CONNECT", real_hello("allowed.example"), BAD, "ended within|control", half_close=True),
    Case("SOCKS4", b"\4\1\0\x50\x5d\xb8\xd8\x22\0", BAD, "ended within a head", half_close=True),
)

PATHS = (
    Case("path outside", get("http://api.example:8080/admin"), NO, "does not permit this path"),
    Case("not at a segment border", get("http://api.example:8080/apix"), NO, "path"),
    Case("dot segments", get("http://api.example:8080/api/../admin"), NO, "path"),
    Case("encoded dots", get("http://api.example:8080/api/%2e%2e/admin"), NO, "path"),
    Case("half-encoded dots", get("http://api.example:8080/api/.%2E/admin"), NO, "path"),
    Case("encoded slash", get("http://api.example:8080/api/..%2fadmin"), NO, "path"),
    Case("encoded twice", get("http://api.example:8080/api/%252e%252e/admin"), NO, "path"),
    Case("encoded backslash", get("http://api.example:8080/api/..%5cadmin"), NO, "path"),
    Case("overlong UTF-8", get("http://api.example:8080/api/%c0%ae%c0%ae/admin"), NO, "path"),
    Case("full-width dots", get("http://api.example:8080/api/%ef%bc%8e%ef%bc%8e/admin"), NO, "path"),
    Case("path parameter", get("http://api.example:8080/api/..;/admin"), NO, "path"),
    Case("empty segment", get("http://api.example:8080//api/x"), NO, "path"),
    Case("encoded NUL in the path", get("http://api.example:8080/api/x%00/../../admin"), NO, "path"),
    Case("another method", get("http://api.example:8080/api/x", method="DELETE"), NO, "permits GET, POST"),
    Case("method in lower case", get("http://api.example:8080/api/x", method="get"), NO, "permits GET, POST"),
    Case("overridden method", get("http://api.example:8080/api/x", extra="X-HTTP-Method-Override: PUT\r\n"), BAD, "override"),
    Case("tunnel around the paths", connect("api.example:8080"), NO, "a tunnel hides", "connect"),
    Case("plain HTTP on 443", get("http://allowed.example:443/"), NO, "TLS only"),
)

ADDRESSES = (
    *(
        Case(f"resolves to {name}", get(f"http://{name}.example/"), NO, "resolves to", host=f"{name}.example")
        for name in NOT_PUBLIC
    ),
    Case("resolves to loopback, in a tunnel", socks("loopback.example", 80), SOCKS_NO, "loopback", "socks5"),
    Case("named address, another port", get("http://10.9.9.9/"), NO, "not among"),
)

PLAIN = (*HOSTS, *HEADS, *PATHS, *ADDRESSES)
