"""Framing on a stream socket: a 4-byte little-endian length, then that many bytes of msgpack."""

from __future__ import annotations

import struct

import msgspec

HEADER = struct.Struct("<I")
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding a hostile message raises: a bad text and a deep nest come with errors of their own."""
MAX_MESSAGE_BYTES = 1 << 20
"""Cap on control messages; pixels never travel here."""


class WireError(Exception):
    """A message that is too long, cut off, or not of the expected type."""


def pack(message: msgspec.Struct, max_bytes: int = MAX_MESSAGE_BYTES) -> bytes:
    """``message`` framed for the socket. Raises `WireError` beyond ``max_bytes``."""
    body = msgspec.msgpack.encode(message)
    if len(body) > max_bytes:
        raise WireError(f"message of {len(body)} bytes exceeds {max_bytes}")
    return HEADER.pack(len(body)) + body


def body_length(header: bytes, max_bytes: int = MAX_MESSAGE_BYTES) -> int:
    """The length that ``header`` announces. Raises `WireError` beyond ``max_bytes``."""
    (length,) = HEADER.unpack(header)
    if length > max_bytes:
        raise WireError(f"peer announced a message of {length} bytes, more than {max_bytes}")
    return int(length)
