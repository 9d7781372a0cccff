"""What may succeed inside is listed in ``docs/threat-model.md``, with the reason, and nothing else is."""

from __future__ import annotations

from pathlib import Path

from escape.attempts.core import DONE, Attempt
from escape.attempts.run import load

WHO = {"app": "an application", "executor": "the executor", "egress": "an application with a way out"}
PAGE = Path(__file__).parents[2] / "docs" / "threat-model.md"


def row(one: Attempt) -> str:
    """The line of the page's table that ``one`` belongs in."""
    contexts = " and ".join(WHO[context] for context, outcome in one.expected.items() if outcome == DONE)
    return f"| `{one.name}` | {one.tries}, by {contexts} | {one.accepted} |"


def test_the_page_lists_the_accepted_attempts() -> None:
    accepted = [row(one) for one in load().values() if one.accepted]
    section = PAGE.read_text().split("## Attempts that succeed inside")[1].split("\n## ")[0]
    listed = [line for line in section.splitlines() if line.startswith("| `")]
    assert listed == accepted
