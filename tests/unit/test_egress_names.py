"""Each host has one spelling; whatever programs read in different ways is none. Each not public address is known as such."""

from __future__ import annotations

import ipaddress

import pytest

from edgeagent_harness.policy.addresses import not_public
from edgeagent_harness.policy.decide import BadTarget, judge_url, split_absolute, split_authority
from edgeagent_harness.policy.http_path import is_unambiguous, permits_path
from edgeagent_harness.policy.names import BadHost, Host, canonical
from edgeagent_harness.policy.types import Egress, Endpoint

SPELLINGS = {
    "allowed.example": "allowed.example",
    "ALLOWED.Example": "allowed.example",
    "allowed.example.": "allowed.example",
    "bücher.example": "xn--bcher-kva.example",
    "BÜCHER.example": "xn--bcher-kva.example",
    "bu\u0308cher.example": "xn--bcher-kva.example",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "allowed。example": "allowed.example",
    "ａllowed.example": "allowed.example",
    "soft\u00adhyphen.example": "softhyphen.example",
    "faß.example": "xn--fa-hia.example",
    "a_b.example": "a_b.example",
    "r3---sn-x.example": "r3---sn-x.example",
    "0xg": "0xg",
    "1.2.3.example": "1.2.3.example",
    "93.184.216.34": "93.184.216.34",
    "[2606:2800:220:1:0:0:0:34]": "2606:2800:220:1::34",
    "2606:2800:220:1::34": "2606:2800:220:1::34",
    "[::1]": "::1",
}

NONE = [
    "", ".", "..", "a..b", ".a", "a b", "a\tb", "a\nb", "a\0b", "\0", "a@b", "a/b", "a\\b", "a%2eb", "a:80", "a#b", "a?b",
    "*", "*.a", "-a.b", "a-.b", "a" * 64, "a." * 127 + "a", "xn--", "xn--a", "xn--99999999999", "xn--allowed-ut3c",
    "xn--fa-hia\u00e9", "\u2028.a", "a\u200bb..c", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.",
    "127.0.0.256", "1.2.3.4.5", "0x7f.1", "a.0x1", "a.1", "127.0.0.01", "١٢٧.٠.٠.٠١", "[::1", "::1]", "[127.0.0.1]",
    "[::ffff:127.0.0.1]", "::ffff:7f00:1", "[fe80::1%lo]", "[fe80::1%25lo]", "[v1.x]", "[]", ":", "::g", "[::1].",
    "1:2:3:4:5:6:7:8:9",
]  # fmt: skip


NO_URLS = [
    "//a/", "http:/a/", "http:a", "https://a/", "http://a\\b/", "http://a/#f", "http://u@a/", "http:///a", "http://a b/",
    "HTTP2://a/", "http://a\u00e9/", "a", "",
]  # fmt: skip
OUTSIDE = [
    "/", "/ap", "/apix", "/API", "/api/..", "/api/../x", "/api/./x", "/api//x", "//api", "/api/%2e%2E/x", "/api/%2fx",
    "/api/%5c..", "/api/%252e", "/api/..;/x", "/api/%c0%ae", "/api/%EF%BC%8E%EF%BC%8E/x", "/api/%EF%BC%8Fx", "/api/\\x",
    "/api/%00", "/api/%zz", "/api/%2", "*", "", "api", "/%61pi",
]  # fmt: skip
NOT_PUBLIC = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "168.63.129.16",
    "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "192.88.99.1", "240.0.0.1", "::",
    "::1", "::ffff:1.1.1.1", "::1.1.1.1", "64:ff9b::101:101", "64:ff9b:1::1", "2002:101:101::", "2001::1", "2001:db8::1",
    "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "4000::1", "100::1", "2a00::5efe:7f00:1",
    "5f00::1",
]  # fmt: skip


@pytest.mark.parametrize(("text", "name"), SPELLINGS.items())
def test_one_spelling(text: str, name: str) -> None:
    host = canonical(text)
    assert host.name == name
    assert canonical(host.name) == host
    assert canonical(str(host)) == host


