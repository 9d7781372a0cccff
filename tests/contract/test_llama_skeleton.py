"""Forced spans change how fast a constrained reply is written, not what it says, and less of it is asked of the model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from support.engines import user
from support.inprocess import Asked, loaded
from support.tiny_models import TinyModels

from edgeagent_models.families.grammar import CHARACTER
from edgeagent_models.families.holo import HOLO
from edgeagent_models.llama.job import Job
from edgeagent_models.llama.model import LlamaModel
from edgeagent_models.llama.sampler import Sampler
from edgeagent_models.protocol import ChatMessage, Load, Sampling, TextPart

pytestmark = pytest.mark.llama
TOLERANCE = 0.01
VIEW = HOLO.view(1280, 800, 32)
CLICK = """\
root ::= "{\\"tool_name\\": \\"" verb "\\", \\"element\\": \\"" [a-z]{8} "\\", \\"x\\": " x ", \\"y\\": " x "}"
verb ::= "click" | "double_click"
x ::= [0-9] | [1-9] [0-9]{1,2} | "1000"
"""
ACTION = HOLO.dialect.grammar(VIEW).replace(CHARACTER, "[a-z ]").replace("{0,300}", "{0,40}").replace("{0,600}", "{0,80}")
"""All of Holo's actions, with short plain texts: random weights do not end theirs."""
QUESTIONS = ["Which button?", "Where next?", "Go on!", "Press what?"]


@pytest.fixture(params=["dense", "hybrid"])
def asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tiny_models: TinyModels) -> Iterator[Asked]:
    with loaded(monkeypatch, tiny_models.named(request.param), None) as asked:
        yield asked


@pytest.mark.parametrize("rules", [CLICK, ACTION], ids=["click", "holo"])
def test_a_forced_span_in_one_batch_is_as_token_by_token(asked: Asked, monkeypatch: pytest.MonkeyPatch, rules: str) -> None:
    """Same words, same logits wherever the model is asked; and it is asked for less than the reply has."""
    batched = {question: asked.ask("a", user(question), grammar=rules, max_tokens=900) for question in QUESTIONS}
    next_tokens = Job.next_tokens
    monkeypatch.setattr(Job, "next_tokens", lambda job, limit: next_tokens(job, 1 if job.generating else limit))
    for question, (reply, logits) in batched.items():
        asked.fresh("a")
        singly, expected = asked.ask("a", user(question), grammar=rules, max_tokens=900)
        assert (reply.text, reply.stop_reason, reply.usage.output_tokens) == (
            singly.text, singly.stop_reason, singly.usage.output_tokens
        )  # fmt: skip
        assert reply.stop_reason == "grammar"
        assert np.abs(logits - expected).max() < TOLERANCE
        assert len(logits) <= reply.usage.output_tokens - 15


def test_every_reply_is_an_action(asked: Asked) -> None:
    for question in QUESTIONS:
        reply, _ = asked.ask("a", user(question), grammar=ACTION, max_tokens=900)
        HOLO.parse(reply.text, VIEW)


def test_a_reply_that_is_forced_whole(asked: Asked) -> None:
    reply, logits = asked.ask("a", user("Well?"), grammar='root ::= "{\\"done\\": true}"', max_tokens=50)
    assert (reply.text, reply.stop_reason, len(logits)) == ('{"done": true}', "grammar", 1)


@pytest.mark.parametrize("limit", [1, 5, 13])
def test_a_forced_span_keeps_to_the_length(asked: Asked, limit: int) -> None:
    reply, _ = asked.ask("a", user("Well?"), grammar=CLICK, max_tokens=limit)
    assert (reply.text, reply.stop_reason) == ('{"tool_name": "'[:limit], "length")
    assert reply.usage.output_tokens == limit


def test_a_grammar_that_never_ends_is_bounded(asked: Asked) -> None:
    reply, _ = asked.ask("a", user("Well?"), grammar='root ::= "ab" root', max_tokens=3000)
    assert reply.text == "ab" * 1500


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ('"click" [A-Z]', "click"),
        ('"click" ("ing" | "s")', "click"),
        ('"a c" ("lick" | "ut")', "a "),
        ('"a click" ("ing" | "s")?', "a click"),
    ],
    ids=["nothing goes beyond", "nor here", "click goes beyond c", "it may end there"],
)
def test_an_open_end_is_forced_where_no_token_goes_beyond_it(tiny_models: TinyModels, rules: str, text: str) -> None:
    """`click` is a token of the tiny vocabulary, as every letter is."""
    model = LlamaModel(Load(0, str(tiny_models.dense), context_tokens=64, max_sequences=1), lambda: False)
    sampler, forced = Sampler(model.vocabulary, Sampling(), f"root ::= {rules}"), b""
    while tokens := sampler.forced():
        for token in tokens:
            sampler.accept(token)
            forced += model.vocabulary.piece(token)
    sampler.close()
    model.close()
    assert forced.decode() == text


@pytest.mark.parametrize("question", QUESTIONS)
def test_after_a_reply_the_state_is_as_from_nothing(asked: Asked, question: str) -> None:
    """What closes a reply is not decoded with it: the next prompt brings it."""
    reply, _ = asked.ask("a", user(question), grammar=ACTION, max_tokens=900)
    told = (user(question), ChatMessage("assistant", (TextPart(reply.text),)), user("And now?"))
    further, logits = asked.ask("a", *told, grammar=ACTION, max_tokens=900)
    asked.fresh("a")
    again, expected = asked.ask("a", *told, grammar=ACTION, max_tokens=900)
    assert further.usage.cached_tokens > again.usage.cached_tokens == 0
    assert (further.text, further.usage.output_tokens) == (again.text, again.usage.output_tokens)
    assert np.abs(logits - expected).max() < TOLERANCE
