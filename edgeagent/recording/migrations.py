"""What changed between versions of the event log. Append-only: a migration is never edited or removed.

A migration takes one event of format ``number`` (builtins, as decoded from JSON) to the next format;
it runs when an old log is read, and nothing on disk is rewritten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

RawEvent = dict[str, object]


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from format ``number`` to ``number + 1``."""

    number: int
    reason: str
    apply: Callable[[RawEvent], RawEvent]


def _as_it_is(event: RawEvent) -> RawEvent:
    return event


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        1, "kinds were added (state, model, compaction, homes, fork, rewind, masks, hand-over); none was changed", _as_it_is
    ),
)


def upgrade(event: RawEvent, format_number: int, migrations: Sequence[Migration] = MIGRATIONS) -> RawEvent:
    """``event`` of ``format_number`` brought up to the newest format."""
    for migration in migrations:
        if migration.number >= format_number:
            event = migration.apply(event) | {"format": migration.number + 1}
    return event
