"""``redaction`` of a policy: read strictly, told in words, and applied to what the user reads as text."""

from __future__ import annotations

import pytest

from edgeagent.errors import UsageError
from edgeagent.events import Intent, Observed, Replied
from edgeagent.redaction.texts import Patterns, Word, lines_of
from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.policy.explain import explain
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.redaction import Matching, Redaction, Region
from edgeagent_harness.protocol.actions import Key, Type
from edgeagent_harness.protocol.geometry import Rect

GOOD = r"""
redaction:
  regions:
    - {name: clock, left: 500, top: 0, right: 640, bottom: 40}
  patterns:
    - {name: card, match: '(?:\d[ -]?){13,16}'}
"""


def test_what_it_says() -> None:
    policy = parse(GOOD)
    assert policy.redaction == Redaction(
        (Region("clock", Rect(500, 0, 640, 40)),), (Matching("card", r"(?:\d[ -]?){13,16}", line=6),)
    )
    told = {chapter.title: chapter.lines for chapter in explain(policy)}["Redaction"]
    assert [mark for mark, _, _ in told] == ["no", "no"]
    assert "140x40 px at (500, 0) (clock)" in told[0][1]
    assert not parse("").redaction.patterns


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("right: 640", "right: 500", "is empty: left < right"),
        ("right: 640, ", "", "right"),
        ("name: clock", "name: The Clock", "must be lower-case letters"),
        ("match: '(?:\\d[ -]?){13,16}'", "match: ''", "must have 1 to 500 characters"),
        ("patterns:", "paterns:", "patterns"),
        ("  patterns:\n", "    - {name: clock, left: 1, top: 1, right: 2, bottom: 2}\n  patterns:\n", "is given twice"),
    ],
)
def test_a_mistake_is_told(before: str, after: str, told: str) -> None:
    assert before in GOOD
    with pytest.raises(UsageProblem, match=told):
        parse(GOOD.replace(before, after))


def test_a_pattern_that_is_none_is_told_with_its_line() -> None:
    with pytest.raises(UsageError, match=r"policy, line 7: redaction.patterns: bad"):
        Patterns([Matching("bad", "(", line=7)], "policy")


@pytest.fixture
def patterns() -> Patterns:
    return Patterns([Matching("card", r"(?:\d[ -]?){13,16}"), Matching("mail", r"[a-z.]+@[a-z.]+")], "policy")


def test_texts_lose_what_matches_and_nothing_else(patterns: Patterns) -> None:
    assert patterns.text("pay 4111 1111 1111 1111, tell anna@example.org") == "pay [redacted card], tell [redacted mail]"
    assert patterns.text("pay 4111 to Zoë") == "pay 4111 to Zoë"
    assert dict(patterns.taken_out) == {"card": 1, "mail": 1}


def test_what_a_program_reads_stays(patterns: Patterns) -> None:
    """A frame's name of digits alone is no card number, nor is a key that was pressed."""
    frame = "41111111111111110000000000000000"
    assert patterns.struct(Observed(frame, 1.0)) == Observed(frame, 1.0)
    intent = Intent(1, Type("4111 1111 1111 1111"), frame, thought="to anna@example.org")
    assert patterns.struct(intent) == Intent(1, Type("[redacted card]"), frame, thought="to [redacted mail]")
    assert patterns.struct(Intent(1, Key(("1",)), frame)) == Intent(1, Key(("1",)), frame)
    reply = patterns.struct(Replied('{"thought":"","action":{"kind":"type","text":"4111111111111111"}}'))
    assert "[redacted card]" in reply.text
    assert "4111" not in reply.text


def test_a_number_that_was_read_in_pieces_is_found(patterns: Patterns) -> None:
    words = [
        Word("1111", Rect(120, 101, 160, 121)),
        Word("4111", Rect(20, 100, 60, 120)),
        Word("1111 1111", Rect(170, 99, 260, 119)),
        Word("Total", Rect(20, 140, 60, 160)),
        Word("1111", Rect(70, 102, 110, 122)),
    ]
    assert [[word.box.left for word in line] for line in lines_of(words)] == [[20, 70, 120, 170], [20]]
    found = list(patterns.on_screen(words))
    assert {box.left for name, box in found if name == "card"} == {20, 70, 120, 170}
    assert list(patterns.on_screen(words[:2])) == [], "eight digits are no card number"
