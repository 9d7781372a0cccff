"""A grammar read here allows what llama.cpp's own allows, says what is forced, and refuses what it cannot follow."""

import random

import pytest

from edgeagent_models.families.family import Family
from edgeagent_models.families.holo import HOLO
from edgeagent_models.families.registry import FAMILIES
from edgeagent_models.llama.gbnf import NotUnderstood, read
from edgeagent_models.llama.grammar_state import Grammar, State, grammar


def after(text: str, rules: str) -> State | None:
    state: State | None = Grammar(rules).start
    for char in text:
        state = state.after(char) if state else None
    return state


@pytest.mark.parametrize(
    ("rules", "good", "bad"),
    [
        ('root ::= "a\\"b"', ['a"b'], ["a", "ab"]),
        ('root ::= "x" [0-9]{2,3} | "y"?', ["x12", "x123", "y", ""], ["x1", "x1234", "z"]),
        ("root ::= [^a-c\\]]+ | [\\x41-\\x43]*", ["zz", "", "ABC", "d"], ["a", "]", "AZa"]),
        ('root ::= ("a" | "b")+ end # a comment\nend ::= "." .', ["ab.c", "b..", "a.é"], ["ab", ".x"]),
        ('root ::= "a" ("," "a"){0,3}', ["a", "a,a,a,a"], ["a,", "a,a,a,a,a"]),
        ("root ::= [a-zA-Z0-9+-]", ["-", "q", "+"], [".", ""]),
    ],
)
def test_what_may_come(rules: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        state = after(text, rules)
        assert state is not None
        assert state.may_end
    for text in bad:
        state = after(text, rules)
        assert state is None or not state.may_end


def test_forced_text_ends_where_there_is_a_choice() -> None:
    rules = 'root ::= "{\\"x\\": " [0-9] ", \\"kind\\": " ("\\"drag\\"" | "\\"double\\"") "}"'
    assert Grammar(rules).start.forced == '{"x": '
    assert after('{"x": 7', rules).forced == ', "kind": "d'  # type: ignore[union-attr]
    last = after('{"x": 7, "kind": "dr', rules)
    assert last is not None
    assert last.forced == 'ag"}'
    assert not last.ended
    assert after('{"x": 7, "kind": "drag"}', rules).ended  # type: ignore[union-attr]


def test_a_text_that_may_end_is_not_forced() -> None:
    assert Grammar('root ::= "a" "b"?').start.forced == "a"
    assert Grammar('root ::= "a" root').start.forced.startswith("aaaa")


@pytest.mark.parametrize("rules", ["root", "root ::= no", 'root ::= ("a"', 'root ::= root "a"', "root ::= {3}", "root ::= @"])
def test_what_is_no_grammar(rules: str) -> None:
    with pytest.raises(NotUnderstood):
        Grammar(rules)
    assert grammar(rules) is None


@pytest.mark.parametrize("family", [family for family in FAMILIES if family.dialect.grammar(family.view(1280, 800, 32))])
def test_walks_through_every_familys_grammar(family: Family) -> None:
    """Random walks end, and what they wrote is an action."""
    view = family.view(1280, 800, 32)
    start = Grammar(family.dialect.grammar(view)).start
    rng = random.Random(4)
    for _ in range(10):
        text, state = "", start
        while not (state.may_end and (state.ended or rng.random() < 0.5)):
            choices = [char for char in map(chr, range(32, 127)) if state.after(char)]
            # Texts end soon when their end is chosen often.
            char = state.forced[:1] or ('"' if '"' in choices and rng.random() < 0.5 else rng.choice(choices))
            text += char
            following = state.after(char)
            assert following is not None
            state = following
        if family is HOLO:
            family.parse(text, view)


def test_repetition_is_read_without_growing_the_rest() -> None:
    assert len(read("root ::= [a-z]{0,300}")) == 301
