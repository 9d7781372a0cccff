"""A flood of what is written down outside fills no disk there: it is counted instead."""

from __future__ import annotations

from edgeagent_harness.outside.containment.violations import Tally
from edgeagent_harness.protocol.audit import Connection, Entry, Executed, SystemCall


def flooded(entries: list[Entry]) -> list[Entry]:
    """What is listed of ``entries`` that come within one second."""
    listed: list[Entry] = []
    tally = Tally(listed.append)
    for entry in entries:
        tally.add(entry)
    tally.flush()
    return listed


def test_refused_connections_are_counted() -> None:
    refused = [Connection("denied", "sandbox", "connect", f"{number}.example", 443) for number in range(10_000)]
    listed = flooded([*refused])
    assert len(listed) == 101
    assert isinstance(listed[-1], Connection)
    assert listed[-1].reason == "9900 more requests, too many to list"


def test_permitted_connections_are_all_listed() -> None:
    permitted = [Connection("allowed", "sandbox", "connect", "a.example", 443, bytes_out=number) for number in range(1000)]
    assert flooded([*permitted]) == permitted


def test_system_calls_under_ever_new_names_are_counted() -> None:
    calls = [SystemCall("denied", "mount", number, f"name-{number}") for number in range(10_000)]
    listed = flooded([*calls])
    assert len(listed) < 200
    assert sum(entry.count for entry in listed if isinstance(entry, SystemCall)) == 10_000


def test_programs_are_counted() -> None:
    listed = flooded([Executed(f"/bin/{number}", number) for number in range(10_000)])
    assert len(listed) < 200


def test_a_second_later_all_is_listed_again() -> None:
    listed: list[Entry] = []
    tally = Tally(listed.append)
    for _ in range(2):
        for number in range(1000):
            tally.add(Connection("denied", "sandbox", "connect", f"{number}.example", 443))
        tally.flush()
    assert len(listed) == 202
