"""Host names of endpoints in the one form that they are compared in. Whatever could be read in two ways is refused."""

from __future__ import annotations

import ipaddress
import re

import idna

_MAX_HOST_CHARS = 253
_FORBIDDEN = (
    ("://", "is a URL; give the host alone"),
    ("@", "has user information in it; give the host alone"),
    ("/", "has a path in it; give the host alone, and paths in 'paths'"),
    ("\\", "has a backslash in it"),
    ("[", "has brackets in it; an IPv6 address is written without"),
    ("%", "has a percent sign in it"),
    ("?", "has a query in it; give the host alone"),
    ("#", "has a fragment in it; give the host alone"),
)


def canonical_endpoint_host(text: str) -> str:
    """``text`` as an endpoint's host: as `canonical_host`, or with a leading ``*.``. Raises `ValueError` with the reason."""
    if not text.startswith("*."):
        return canonical_host(text)
    base = canonical_host(text[2:])
    if _is_address(base):
        raise ValueError("a wildcard covers names, and this is an address")
    if "." not in base:
        raise ValueError(f"'*.{base}' would be a whole top-level domain; name at least two labels after the wildcard")
    return f"*.{base}"


def canonical_host(text: str) -> str:
    """``text`` as a host: lower-case A-labels, or a canonical IP address. Raises `ValueError` with the reason."""
    for part, reason in _FORBIDDEN:
        if part in text:
            raise ValueError(reason)
    if not text or not text.isprintable() or " " in text:
        raise ValueError("is empty" if not text else "has a space or an unseen character in it")
    if ":" in text or _is_address(text):
        return _address(text)
    if "*" in text:
        raise ValueError("has a wildcard in it that is not a leading '*.'")
    name = _a_labels(text)
    last = name.rpartition(".")[2]
    if last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last):
        raise ValueError("is a number or an address in a form that programs read differently; write a.b.c.d")
    return name


def _a_labels(text: str) -> str:
    """IDNA 2008 with the mapping of UTS 46, as browsers do; only letters, digits and hyphens remain."""
    try:
        name = idna.encode(text, uts46=True, std3_rules=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise ValueError(f"is no valid host name: {error}") from error
    if name.endswith("."):
        raise ValueError("ends with a dot; leave that away")
    if len(name) > _MAX_HOST_CHARS:
        raise ValueError(f"is longer than {_MAX_HOST_CHARS} characters")
    return name


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError("has a port in it, or is no valid IPv6 address; give the port in 'port'") from None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        raise ValueError(f"is an IPv4 address written as IPv6; write {address.ipv4_mapped}")
    if str(address) != text:
        raise ValueError(f"is not the canonical form of this address; write {address}")
    return text
