#!/usr/bin/env python3
"""How long an action takes to write: token by token under a grammar, or with what the grammar forces in batches.

    skeleton_benchmark.py [--synthetic holo3.1-0.8b] [--repeats 7] [--json PATH]

All ways write the same tokens, those of the skeleton (random weights would spell the same text in tokens of their own), in turns.
"grammar first" masks the whole vocabulary before each choice, as llama.cpp's samplers do; "checked" asks the grammar about the
model's choice and about others only if it is refused, which random weights make happen at nearly each token and real ones seldom
do, so here it never masks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgeagent.bench.step.synthetic import made, named
from edgeagent.engine.process import OPENMP
from edgeagent.machine import machine_line
from edgeagent_models.families.holo import HOLO
from edgeagent_models.protocol import ChatMessage, Complete, Completed, EngineReply, Load, Sampling, TextPart

if TYPE_CHECKING:
    from edgeagent_models.llama.engine import LlamaEngine
    from edgeagent_models.llama.sampler import Logits, Sampler

os.environ.update(OPENMP)
"""As in an engine's process: this program holds the engine itself."""
WORDS = "the save button"
BARE = r"""root ::= "{\"note\": null, \"thought\": \"\", \"tool_call\": {\"tool_name\": " verb ", \"x\": " n ", \"y\": " n "}}"
verb ::= "\"click\"" | "\"double_click\"" | "\"right_click\"" | "\"hover\""
n ::= [1-9] [0-9]{2}
"""
"""An action of Holo's without free text."""
ACTIONS = {"action without free text": BARE}


class Took(NamedTuple):
    """One reply."""

    wall_ms: float
    cpu_ms: float
    """Of all threads: where other work shares the machine, this one holds."""


class Ways:
    """One engine, asked for the same action in several ways."""

    def __init__(self, engine: LlamaEngine, grammar: str) -> None:
        from edgeagent_models.llama import grammar_state
        from edgeagent_models.llama.sampler import Sampler

        self._engine = engine
        self._grammar = grammar
        self._states = grammar_state
        self._read = grammar_state.grammar
        self._sampler = Sampler
        self._choose, self._accept = Sampler.choose, Sampler.accept
        self.tokens: list[int] = []
        self.asked = 0

    def skeleton(self) -> Took:
        """As the engine does it; notes the tokens that come out."""
        noted: list[int] = []
        asked = 0

        def choose(sampler: Sampler, logits: Logits) -> int:
            nonlocal asked
            asked += 1
            return self._choose(sampler, logits)

        def accept(sampler: Sampler, token: int) -> None:
            noted.append(token)
            self._accept(sampler, token)

        took = self._took(choose, accept, skeleton=True)
        self.tokens, self.asked = noted, asked
        return took

    def grammar_first(self) -> Took:
        """The whole vocabulary is masked before each choice."""

        def choose(sampler: Sampler, logits: Logits) -> int:
            self._choose(sampler, logits)
            return next(told, -1)

        def refuse(_sampler: Sampler, _token: int) -> bool:
            return False

        def none_likely(_sampler: Sampler, _logits: Logits) -> int:
            return -1

        told = iter(self.tokens)
        shortcuts = {"_allowed": refuse, "_likeliest_allowed": none_likely}
        kept = {name: getattr(self._sampler, name) for name in shortcuts}
        for name, without in shortcuts.items():
            setattr(self._sampler, name, without)
        try:
            return self._took(choose, self._accept, skeleton=False)
        finally:
            for name, own in kept.items():
                setattr(self._sampler, name, own)

    def checked(self) -> Took:
        """The grammar is asked about the model's choice alone."""

        def choose(sampler: Sampler, logits: Logits) -> int:
            token = next(told, -1)
            if token < 0:
                return token
            raised = logits.copy()
            raised[token] = np.inf
            assert self._choose(sampler, raised) == token
            return token

        told = iter(self.tokens)
        return self._took(choose, self._accept, skeleton=False)

    def _took(self, choose: Callable[[Sampler, Logits], int], accept: Callable[[Sampler, int], None], skeleton: bool) -> Took:
        """From the prompt's last token to the end of the reply."""
        replies: list[EngineReply] = []
        self._states.grammar = self._read if skeleton else _unread
        self._sampler.choose, self._sampler.accept = choose, accept  # type: ignore[method-assign]
        try:
            message = ChatMessage("user", (TextPart("What is the next action? " * 20),))
            self._engine.complete(Complete(1, "a", (message,), Sampling(max_tokens=200), self._grammar), replies.append)
            began_s, cpu_began_s = time.perf_counter(), time.process_time()
            while self._engine.work():
                pass
            took = Took((time.perf_counter() - began_s) * 1000, (time.process_time() - cpu_began_s) * 1000)
        finally:
            self._states.grammar = self._read
            self._sampler.choose, self._sampler.accept = self._choose, self._accept  # type: ignore[method-assign]
        (reply,) = replies
        assert isinstance(reply, Completed)
        assert reply.stop_reason == "grammar", reply
        return took


