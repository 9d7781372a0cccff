"""What "always" covers: this kind of action in this application and place, for a while; other text where the field is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from edgeagent.history import History, Step
from edgeagent.policy.asking import Question, Said
from edgeagent.policy.facts import Where
from edgeagent.policy.gate import PolicyGate, gate_for
from edgeagent.policy.grants import GRANT_S
from edgeagent.testing import FakeClock
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.protocol.actions import Action, Batch, Click, Key, MouseDown, Move, OpenApp, Type
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.windows import WindowFacts

PAD = WindowFacts(1, 10, "mousepad", "Mousepad", "a.txt - Mousepad")
MAIL = WindowFacts(2, 11, "thunderbird", "Thunderbird", "Write")
WEB = WindowFacts(3, 20, "chromium", "Chromium", "Shop")
FIELD = Click(Point(100, 100))


@dataclass
class There:
    """One window everywhere; in the browser, the hosts that it states."""

    window: WindowFacts = PAD
    pages: frozenset[str] = frozenset()

    async def where(self, action: Action) -> Where:
        return Where(self.window, (self.window,) * 4, self.pages, self.window.pid if self.pages else 0)


@dataclass
class Person:
    """Says always the first time, no from then on."""

    asked: list[Question] = field(default_factory=list[Question])

    async def ask(self, question: Question) -> Said:
        self.asked.append(question)
        return "no" if len(self.asked) > 1 else "always"


def gate_in(there: There, policy: str = "gate: {mode: ask}\n") -> tuple[PolicyGate, Person, FakeClock]:
    gate, person, clock = gate_for(parse(f"version: 1\n{policy}"), "policy", None, None), Person(), FakeClock()
    gate.surroundings, gate.asker, gate.clock, gate.looks = there, person, clock, "secrets" in policy
    return gate, person, clock


def after(*actions: Action) -> History:
    return History(steps=tuple(Step(number, action, Effect("confirmed")) for number, action in enumerate(actions, 1)))


async def test_typing_into_the_same_field_may_go_on_with_other_text_for_a_while() -> None:
    gate, person, clock = gate_in(There())
    assert (await gate.judge(Type("hello"), after(FIELD))).allow
    assert person.asked[0].again == "the same here, with other text too"
    assert person.asked[0].places == ("mousepad",)
    assert (await gate.judge(Type("other words"), after(FIELD, Type("hello")))).allow
    assert (await gate.judge(Type("more"), after(Click(Point(400, 400)), Click(Point(110, 95))))).allow
    assert len(person.asked) == 1
    clock.advance(GRANT_S + 1)
    assert not (await gate.judge(Type("hello"), after(FIELD))).allow
    assert len(person.asked) == 2


async def test_a_press_and_typing_in_one_are_one_place() -> None:
    gate, person, _ = gate_in(There())
    everything = Key(("ctrl", "a"))
    assert (await gate.judge(Batch((FIELD, everything, Type("Zoë"))), History())).allow
    assert person.asked[0].again == "the same in this place, with other text too"
    assert (await gate.judge(Batch((Click(Point(105, 104)), everything, Type("Ann"))), History())).allow
    assert not (await gate.judge(Batch((Click(Point(105, 150)), everything, Type("Ann"))), History())).allow


@pytest.mark.parametrize(
    ("granted", "before", "wanted", "now"),
    [
        (Type("hello"), after(), Type("other"), after()),
        (Type("hello"), after(FIELD), Type("other"), after(Click(Point(100, 200)))),
        (Type("hello"), after(FIELD), Type("hello"), after(Click(Point(100, 200)))),
        (Type("hello"), after(FIELD), Type("other"), after(FIELD, Key(("Tab",)))),
        (Type("hello"), after(FIELD), Type("other"), after(FIELD, Type("a\tb"))),
        (Type("hello"), after(FIELD), Type("other"), after(FIELD, OpenApp("xterm"))),
        (Type("hello"), after(FIELD), Type("other", submit=True), after(FIELD)),
        (Type("hello"), after(FIELD), Type("other\n"), after(FIELD)),
        (Type("ls", submit=True), after(FIELD), Type("rm -r x", submit=True), after(FIELD)),
        (Type("hello"), after(FIELD), Type(secret_ref="pin"), after(FIELD)),
        (Type("hello"), after(FIELD), FIELD, after(FIELD)),
        (FIELD, after(), Click(Point(100, 100), button="right"), after()),
        (FIELD, after(), Click(Point(100, 100), count=2), after()),
        (Key(("ctrl", "s")), after(FIELD), Key(("ctrl", "q")), after(FIELD)),
        (MouseDown(), after(Move(Point(1, 1))), MouseDown(), after(Move(Point(1, 1)))),
        (OpenApp("gedit"), after(), OpenApp("xterm"), after()),
    ],
)
async def test_what_it_does_not_cover(granted: Action, before: History, wanted: Action, now: History) -> None:
    gate, person, _ = gate_in(
        There(), "gate: {mode: ask}\nsecrets: [{name: pin, source: environment, applications: [mousepad]}]\n"
    )
    assert (await gate.judge(granted, before)).allow
    assert not (await gate.judge(wanted, now)).allow
    assert len(person.asked) == 2


async def test_another_application_is_asked_for_anew_although_no_rule_goes_by_it() -> None:
    there = There()
    gate, person, _ = gate_in(there)
    assert (await gate.judge(Type("hello"), after(FIELD))).allow
    there.window = MAIL
    assert not (await gate.judge(Type("hello"), after(FIELD))).allow
    assert [question.places for question in person.asked] == [("mousepad",), ("thunderbird",)]


async def test_in_a_browser_other_text_needs_the_host_and_without_one_the_page_must_be_the_same() -> None:
    there = There(WEB)
    gate, _, _ = gate_in(there)
    assert (await gate.judge(Type("hello"), after(FIELD))).allow
    assert (await gate.judge(Type("hello"), after(FIELD))).allow
    assert not (await gate.judge(Type("other"), after(FIELD))).allow
    there.window = WindowFacts(3, 20, "chromium", "Chromium", "Bank")
    assert not (await gate.judge(Type("hello"), after(FIELD))).allow

    stated = There(WEB, frozenset({"shop.example"}))
    gate, _, _ = gate_in(stated)
    assert (await gate.judge(Type("hello"), after(FIELD))).allow
    assert (await gate.judge(Type("other"), after(FIELD))).allow
    stated.pages = frozenset({"bank.example"})
    assert not (await gate.judge(Type("other"), after(FIELD))).allow


async def test_a_deny_holds_and_a_rule_that_asks_because_of_the_text_asks_for_each_text() -> None:
    policy = (
        "gate:\n  mode: ask\n  rules:\n    - {decision: deny, text: ['rm -rf']}\n"
        "    - {decision: ask, name: money, text: ['pay']}\n"
    )
    gate, person, _ = gate_in(There(), policy)
    assert (await gate.judge(Type("hello"), after(FIELD))).allow
    assert (await gate.judge(Type("good day"), after(FIELD))).allow
    denied = await gate.judge(Type("rm -rf ~"), after(FIELD))
    assert (denied.allow, denied.asked) == (False, False)
    assert not (await gate.judge(Type("pay 5"), after(FIELD))).allow, "another rule asks"
    person.asked.clear()
    assert (await gate.judge(Type("pay 5"), after(FIELD))).allow
    assert person.asked[0].again == "the very same here"
    assert (await gate.judge(Type("pay 5"), after(FIELD))).allow
    assert not (await gate.judge(Type("pay 500"), after(FIELD))).allow


async def test_after_a_fresh_desktop_the_field_is_not_known() -> None:
    gate, _, _ = gate_in(There())
    assert (await gate.judge(Type("hello"), after(FIELD))).allow
    history = History(steps=after(FIELD).steps, fresh_desktop=True)
    assert not (await gate.judge(Type("other"), history)).allow
