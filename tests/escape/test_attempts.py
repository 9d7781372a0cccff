"""200 attempts to break out, by an application and by a hijacked executor, started by root and by an ordinary user, do no harm;
the same attempts without a sandbox do."""

from __future__ import annotations

import pytest
from escape.attempts.core import DONE
from escape.attempts.run import load
from escape.conftest import WHO, Seen

pytestmark = pytest.mark.sandbox
ATTEMPTS = load()
CASES = [
    (who, context, name)
    for who in WHO
    for name, one in ATTEMPTS.items()
    for context in one.expected
    if (who, context) != ("root", "egress")
]


@pytest.mark.parametrize(("who", "context", "name"), CASES)
def test_each_attempt(stage: Seen, who: str, context: str, name: str) -> None:
    one = ATTEMPTS[name]
    assert stage.outcome(who, context, name) in one.expected[context].split("|"), f"{one.tries}: {one.harm}"


@pytest.mark.parametrize("name", ATTEMPTS)
def test_each_control(stage: Seen, name: str) -> None:
    one = ATTEMPTS[name]
    assert stage.control(one) in one.control_outcome.split("|"), f"{one.tries}, as {one.control} {one.substitute}"


def test_the_table_is_sound() -> None:
    """Each attempt that may succeed says why, no other one may, and each control that does not simply succeed says why."""
    assert len(ATTEMPTS) >= 150
    for one in ATTEMPTS.values():
        assert (DONE in one.expected.values()) == bool(one.accepted), one.name
        assert (one.control_outcome != DONE) == bool(one.substitute), one.name
        assert one.layer or set(one.expected.values()) == {DONE}, one.name