def _unread(_text: str) -> None:
    return None


def measure(engine: LlamaEngine, grammar: str, repeats: int) -> dict[str, float]:
    """Medians, and the ratio to each other way of the same repeat."""
    ways = Ways(engine, grammar)
    for _ in range(2):
        ways.skeleton()  # the prompt goes into memory, and the grammar's states are met
    taken: dict[str, list[Took]] = {"skeleton": [], "grammar first": [], "checked": []}
    for _ in range(repeats):
        taken["skeleton"].append(ways.skeleton())
        taken["grammar first"].append(ways.grammar_first())
        taken["checked"].append(ways.checked())
    figures = {f"{name} ms": statistics.median(one.wall_ms for one in values) for name, values in taken.items()}
    figures |= {f"{name} processor ms": statistics.median(one.cpu_ms for one in values) for name, values in taken.items()}
    for other in ("grammar first", "checked"):
        pairs = list(zip(taken["skeleton"], taken[other], strict=True))
        figures[f"skeleton to {other}"] = statistics.median(own.wall_ms / its.wall_ms for own, its in pairs)
        figures[f"skeleton to {other}, processor"] = statistics.median(own.cpu_ms / its.cpu_ms for own, its in pairs)
    return {**figures, "tokens": len(ways.tokens), "of them asked of the model": ways.asked}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synthetic", default="holo3.1-0.8b", metavar="NAME[:QUANT]")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    wanted = named(arguments.synthetic)
    choice = asyncio.run(made(wanted, print))
    from edgeagent_models.llama.engine import LlamaEngine

    engine = LlamaEngine(Load(0, choice.model, "", context_tokens=4096, max_sequences=1))
    engine.open_sequence("a")
    print(f"{wanted.label}\n{machine_line()}; load average {os.getloadavg()[0]:.1f}")
    found: dict[str, dict[str, float]] = {}
    for name, grammar in {**ACTIONS, "action with its words": _wordy()}.items():
        found[name] = measure(engine, grammar, arguments.repeats)
        print(name)
        for figure, value in found[name].items():
            print(f"  {figure:32} {value:8.2f}")
    engine.close()
    if arguments.json:
        told = {"model": wanted.label, "machine": machine_line(), "load_average": os.getloadavg()[0], "actions": found}
        arguments.json.write_text(json.dumps(told, indent=1) + "\n")


def _wordy() -> str:
    """All of Holo's actions, as the family writes them, with free text of up to 24 letters: random weights do not end theirs."""
    rules = HOLO.dialect.grammar(HOLO.view(1280, 800, 32))
    short = rules.replace("char{0,300}", "[a-z]{0,24}").replace("char{0,600}", "[a-z]{0,24}")
    return "".join(f"{line}\n" for line in short.splitlines() if not line.startswith("char "))


if __name__ == "__main__":
    main()
