"""What each family's models are sent stays as it was looked at, and what their authors publish is understood as it is meant."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from family_replies import REPLIES, SCREEN
from make_family_transcripts import DIRECTORY, transcript

from edgeagent_harness.protocol.actions import Action
from edgeagent_models.families.family import Family
from edgeagent_models.families.registry import FAMILIES, by_name


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_conversation_is_the_one_that_was_looked_at(family: Family) -> None:
    assert transcript(family) == (DIRECTORY / f"{family.name}.txt").read_text()


@pytest.mark.parametrize(
    ("family", "reply", "action"), [(name, *case) for name, cases in REPLIES.items() for case in cases]
)  # fmt: skip
def test_a_published_reply_is_understood(family: str, reply: str, action: Action) -> None:
    spoken = by_name(family)
    assert spoken.parse(reply, spoken.view(*SCREEN)).action == action


def test_every_family_has_published_replies() -> None:
    assert set(REPLIES) == {family.name for family in FAMILIES}
