"""The gate's rules for any rules and facts: a deny beats everything, one more never allows more, an allow needs what is known."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edgeagent.policy.facts import Facts
from edgeagent.policy.judge import compile_rules, judge, matches, strictest
from edgeagent_harness.policy.gate_types import WEEKDAYS, Gate, GateDecision, GateMode, Hours, Rule
from edgeagent_harness.protocol.geometry import Rect

STRICTNESS: dict[GateDecision, int] = {"allow": 0, "ask": 1, "deny": 2}
KINDS = ("click", "type", "key", "open_url")
NAMES = ("mousepad", "chromium", "xterm", "")
HOSTS = ("a.example", "b.a.example", "evil.example")
TEXTS = ("", "rm -rf /", "hello", "4711")

some = st.lists(st.sampled_from(NAMES[:3]), max_size=2, unique=True)
hosts = st.lists(st.sampled_from(HOSTS), max_size=3, unique=True)
decisions = st.sampled_from(("allow", "ask", "deny"))
modes = st.sampled_from(("plan", "ask", "bounded", "auto"))
rules = st.builds(
    Rule,
    decision=decisions,
    name=st.sampled_from(("one", "two", "three")),
    actions=st.lists(st.sampled_from(KINDS), max_size=2, unique=True).map(tuple),
    applications=st.lists(st.sampled_from(("mouse*", "chromium", "*")), max_size=2, unique=True).map(tuple),
    titles=st.lists(st.sampled_from(("Bank*", "*")), max_size=1).map(tuple),
    hosts=st.lists(st.sampled_from(("a.example", "*.a.example", "evil.example")), max_size=2, unique=True).map(tuple),
    regions=st.sampled_from(((), (Rect(0, 0, 100, 100),))),
    text=st.lists(st.sampled_from(("rm -rf", "[0-9]+", ".*")), max_size=1).map(tuple),
    hours=st.sampled_from(((), (Hours(480, 1080),), (Hours(1320, 360),))),
    days=st.sampled_from(((), ("mon", "tue"))),
)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    processes = frozenset(draw(some))
    pages = frozenset(draw(hosts))
    text = draw(st.sampled_from(TEXTS))
    return Facts(
        kind=draw(st.sampled_from(KINDS)),
        acts=draw(st.booleans()),
        processes=processes,
        applications=processes | frozenset(draw(some)),
        titles=frozenset(draw(st.lists(st.sampled_from(("Bank of A", "Mail")), max_size=2))),
        hosts=pages,
        sure_hosts=pages if draw(st.booleans()) else frozenset(),
        points=tuple(draw(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=2))),
        text=text,
        run=draw(st.sampled_from(("", "rm "))) + text,
        minute=draw(st.integers(0, 1439)),
        weekday=draw(st.sampled_from(WEEKDAYS)),
    )


def decide(mode: GateMode, listed: list[Rule], of: Facts) -> GateDecision:
    return judge(compile_rules(Gate(mode, tuple(listed))), of).decision


@given(modes, st.lists(rules, max_size=6), facts())
def test_a_deny_that_matches_wins_wherever_it_stands(mode: GateMode, listed: list[Rule], of: Facts) -> None:
    denies = [entry for entry in compile_rules(Gate("auto", tuple(listed))).rules if entry.rule.decision == "deny"]
    if any(matches(entry, of) for entry in denies):
        assert decide(mode, listed, of) == "deny"


@given(modes, st.lists(rules, max_size=5), rules, st.integers(0, 5), facts())
def test_one_more_deny_never_allows_more(mode: GateMode, listed: list[Rule], extra: Rule, place: int, of: Facts) -> None:
    more = [*listed[:place], replace(extra, decision="deny"), *listed[place:]]
    assert STRICTNESS[decide(mode, more, of)] >= STRICTNESS[decide(mode, listed, of)]


@given(st.lists(rules, max_size=5), facts())
def test_a_stricter_mode_never_allows_more(listed: list[Rule], of: Facts) -> None:
    by_mode = [STRICTNESS[decide(mode, listed, of)] for mode in ("auto", "ask", "bounded", "plan")]
    assert by_mode == sorted(by_mode)


@given(st.lists(rules, max_size=5), facts())
def test_a_plan_never_acts(listed: list[Rule], of: Facts) -> None:
    assert decide("plan", listed, replace(of, acts=True)) == "deny"


@given(rules, facts())
def test_what_is_not_known_never_matches_an_allow(rule: Rule, of: Facts) -> None:
    (entry,) = compile_rules(Gate("auto", (replace(rule, decision="allow"),))).rules
    unknown = replace(of, processes=frozenset(), sure_hosts=frozenset(), titles=frozenset(), points=(), text="")
    if rule.applications or rule.hosts or rule.titles or rule.regions or rule.text:
        assert not matches(entry, unknown)


@given(st.lists(rules, max_size=5), st.lists(facts(), min_size=1, max_size=4))
def test_a_batch_is_judged_as_its_strictest_part(listed: list[Rule], parts: list[Facts]) -> None:
    compiled = compile_rules(Gate("auto", tuple(listed)))
    rulings = [judge(compiled, part) for part in parts]
    assert STRICTNESS[strictest(rulings).decision] == max(STRICTNESS[ruling.decision] for ruling in rulings)


@given(st.lists(rules, max_size=6), facts())
def test_the_first_that_matches_decides_between_ask_and_allow(listed: list[Rule], of: Facts) -> None:
    gentle = [rule for rule in listed if rule.decision != "deny"]
    matching = [entry.rule for entry in compile_rules(Gate("auto", tuple(gentle))).rules if matches(entry, of)]
    if matching:
        assert decide("auto", gentle, of) == matching[0].decision
