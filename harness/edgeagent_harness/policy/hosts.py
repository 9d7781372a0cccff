"""Hosts of endpoints, stricter than `names`: what a file says must be how it is compared, except case and IDN."""

from __future__ import annotations

from edgeagent_harness.policy.names import Host, canonical
from edgeagent_harness.policy.types import Endpoint

_MAX_PORT = 65_535

_FORBIDDEN = (
    ("://", "is a URL; give the host alone"),
    ("@", "has user information in it; give the host alone"),
    ("/", "has a path in it; give the host alone, and paths in 'paths'"),
    ("[", "has brackets in it; an IPv6 address is written without"),
)


def canonical_endpoint_host(text: str) -> str:
    """``text`` as an endpoint's host: as `canonical_host`, and none that leads to a loopback. Raises `ValueError`."""
    host = canonical_host(text)
    if host == "localhost" or host.endswith(".localhost"):
        raise ValueError("is this machine's loopback, where no name may lead; write 127.0.0.1 or ::1")
    return host


def canonical_host(text: str) -> str:
    """``text`` as the host of a page: a name, a canonical address, or ``*.`` before a name. Raises `ValueError`."""
    if not text.startswith("*."):
        return _host(text).name
    base = _host(text[2:])
    if base.address:
        raise ValueError("has a wildcard before an address; it can stand before a name")
    if "." not in base.name:
        raise ValueError(f"would be the whole top-level domain {base.name!r}; name at least two labels after the wildcard")
    return f"*.{base.name}"


def _host(text: str) -> Host:
    for part, reason in _FORBIDDEN:
        if part in text:
            raise ValueError(reason)
    if "*" in text:
        raise ValueError("has a wildcard in it that is not a leading '*.'")
    if text.endswith((".", "。")):
        raise ValueError("ends with a dot; leave that away")
    name, _, port = text.partition(":")
    if port.isdigit() and name:
        raise ValueError(f"has a port in it; write host: {name}, port: {port}")
    host = canonical(text)
    if host.address and host.name != text:
        raise ValueError(f"is not the canonical form of this address; write {host.name}")
    return host


def parse_endpoint(text: str) -> Endpoint:
    """``HOST:PORT`` as a person writes it, IPv6 addresses in brackets. Raises `ValueError` with the reason."""
    host, colon, port = text.rpartition(":")
    if not colon or "/" in text or not port.isascii() or not port.isdigit():
        raise ValueError(f"{text!r} is not of the form HOST:PORT, for example example.org:443")
    if not 1 <= int(port[:9]) <= _MAX_PORT:
        raise ValueError(f"{text!r}: a port is a number from 1 to {_MAX_PORT}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r}: write an IPv6 address in brackets, [::1]:443")
    try:
        return Endpoint(canonical_endpoint_host(host), int(port))
    except ValueError as error:
        raise ValueError(f"{host!r} {error}") from error


def endpoint_text(endpoint: Endpoint) -> str:
    """``HOST:PORT`` of ``endpoint``, as `parse_endpoint` reads it."""
    return f"[{endpoint.host}]:{endpoint.port}" if ":" in endpoint.host else f"{endpoint.host}:{endpoint.port}"
