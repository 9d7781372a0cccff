"""What the process that asked the user tells the executor and the guardian, which go on with the session."""

from __future__ import annotations

import msgspec


class Handover(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A session that was permitted. Files are inherited under the same numbers."""

    bus_fd: int
    """The connection that owns the session. The executor's; the guardian ends the session on it once that is gone."""
    bus_name: str
    serial: int
    """Of the next message on it."""
    session: str
    portal: str
    """The portal's unique name on the bus."""
    node: int
    logical: tuple[int, int]
    """The monitor's size in the desktop's own units."""
    shows_pointer: bool
    """Whether the pointer is in the pictures."""
    pictures_fd: int
    log_fd: int
    size_px: tuple[int, int]
    """As `portal_stream.Running` has them."""
    stopped_fd: int
    """The guardian reads here that the user has ended the session …"""
    stops_fd: int
    """… which the executor writes there."""

    def encoded(self) -> str:
        return msgspec.json.encode(self).decode()


def decode(text: str) -> Handover:
    """What `Handover.encoded` made."""
    return msgspec.json.decode(text, type=Handover)
