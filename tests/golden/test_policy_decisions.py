"""The committed policy decides as written down on committed screens, and refuses what is not on the screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.embedded.candidates import text_of
from edgeagent_models.embedded.deeds import deed_of
from edgeagent_models.embedded.derived import with_derived
from edgeagent_models.embedded.fragments import with_fragments
from edgeagent_models.embedded.instruction import parse
from edgeagent_models.embedded.memory import Memory, executed, remember
from edgeagent_models.embedded.policy import Policy
from edgeagent_models.protocol import Element, PastStep

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "policy_decisions.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy()


def elements_of(rows: list[list[Any]]) -> tuple[Element, ...]:
    return tuple(
        Element(i, role, Rect(left, top, right, bottom), text, label, state)
        for i, (role, text, label, state, left, top, right, bottom) in enumerate(rows)
    )


def run(policy: Policy, case: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The decisions on the case's screens one after another: kind, what it is aimed at, what is typed."""
    instruction = parse(case["task"])
    memory, history = Memory(), list[PastStep]()
    decisions: list[tuple[str, str, str]] = []
    for rows in case["screens"]:
        elements = with_derived(case["task"], with_fragments(case["task"], elements_of(rows)))
        past = executed(memory, history)
        choice = policy.decide(instruction, elements, memory, past).choice
        target = elements[choice.element] if choice.element is not None else None
        decisions.append((choice.kind, (target.text or target.label) if target else "", text_of(choice, instruction, elements)))
        memory = remember(memory, deed_of(choice, instruction, elements, len(history), past), elements)
        history.append(PastStep("{}", "confirmed"))
    return decisions


@pytest.mark.parametrize("case", [c for c in CASES if "decisions" in c], ids=lambda c: c["name"])
def test_decisions(policy: Policy, case: dict[str, Any]) -> None:
    assert run(policy, case) == [tuple(decision) for decision in case["decisions"]]


@pytest.mark.parametrize("case", [c for c in CASES if "decisions" not in c], ids=lambda c: c["name"])
def test_what_is_not_there_is_not_clicked(policy: Policy, case: dict[str, Any]) -> None:
    kinds = {kind for kind, _, _ in run(policy, case)}
    assert kinds <= {"fail", "ask", "page_down", "page_up", "wait"}


@pytest.mark.parametrize(("words", "kind"), [(200, "click"), (201, "fail")])
def test_a_task_that_is_too_long_is_refused_and_not_cut(policy: Policy, words: int, kind: str) -> None:
    screen = [["button", "OK", "", "", 10, 10, 60, 40]]
    task = " ".join(["Press", "OK.", *["blah"] * (words - 2)])
    assert run(policy, {"task": task, "screens": [screen]})[0][0] == kind


def test_the_weights_are_small() -> None:
    from edgeagent_models.embedded.policy import WEIGHTS

    assert WEIGHTS.stat().st_size < 5_000_000
