"""How many threads compute a few tokens follows what is fastest now, and trying others costs little."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from support.tiny_models import TinyModels

from edgeagent_models.llama.crew import Crew
from edgeagent_models.llama.decoder import Decoder, Row
from edgeagent_models.llama.model import LlamaModel
from edgeagent_models.llama.native import llama
from edgeagent_models.llama.threads import Threads
from edgeagent_models.protocol import Load

Times = Callable[[int], float]


def used(crew: Crew, times: Times, calls: int, tokens: int = 4) -> list[int]:
    """With how many threads each call was computed, if it takes ``times`` and a tenth more or less."""
    rng, counts = random.Random(7), list[int]()
    for _ in range(calls):
        counts.append(crew.threads(tokens))
        crew.took(tokens, times(counts[-1]) * rng.uniform(0.95, 1.05))
    return counts


def quiet(threads: int) -> float:
    return 0.08 / threads + 0.01


def shared(threads: int) -> float:
    return 0.08 * threads


def test_the_fastest_is_found_within_a_reply() -> None:
    assert used(Crew(Threads(1, 2)), quiet, 48)[-30:].count(2) >= 27
    assert used(Crew(Threads(2, 2)), shared, 48)[-30:].count(1) >= 27
    assert used(Crew(Threads(1, 16)), quiet, 200)[-30:].count(16) >= 27


def test_it_follows_the_machine() -> None:
    crew = Crew(Threads(1, 2))
    used(crew, quiet, 400)
    assert used(crew, shared, 30)[-15:].count(1) >= 12
    used(crew, shared, 400)
    assert used(crew, quiet, 300)[-15:].count(2) >= 12, "a neighbour that left is noticed at the next trial"


def test_what_does_not_pay_is_tried_ever_more_seldom() -> None:
    crew = Crew(Threads(1, 2))
    used(crew, shared, 100)
    assert used(crew, shared, 1000).count(2) <= 5
    assert set(used(Crew(Threads(1, 2)), lambda threads: 0.08 - 0.002 * threads, 20)[-8:]) == {1}, "more must be worth it"


def test_nobody_gets_more_threads_than_a_large_batch() -> None:
    crew = Crew(Threads(1, 1))
    assert set(used(crew, quiet, 50)) == {1}
    assert Crew(Threads(1, 6)).threads(9) == 6
    assert max(used(Crew(Threads(1, 6)), quiet, 300)) == 6


def test_another_number_of_tokens_begins_with_what_is_known() -> None:
    crew = Crew(Threads(1, 2))
    used(crew, quiet, 48)
    assert crew.threads(3) == 2


@pytest.mark.llama
@pytest.mark.parametrize("kind", ["dense", "hybrid"])
def test_the_count_changes_no_logit(tiny_models: TinyModels, kind: str) -> None:
    model = LlamaModel(Load(0, str(getattr(tiny_models, kind)), context_tokens=512, max_sequences=4), lambda: False)
    decoder, found = Decoder(model), list[np.ndarray]()
    for count in (1, 2, 3):
        model.compute_with(count)
        llama.llama_memory_clear(model.memory, True)
        for sequence in range(4):
            assert decoder.tokens([Row(7 + at + sequence, at, sequence, False) for at in range(40)]) == "ok"
        assert decoder.tokens([Row(9, 40, sequence, True) for sequence in range(4)]) == "ok"
        found.append(np.stack([decoder.logits(row).copy() for row in range(4)]))
    model.close()
    assert all(np.array_equal(found[0], other) for other in found[1:])
