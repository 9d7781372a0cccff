"""Hosts of endpoints have one spelling; whatever could be read in two ways is refused with what to write instead."""

from __future__ import annotations

import pytest

from edgeagent_harness.policy.hosts import canonical_endpoint_host, endpoint_text, parse_endpoint
from edgeagent_harness.policy.types import Endpoint


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a.example", "a.example"),
        ("A.Example", "a.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("ｅｘａｍｐｌｅ.org", "example.org"),
        ("*.a.example", "*.a.example"),
        ("*.Bücher.example", "*.xn--bcher-kva.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_one_spelling(text: str, canonical: str) -> None:
    assert canonical_endpoint_host(text) == canonical
    assert canonical_endpoint_host(canonical) == canonical


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("localhost", "write 127.0.0.1 or ::1"),
        ("a.LOCALHOST", "write 127.0.0.1 or ::1"),
        ("https://a.example", "give the host alone"),
        ("user@a.example", "user information"),
        ("a.example/x", "paths in 'paths'"),
        ("a.example:443", "write host: a.example, port: 443"),
        ("[::1]", "without"),
        ("a.example.", "ends with a dot"),
        ("a..example", "empty"),
        ("*", "not a leading"),
        ("*.*.example", "not a leading"),
        ("a.*.example", "not a leading"),
        ("a*.example", "not a leading"),
        ("*.example", "top-level domain"),
        ("*.127.0.0.1", "wildcard before an address"),
        ("127.1", "IPv4"),
        ("2130706433", "IPv4"),
        ("0x7f000001", "IPv4"),
        ("0177.0.0.1", "IPv4"),
        ("127.0.0.1.", "ends with a dot"),
        ("::ffff:127.0.0.1", "holds an IPv4 address"),
        ("2001:DB8::1", "write 2001:db8::1"),
        ("2001:db8:0::1", "write 2001:db8::1"),
        ("fe80::1%eth0", "zone"),
        ("a b.example", "no part of a host name"),
        ("a\x00.example", "no part of a host name"),
        ("xn--a.example", "international name"),
        (f"{'a' * 64}.example", "no part of a host name"),
        (".".join(["abcdefgh"] * 40), "longer than"),
    ],
)
def test_anything_else_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is compared below
        canonical_endpoint_host(text)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("A.example:443", Endpoint("a.example", 443)),
        ("[::1]:80", Endpoint("::1", 80)),
        ("*.b.example:8", Endpoint("*.b.example", 8)),
    ],
)
def test_a_person_writes_host_and_port(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text) == endpoint
    assert parse_endpoint(endpoint_text(endpoint)) == endpoint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a.example", "HOST:PORT"),
        ("a.example:", "HOST:PORT"),
        ("https://a.example/", "HOST:PORT"),
        ("https://a.example:443", "HOST:PORT"),
        ("a:b", "HOST:PORT"),
        ("a.example:٤٤٣", "HOST:PORT"),
        (":80", "is empty"),
        ("a.example:0", "a port is a number from 1 to 65535"),
        ("a.example:65536", "a port is a number from 1 to 65535"),
        ("::1:80", "in brackets"),
    ],
)
def test_a_place_without_a_port_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_endpoint(text)
