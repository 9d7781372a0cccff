"""The table of `test_egress_hostile`, second half: what is sent in tunnels and by SOCKS5."""

from __future__ import annotations

from fault.egress_cases import BAD, SOCKS_NO, Case
from support.egress_requests import (
    ENCRYPTED_HELLO,
    connect,
    get,
    hello,
    named_hello,
    real_hello,
    server_names,
    socks,
)

TUNNEL_ENDS = b"HTTP/1.1 200 Connection established\r\n\r\n"
SOCKS_BAD = b"\5\0\5\1\0\1"
SOCKS_TUNNEL_ENDS = b"\5\0\5\0\0\1\0\0\0\0\0\0"

TLS = (
    Case(
        "another name in the hello",
        connect("allowed.example:443", real_hello("evil.example")),
        TUNNEL_ENDS,
        "names evil",
        "connect",
    ),
    Case("no name", connect("allowed.example:443", real_hello(None)), TUNNEL_ENDS, "without a server name", "connect"),
    Case("empty name", connect("allowed.example:443", named_hello(b"")), TUNNEL_ENDS, "without a server name", "connect"),
    Case(
        "name with NUL", connect("allowed.example:443", named_hello(b"allowed.example\0.evil")), TUNNEL_ENDS, "is none", "connect"
    ),
    Case("address as a name", connect("allowed.example:443", named_hello(b"93.184.216.34")), TUNNEL_ENDS, "names 93", "connect"),
    Case(
        "two names",
        connect("allowed.example:443", hello([server_names(b"allowed.example", b"evil.example")])),
        TUNNEL_ENDS,
        "more than one",
        "connect",
    ),
    Case(
        "name of another kind",
        connect("allowed.example:443", hello([server_names(b"allowed.example", kind=1)])),
        TUNNEL_ENDS,
        "another kind",
        "connect",
    ),
    Case(
        "two name extensions",
        connect("allowed.example:443", hello([server_names(b"allowed.example"), server_names(b"evil.example")])),
        TUNNEL_ENDS,
        "given twice",
        "connect",
    ),
    Case(
        "encrypted hello",
        connect("allowed.example:443", named_hello(b"allowed.example", (ENCRYPTED_HELLO, bytes(40)))),
        TUNNEL_ENDS,
        "ECH",
        "connect",
    ),
    Case(
        "ESNI",
        connect("allowed.example:443", named_hello(b"allowed.example", (0xFFCE, bytes(40)))),
        TUNNEL_ENDS,
        "ECH",
        "connect",
    ),
    Case(
        "lying length",
        connect("allowed.example:443", hello([(0, b"\0\x40\0\0\x0fallowed.example")])),
        TUNNEL_ENDS,
        "length",
        "connect",
    ),
    Case(
        "more behind the extensions",
        connect("allowed.example:443", hello([server_names(b"allowed.example")], trailing=b"x")),
        TUNNEL_ENDS,
        "behind its extensions",
        "connect",
    ),
    Case(
        "more in the record",
        connect("allowed.example:443", hello([server_names(b"allowed.example")], record_trailing=b"x" * 9)),
        TUNNEL_ENDS,
        "behind it in its record",
        "connect",
    ),
    Case(
        "a name split over records",
        connect("allowed.example:443", named_hello(b"evil.example", records=9)),
        TUNNEL_ENDS,
        "names evil",
        "connect",
    ),
    Case(
        "alert before the hello",
        connect("allowed.example:443", b"\x15\x03\x01\0\2\1\0" + named_hello(b"allowed.example")),
        TUNNEL_ENDS,
        "no TLS ClientHello",
        "connect",
    ),
    Case(
        "hello without an end",
        connect("allowed.example:443", b"\x16\x03\x01\x40\0\x01\0\xff\xff" + bytes(9000)),
        TUNNEL_ENDS,
        "more than|no complete",
        "connect",
    ),
    Case(
        "hello cut off",
        connect("allowed.example:443", named_hello(b"allowed.example")[:60]),
        TUNNEL_ENDS,
        "ended within",
        "connect",
        True,
    ),
    Case(
        "slow hello",
        connect("allowed.example:443", named_hello(b"allowed.example")[:9]),
        TUNNEL_ENDS,
        "no complete ClientHello",
        "connect",
    ),
    Case(
        "no TLS on 443",
        connect("allowed.example:443", b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        TUNNEL_ENDS,
        "no TLS",
        "connect",
    ),
    Case("SSH on 443", connect("allowed.example:443", b"SSH-2.0-x\r\n"), TUNNEL_ENDS, "no TLS", "connect"),
    Case(
        "SSLv2 hello", connect("allowed.example:443", b"\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10"), TUNNEL_ENDS, "no TLS", "connect"
    ),
    Case(
        "another name on 8443", connect("allowed.example:8443", real_hello("evil.example")), TUNNEL_ENDS, "names evil", "connect"
    ),
    Case("rubbish on 8443", connect("allowed.example:8443", b"\0\1\2\3"), TUNNEL_ENDS, "no TLS", "connect"),
    Case(
        "another Host in a plain tunnel",
        connect("allowed.example:80", b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        TUNNEL_ENDS + BAD,
        "Host header",
        "connect",
    ),
    Case(
        "another URL in a plain tunnel",
        connect("allowed.example:80", get("http://evil.example/")),
        TUNNEL_ENDS + BAD,
        "path only",
        "connect",
    ),
    Case(
        "CONNECT within a tunnel",
        connect("allowed.example:80", connect("evil.example:443")),
        TUNNEL_ENDS + BAD,
        "path only",
        "connect",
    ),
    Case(
        "wildcard, hello of its sister",
        connect("a.wild.example:443", real_hello("b.wild.example")),
        TUNNEL_ENDS,
        "names b.wild",
        "connect",
    ),
    Case("tunnel closed at once", connect("allowed.example:443"), TUNNEL_ENDS, "before a first byte", "connect", True),
)

SOCKS = (
    Case("SOCKS5 to another host", socks("evil.example", 443), SOCKS_NO, "not among", "socks5"),
    Case("SOCKS5 to another port", socks("allowed.example", 22), SOCKS_NO, "not among", "socks5"),
    Case("SOCKS5 with NUL", socks(b"evil.example\0.allowed.example", 443), SOCKS_BAD, "no part of a host", "socks5"),
    Case("SOCKS5 with NUL behind", socks(b"allowed.example\0", 443), SOCKS_BAD, "no part of a host", "socks5"),
    Case("SOCKS5, IPv4 as such", socks(bytes((93, 184, 216, 35)), 443, kind=1), SOCKS_NO, "not among", "socks5"),
    Case("SOCKS5, loopback as such", socks(bytes((127, 0, 0, 1)), 80, kind=1), SOCKS_NO, "not among", "socks5"),
    Case("SOCKS5, IPv6 as such", socks(bytes(15) + b"\1", 80, kind=4), SOCKS_NO, "not among", "socks5"),
    Case(
        "SOCKS5, IPv4 within IPv6",
        socks(bytes(10) + b"\xff\xff\x0a\x09\x09\x09", 8080, kind=4),
        SOCKS_BAD,
        "holds an IPv4",
        "socks5",
    ),
    Case("SOCKS5, decimal as a name", socks("168364297", 8080), SOCKS_BAD, "four decimal", "socks5"),
    Case("SOCKS5, empty name", socks("", 443), SOCKS_BAD, "empty", "socks5"),
    Case("SOCKS5, UTF-8 name", socks("b\u00fccher.example", 80), SOCKS_BAD, "SOCKS5 to no host", "socks5"),
    Case("SOCKS5, unknown kind", socks(b"abcd", 443, kind=2), SOCKS_BAD, "unknown kind", "socks5"),
    Case("SOCKS5 BIND", socks("allowed.example", 443, command=2), SOCKS_BAD, "another command", "socks5"),
    Case("SOCKS5 UDP", socks("allowed.example", 443, command=3), SOCKS_BAD, "another command", "socks5"),
    Case("SOCKS5 port 0", socks("allowed.example", 0), SOCKS_BAD, "port 0", "socks5"),
    Case("SOCKS5 password only", socks("allowed.example", 443, methods=b"\2"), b"\5\xff", "without the method", "socks5"),
    Case("SOCKS5 no methods", socks("allowed.example", 443, methods=b""), b"\5\xff", "without the method", "socks5"),
    Case("SOCKS5 cut off", socks("allowed.example", 443)[:9], SOCKS_BAD, "ended within", "socks5", True),
    Case("SOCKS5 slow", b"\5\1\0\5", b"\5\0\5\1", "no complete request", "socks5"),
    Case(
        "SOCKS5, hello of another",
        socks("allowed.example", 443, real_hello("evil.example")),
        SOCKS_TUNNEL_ENDS,
        "names evil",
        "socks5",
    ),
    Case(
        "SOCKS5, Host of another",
        socks("allowed.example", 80, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        SOCKS_TUNNEL_ENDS + BAD,
        "Host header",
        "socks5",
    ),
)

TUNNELS = (*TLS, *SOCKS)
