"""One spelling for each host: what a policy names, a URL holds or a proxy is asked for is compared in this form only.

Every other way to write an address (decimal, octal, hexadecimal or short IPv4, IPv4 within IPv6, zones) is refused rather than
translated: programs disagree on what they mean, and a check must not see another host than the one that is reached.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

import idna

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_NAME_CHARACTERS = 253
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
"""Underscores are no host names by RFC 1123, but they are in use and DNS carries them."""
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A name that ends so is an IPv4 address to inet_aton and to browsers (WHATWG URL, "ends in a number")."""


class BadHost(ValueError):
    """No host in any accepted spelling; the text says why."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host in its one spelling."""

    name: str
    """Lower case A-labels without a final dot, or the canonical text of ``address`` without brackets."""
    address: Address | None = None
    """Set for an IP literal."""

    def __str__(self) -> str:
        return f"[{self.name}]" if isinstance(self.address, ipaddress.IPv6Address) else self.name


def canonical(text: str) -> Host:
    """The host that ``text`` spells: a name (Unicode too), an IPv4 address, an IPv6 address with or without brackets.

    Raises `BadHost`.
    """
    if not text:
        raise BadHost("the host is empty")
    if text.startswith("[") != text.endswith("]"):
        raise BadHost("brackets do not match")
    if text.startswith("["):
        return _ipv6(text[1:-1])
    if ":" in text:
        return _ipv6(text)
    name = text.lower() if text.isascii() else _to_ascii(text)
    # One final dot means the same name; nothing is kept of it, or `a.example.` would be another host than `a.example`.
    name = name.removesuffix(".")
    if len(name) > MAX_NAME_CHARACTERS:
        raise BadHost(f"longer than {MAX_NAME_CHARACTERS} characters")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(name, had_dot=text.endswith("."))
    for label in labels:
        _check_label(label)
    return Host(name)


def _to_ascii(text: str) -> str:
    try:
        return idna.encode(text, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise BadHost(f"no valid international name: {error}") from error


def _check_label(label: str) -> None:
    if not _LABEL.fullmatch(label):
        raise BadHost(f"{label[:63]!r} is no part of a host name" if label else "a part of the name is empty")
    if label.startswith("xn--"):
        try:
            round_trip = idna.encode(idna.decode(label)).decode()
        except (idna.IDNAError, UnicodeError) as error:
            raise BadHost(f"{label!r} is no valid international name: {error}") from error
        if round_trip != label:
            raise BadHost(f"{label!r} is not the one spelling of that name")


def _ipv4(text: str, had_dot: bool) -> Host:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError as error:
        raise BadHost(f"{text!r} is an IPv4 address, but not written as four decimal numbers") from error
    if had_dot:
        raise BadHost(f"{text!r} is an IPv4 address, which has no final dot")
    return Host(str(address), address)


def _ipv6(text: str) -> Host:
    if "%" in text:
        raise BadHost("an IPv6 address with a zone")
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError as error:
        raise BadHost(f"{text[:60]!r} is no IPv6 address") from error
    if address.ipv4_mapped:
        raise BadHost(f"{text!r} holds an IPv4 address: write that one itself")
    return Host(str(address), address)
