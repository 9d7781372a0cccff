"""The gate: modes, rules, limits and questions, each decision noted and audited; what the user allows is narrow and expires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgeagent import events
from edgeagent.errors import UsageError
from edgeagent.history import History, Step
from edgeagent.policy.asking import Question, Said
from edgeagent.policy.facts import Where
from edgeagent.policy.gate import PolicyGate, gate_for
from edgeagent.policy.grants import GRANT_S
from edgeagent.policy.judge import compile_rules
from edgeagent.testing import FakeClock
from edgeagent_harness.policy.gate_types import GateMode
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.protocol.actions import (
    Action,
    Batch,
    Click,
    ClipboardWrite,
    Finish,
    Key,
    OpenApp,
    OpenUrl,
    Screenshot,
    Type,
)
from edgeagent_harness.protocol.audit import Entry, GateDecision
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.windows import WindowFacts

HEAD = "version: 1\n"
CLICK = Click(Point(100, 100))
PAD = WindowFacts(1, 10, "mousepad", "Mousepad", "a.txt - Mousepad")
WEB = WindowFacts(2, 20, "chromium", "Chromium", "Bank")


@dataclass
class There:
    """Surroundings that are told."""

    focused: WindowFacts | None = PAD
    under: WindowFacts | None = PAD
    pages: frozenset[str] = frozenset()

    async def where(self, action: Action) -> Where:
        return Where(self.focused, (self.under,) * 4, self.pages, 20 if self.pages else 0)


@dataclass
class Person:
    """Answers in turn."""

    answers: list[Said]
    asked: list[Question] = field(default_factory=list[Question])

    async def ask(self, question: Question) -> Said:
        self.asked.append(question)
        return self.answers.pop(0)


def make(
    text: str = "", mode: GateMode | None = None, there: There | None = None, answers: Iterable[Said] | None = None
) -> tuple[PolicyGate, list[Entry]]:
    """A gate by the policy ``text`` and what it audits."""
    heard: list[Entry] = []
    gate = gate_for(parse(HEAD + text if text else ""), "policy", mode, None)
    gate.surroundings, gate.audit, gate.clock = there or There(), heard.append, FakeClock()
    gate.asker = None if answers is None else Person(list(answers))
    return gate, heard


def rules(*lines: str, mode: str = "auto") -> str:
    return f"gate:\n  mode: {mode}\n  rules:\n" + "".join(f"    - {line}\n" for line in lines)


async def verdict(gate: PolicyGate, action: Action, history: History | None = None) -> events.Verdict:
    return await gate.judge(action, history or History())


@pytest.mark.parametrize(
    ("mode", "allow", "ends"),
    [("plan", False, "needs_user"), ("ask", False, "needs_user"), ("bounded", False, ""), ("auto", True, "")],
)  # fmt: skip
async def test_each_mode_on_what_no_rule_decides(mode: GateMode, allow: bool, ends: str) -> None:
    gate, heard = make(mode=mode)
    said = await verdict(gate, CLICK)
    assert (said.allow, said.ends) == (allow, ends)
    assert (await verdict(gate, Screenshot())).allow
    assert (await verdict(gate, Finish())).allow
    assert [entry.decision for entry in heard if isinstance(entry, GateDecision)][:1] == ([] if mode == "auto" else
        [{"ask": "asked"}.get(mode, "denied")])  # fmt: skip


async def test_the_user_is_asked_and_the_answer_is_audited() -> None:
    gate, heard = make(mode="ask", answers=["yes", "no"])
    assert (await verdict(gate, CLICK)).allow
    refused = await verdict(gate, CLICK)
    assert not refused.allow
    assert refused.asked
    assert "does not want this" in refused.reason
    assert [entry.decision for entry in heard if isinstance(entry, GateDecision)] == ["asked", "allowed", "asked", "denied"]


async def test_always_holds_for_the_same_thing_in_the_same_place_and_for_a_while() -> None:
    gate, _ = make(rules("{decision: ask, applications: ['*']}"), answers=["always", "no", "no"])
    clock, there = gate.clock, gate.surroundings
    assert isinstance(clock, FakeClock)
    assert isinstance(there, There)
    assert (await verdict(gate, CLICK)).allow
    assert (await verdict(gate, Click(Point(110, 95)))).allow
    assert not (await verdict(gate, Click(Point(200, 100)))).allow
    there.under = WEB
    assert not (await verdict(gate, CLICK)).allow
    there.under = PAD
    clock.advance(GRANT_S + 1)
    gate.asker = None
    assert not (await verdict(gate, CLICK)).allow


async def test_nobody_to_ask_ends_the_run_until_it_is_approved() -> None:
    gate, _ = make(rules("{decision: ask, name: typing, actions: [type]}"))
    waiting = await verdict(gate, Type("hello"))
    assert (waiting.ends, waiting.action) == ("needs_user", Type("hello"))
    approved = events.Approved("typing", Type("hello"))
    gate.approved = approved
    assert not (await verdict(gate, Type("something else"))).allow
    assert (await verdict(gate, Type("hello"))).allow
    assert not (await verdict(gate, Type("hello"))).allow


@pytest.mark.parametrize(
    ("rule", "denied", "allowed"),
    [
        ("{decision: deny, actions: [open_app]}", OpenApp("xterm"), CLICK),
        ("{decision: deny, applications: ['mouse*']}", Type("x"), OpenApp("xterm")),
        ("{decision: deny, applications: [xterm]}", OpenApp("/usr/bin/xterm -e sh"), CLICK),
        ("{decision: deny, titles: ['*a.txt*']}", CLICK, OpenApp("xterm")),
        ("{decision: deny, regions: [{left: 90, top: 90, right: 120, bottom: 120}]}", CLICK, Click(Point(50, 100))),
        ("{decision: deny, text: ['rm -rf']}", Type("sudo rm -rf /"), Type("rm -r")),
        ("{decision: deny, text: ['^ctrl[+]alt']}", Key(("ctrl", "alt", "t")), Key(("ctrl", "t"))),
        ("{decision: deny, hosts: [evil.localhost]}", OpenUrl("http://EVIL.localhost/"), CLICK),
        ("{decision: deny, actions: [click], times: ['00:00-12:00', '12:00-00:00']}", CLICK, Type("x")),
    ],
)  # fmt: skip
async def test_what_a_rule_can_go_by(rule: str, denied: Action, allowed: Action) -> None:
    gate, _ = make(rules(rule))
    said = await verdict(gate, denied)
    assert not said.allow
    assert "rule 1" in said.rule
    assert (await verdict(gate, allowed)).allow
    assert not (await verdict(gate, Batch((Screenshot(), denied)))).allow  # type: ignore[arg-type]


async def test_text_that_is_typed_in_pieces_is_read_together() -> None:
    gate, _ = make(rules("{decision: deny, text: ['rm -rf']}"))
    done = Effect("confirmed")
    history = History(steps=(Step(1, Type("rm -"), done), Step(2, Key(("r",)), done)))
    assert not (await verdict(gate, Type("f /"), history)).allow
    assert (await verdict(gate, Type("f /"))).allow
    assert not (await verdict(gate, Batch((Type("rm "), Type("-rf"))))).allow


async def test_the_host_is_what_the_browser_states_and_unknown_allows_nothing() -> None:
    policy = rules("{decision: allow, hosts: [bank.example]}", mode="bounded")
    known, _ = make(policy, there=There(WEB, WEB, frozenset({"bank.example"})))
    assert (await verdict(known, CLICK)).allow
    for there in (
        There(WEB, WEB),
        There(WEB, WEB, frozenset({"bank.example", "evil.example"})),
        There(PAD, PAD, frozenset({"bank.example"})),
    ):
        gate, _ = make(policy, there=there)
        assert not (await verdict(gate, CLICK)).allow


async def test_limits_end_the_run_or_are_extended_by_the_user() -> None:
    text = "gate:\n  limits: {max_typed_characters: 5}\n  escalation: {on_limit: LIMIT}\n"
    history = History(steps=(Step(1, Type("12345"), Effect("confirmed")),))
    ended, _ = make(text.replace("LIMIT", "end"))
    assert (await verdict(ended, CLICK, history)).ends == "stopped"
    paused, _ = make(text.replace("LIMIT", "pause"))
    assert (await verdict(paused, CLICK, history)).ends == "needs_user"
    assert (await verdict(paused, Finish(), history)).allow
    asked, _ = make(text.replace("LIMIT", "ask"), answers=["yes", "no"])
    assert (await verdict(asked, CLICK, history)).allow
    assert (await verdict(asked, CLICK, history)).allow
    more = History(steps=(*history.steps, Step(2, Type("678910"), Effect("confirmed"))))
    assert (await verdict(asked, CLICK, more)).ends == "stopped"


@pytest.mark.parametrize(
    "action",
    [
        Type("x" * 9),
        Batch((Type("12345"), Type("6789"))),
        Key(("a",), repeat=9),
        Key(("shift", "eacute"), repeat=9),
        ClipboardWrite("x" * 9),
    ],
)
async def test_no_single_action_types_beyond_the_limit_in_whatever_way(action: Action) -> None:
    gate, _ = make("gate:\n  limits: {max_typed_characters: 8}\n")
    said = await verdict(gate, action)
    assert (said.allow, said.rule) == (False, "limits.max_typed_characters")
    assert "9 of 8" in said.reason
    assert (await verdict(gate, Type("x" * 8))).allow
    assert (await verdict(gate, Key(("ctrl", "Right"), repeat=9))).allow


async def test_the_limit_on_time_is_named_as_in_the_file() -> None:
    gate, _ = make("gate:\n  limits: {max_wall_seconds: 1}\n")
    gate._began_s = gate.clock.monotonic_s() - 1.5  # pyright: ignore[reportPrivateUsage]
    assert (await verdict(gate, CLICK)).rule == "limits.max_wall_seconds"


@pytest.mark.parametrize(
    ("limit", "history"),
    [("max_tokens", History(tokens=11)), ("max_steps", History(steps=(Step(1, CLICK, Effect("confirmed")),) * 10))],
)
async def test_other_limits(limit: str, history: History) -> None:
    gate, _ = make(f"gate:\n  limits: {{{limit}: 10}}\n")
    assert (await verdict(gate, CLICK)).allow
    said = await verdict(gate, CLICK, history)
    assert (said.ends, said.rule) == ("stopped", f"limits.{limit}")


async def test_files_written_in_the_home_count_but_not_hidden_ones(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("x")
    gate = gate_for(parse(HEAD + "gate:\n  limits: {max_files_written: 2}\n"), "policy", None, tmp_path)
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "x").write_text("x")
    (tmp_path / "new").write_text("x")
    assert (await verdict(gate, CLICK)).allow
    (tmp_path / "old").write_text("xy")
    assert (await verdict(gate, CLICK)).rule == "limits.max_files_written"


def test_a_bad_pattern_is_told_with_its_line() -> None:
    policy = parse(HEAD + rules("{decision: deny, text: ['(a']}"))
    with pytest.raises(UsageError, match=r"p.yaml, line 5: gate rule 'rule 1': '\(a' is no RE2 pattern"):
        compile_rules(policy.gate, "p.yaml")


async def test_a_pattern_that_would_hang_others_is_quick() -> None:
    gate, _ = make(rules("{decision: deny, text: ['(x+x+)+y']}"))
    assert (await verdict(gate, Type("x" * 19_000))).allow