@pytest.mark.parametrize("text", NONE)
def test_no_host(text: str) -> None:
    with pytest.raises(BadHost):
        canonical(text)


def test_look_alikes_are_other_hosts() -> None:
    allowed = canonical("apple.example")
    for text in ("аpple.example", "app1e.example", "applе.example", "apple.example.evil.example", "xn--pple-43d.example"):
        assert canonical(text) != allowed


@pytest.mark.parametrize(
    "target",
    ["", "a", "a:", "a:0", "a:080", "a:65536", "a:+80", "a:8 0", "a:８０", "a:80:80", "u@a:80", "::1:80", "[::1]", "[::1]x:80"],
)
def test_no_authority(target: str) -> None:
    with pytest.raises(BadTarget):
        split_authority(target)


def test_authority() -> None:
    assert split_authority("A.example.:443") == (Host("a.example"), 443)
    assert split_authority("[::1]:80")[0].name == "::1"
    assert split_authority("[::1]", 80)[1] == 80


@pytest.mark.parametrize("url", NO_URLS)
def test_no_absolute_url(url: str) -> None:
    with pytest.raises(BadTarget):
        split_absolute(url)


def test_absolute_url() -> None:
    assert split_absolute("HTTP://A.example?q=//x") == (Host("a.example"), 80, "/?q=//x")
    assert split_absolute("http://a.example/css?family=A|B{`^}")[2] == "/css?family=A|B{`^}"
    assert split_absolute("http://a.example:8080/x;y?z") == (Host("a.example"), 8080, "/x;y?z")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/x", "/api/x/", "/api/%7Eme?x=/../", "/api/a.b/...c", "/api/%C3%BC"])
def test_path_within(path: str) -> None:
    assert permits_path(("/api",), path)


@pytest.mark.parametrize("path", OUTSIDE)
def test_path_outside_or_doubtful(path: str) -> None:
    assert not permits_path(("/api",), path)


def test_a_doubtful_path_is_told() -> None:
    assert is_unambiguous("/a/b/")
    assert not is_unambiguous("/a//b")


PUBLIC = [
    "1.1.1.1",
    "93.184.216.34",
    "172.32.0.1",
    "100.128.0.1",
    "11.0.0.1",
    "192.167.255.255",
    "2606:2800:220:1::34",
    "2a00::1",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text: str) -> None:
    assert not_public(ipaddress.ip_address(text)) == ""


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_not_public(text: str) -> None:
    assert not_public(ipaddress.ip_address(text))


def test_python_knows_no_other_special_address() -> None:
    """Every network that Python calls not global is refused; its table and ours were written from the same registries."""
    for address in (ipaddress.ip_address(number << 8 | 7) for number in range(0, 1 << 24, 251)):
        if not address.is_global or address.is_multicast:
            assert not_public(address), address


@pytest.mark.parametrize(
    ("url", "permitted"),
    [
        ("https://allowed.example/x", True),
        ("http://allowed.example/", False),
        ("https://allowed.example:8443/", False),
        ("https://a.wild.example/", True),
        ("https://wild.example/", False),
        ("https://allowed.example@evil.example/", False),
        ("https://evil.example\\@allowed.example/", False),
        ("http://api.example/v1/x", True),
        ("http://api.example/v2", False),
        ("ftp://allowed.example/", False),
        ("https://", False),
        ("https://[::1", False),
        ("javascript:alert(1)", False),
    ],
)
def test_what_the_gate_is_told(url: str, permitted: bool) -> None:
    endpoints = (
        Endpoint("allowed.example", 443),
        Endpoint("*.wild.example", 443),
        Endpoint("api.example", 80, ("GET",), ("/v1",)),
    )
    assert judge_url(Egress("allowlist", endpoints), url).permitted is permitted
    assert not judge_url(Egress("deny", endpoints), url).permitted
