"""``audit show`` names places as a person would type them, and none where there was none."""

from __future__ import annotations

import pytest

from edgeagent.cli.audit import entry_words
from edgeagent_harness.protocol.audit import Connection, Entry, UserAllowed


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            Connection("allowed", "sandbox", "http", "::1", 80, "::1:80", "GET", "/a", bytes_out=5, bytes_in=7),
            "allowed: http GET [::1]:80/a (::1:80), 5 bytes out, 7 in",
        ),
        (Connection("denied", "sandbox", "connect", "a.example", 443, "no"), "denied: connect a.example:443 (no)"),
        (Connection("denied", "sandbox", "http", "", 0, "no HTTP"), "denied: http (no HTTP)"),
        (UserAllowed("2001:db8::1", 443, "session"), "the user allowed [2001:db8::1]:443 (session)"),
    ],
)
def test_places(entry: Entry, words: str) -> None:
    assert entry_words(entry) == words
