"""Whether a policy permits a request to leave: pure, on the name as it was asked for, before anything is resolved.

The egress broker decides by it, and the app's gate tells the model with it that a URL cannot be opened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from edgeagent_harness.policy.http_path import permits_path
from edgeagent_harness.policy.names import BadHost, Host, canonical
from edgeagent_harness.policy.types import Egress, Endpoint

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
TLS_PORT = 443
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_URL_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%|^{}`]+")
"""What a URL is written with (RFC 3986), and what browsers leave as it is in paths and queries. The splitter would drop some
others silently."""


class BadTarget(ValueError):
    """A target that no strict reader accepts; the text says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request to leave, in canonical form."""

    host: Host
    port: int
    method: str = ""
    """Of plain HTTP, as sent; empty: a tunnel (CONNECT, SOCKS5), in which TLS must follow."""
    path: str = ""
    """Of plain HTTP, as sent, with its query."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy says, and the endpoint or the rule that says it."""

    permitted: bool
    reason: str


def decide(egress: Egress, wanted: Wanted) -> Ruling:
    """The ruling on ``wanted``: permitted if one endpoint permits all of it."""
    if egress.mode != "allowlist":
        return Ruling(False, f"network.egress.mode is {egress.mode}")
    if wanted.method and wanted.port == TLS_PORT:
        return Ruling(False, f"port {TLS_PORT} takes TLS only, not plain HTTP")
    matching = [endpoint for endpoint in egress.endpoints if covers(endpoint, wanted.host, wanted.port)]
    if not matching:
        return Ruling(False, "not among network.egress.endpoints")
    refusals: list[str] = []
    for endpoint in matching:
        refusal = _refusal(endpoint, wanted)
        if not refusal:
            return Ruling(True, f"{endpoint.host}:{endpoint.port}")
        refusals.append(refusal)
    return Ruling(False, refusals[0])


def covers(endpoint: Endpoint, host: Host, port: int) -> bool:
    """Whether ``endpoint`` is this place, or its wildcard stands above it."""
    if endpoint.port != port:
        return False
    if endpoint.host.startswith("*."):
        return host.address is None and host.name.endswith(endpoint.host[1:])
    return host.name == endpoint.host


def judge_url(egress: Egress, url: str) -> Ruling:
    """Whether a browser in the sandbox may load ``url`` (http or https) from outside of it. Paths are the broker's to judge."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            return Ruling(False, f"{parts.scheme or 'no'} scheme: only http and https leave the sandbox")
        if parts.username is not None or parts.password is not None:
            return Ruling(False, "a URL with a user name")
        host = canonical(parts.hostname or "")
        port = parts.port or DEFAULT_PORTS[parts.scheme]
    except ValueError as error:
        return Ruling(False, f"no URL that can be opened: {error}")
    if parts.scheme == "https":
        return decide(egress, Wanted(host, port))
    return decide(egress, Wanted(host, port, "GET", target_path(parts)))


def split_authority(text: str, default_port: int | None = None) -> tuple[Host, int]:
    """Host and port of ``host:port``, brackets around IPv6; without a default the port must be there. Raises `BadTarget`."""
    if "@" in text:
        raise BadTarget("a user name in front of the host")
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):
        host, colon, port = text, "", ""
    if ":" in host and not host.startswith("["):
        raise BadTarget("an IPv6 address without brackets, or two ports")
    if not colon and default_port is None:
        raise BadTarget("the port is missing")
    if colon and not _PORT.fullmatch(port):
        raise BadTarget(f"{port[:20]!r} is no port")
    number = int(port) if colon else default_port or 0
    if number > 65_535:
        raise BadTarget(f"{number} is no port")
    try:
        return canonical(host), number
    except BadHost as error:
        raise BadTarget(str(error)) from error


def split_absolute(target: str) -> tuple[Host, int, str]:
    """Host, port and path with query of an absolute ``http://`` URL. Raises `BadTarget`."""
    if not _URL_CHARACTERS.fullmatch(target):
        raise BadTarget("a character that no URL is written with")
    try:
        parts = urlsplit(target)
    except ValueError as error:
        raise BadTarget(str(error)) from error
    if parts.scheme != "http" or not target[len("http:") :].startswith("//"):
        raise BadTarget("only absolute http:// URLs are forwarded; https needs CONNECT")
    if "#" in target:
        raise BadTarget("a fragment")
    host, port = split_authority(parts.netloc, DEFAULT_PORTS["http"])
    return host, port, target_path(parts)


def target_path(parts: SplitResult) -> str:
    """Path and query of ``parts`` as a request line holds them."""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _refusal(endpoint: Endpoint, wanted: Wanted) -> str:
    name = f"{endpoint.host}:{endpoint.port}"
    if not wanted.method:
        return f"{name} is limited to methods or paths, which a tunnel hides" if endpoint.methods or endpoint.paths else ""
    if endpoint.methods and wanted.method not in endpoint.methods:
        return f"{name} permits {', '.join(endpoint.methods)}, not {wanted.method[:20]}"
    if endpoint.paths and not permits_path(endpoint.paths, wanted.path):
        return f"{name} does not permit this path"
    return ""
