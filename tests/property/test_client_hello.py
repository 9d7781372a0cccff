"""Our reading of a ClientHello is never another than OpenSSL's: the server name that we compare is the one that a server sees."""

from __future__ import annotations

import contextlib
import ssl
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.egress_requests import ENCRYPTED_HELLO, hello, named_hello, real_hello, server_names

from edgeagent_harness.outside.egress.outcomes import Denied
from edgeagent_harness.outside.egress.tls import Hello, hello_length, parse_hello

LIMIT = 32 * 1024
NAME = "allowed.example"
REAL = real_hello(NAME)

# Python decodes the name for the callback and prints what it cannot decode; OpenSSL itself has the bytes.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def ours(data: bytes) -> Hello | None:
    """What we read; None: refused, or not complete."""
    try:
        length = hello_length(data, LIMIT)
        return None if length is None else parse_hello(data[:length])
    except Denied:
        return None


@cache
def context_parts() -> tuple[ssl.SSLContext, list[str | None]]:
    seen: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def note(_connection: object, name: str | None, _context: ssl.SSLContext) -> int:
        seen.append(name)
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.sni_callback = note
    return context, seen


def openssls(data: bytes) -> tuple[bool, str | None]:
    """Whether OpenSSL as a server got as far as to a name (or to none), and which."""
    context, seen = context_parts()
    seen.clear()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(data)
    with contextlib.suppress(ssl.SSLError, UnicodeError, ValueError):
        connection.do_handshake()
    return bool(seen), seen[0] if seen else None


def assert_agreed(data: bytes) -> None:
    """We may refuse what OpenSSL takes; what both take has one name."""
    read = ours(data)
    reached, name = openssls(data)
    if read is not None and reached:
        assert read.server_name == (name or ""), (read, name)


def test_the_real_one() -> None:
    assert ours(REAL) == Hello(NAME, encrypted_name=False)
    assert openssls(REAL) == (True, NAME)
    assert ours(real_hello(None)) == Hello("", encrypted_name=False)


def test_cut_anywhere_it_is_waited_for() -> None:
    data = named_hello(NAME.encode(), records=3)
    for end in range(len(data)):
        assert hello_length(data[:end], LIMIT) is None
    assert hello_length(data + b"more", LIMIT) == len(data)


def test_encrypted_names_are_seen() -> None:
    assert ours(named_hello(NAME.encode(), (ENCRYPTED_HELLO, b""))) == Hello(NAME, encrypted_name=True)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=4))
def test_flipped_bytes(records: int, flips: list[tuple[int, int]]) -> None:
    data = bytearray(named_hello(NAME.encode(), records=records))
    for at, value in flips:
        data[at % len(data)] = value
    assert_agreed(bytes(data))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4), st.integers(0, 3), st.binary(max_size=3))
def test_flipped_bytes_of_a_real_one(flips: list[tuple[int, int]], cut: int, more: bytes) -> None:
    data = bytearray(REAL)
    for at, value in flips:
        data[at % len(data)] = value
    assert_agreed(bytes(data[: len(data) - cut]) + more)


extensions = st.lists(
    st.one_of(
        st.sampled_from([server_names(NAME.encode()), server_names(b"evil.example"), server_names(), server_names(b"a", b"b")]),
        st.tuples(st.sampled_from([0, 10, 13, 16, 43, 51, ENCRYPTED_HELLO]), st.binary(max_size=20)),
    ),
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(extensions, st.integers(1, 4), st.binary(max_size=2))
def test_made_up_extensions(listed: list[tuple[int, bytes]], records: int, trailing: bytes) -> None:
    assert_agreed(hello(listed, records, trailing))
