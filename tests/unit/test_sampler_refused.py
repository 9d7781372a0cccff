"""Where the grammar refuses the first choice, the same token comes whether all are asked about or the likeliest first."""

import numpy as np
import pytest
from support.tiny_models import TinyModels

from edgeagent_models.llama import sampler
from edgeagent_models.llama.model import LlamaModel
from edgeagent_models.llama.sampler import Sampler
from edgeagent_models.protocol import Load, Sampling

pytestmark = pytest.mark.llama
GRAMMAR = 'root ::= [a-z]{0,30} "\\"" [A-Z]*'


@pytest.mark.parametrize("spread", [0.2, 4.0, 1000.0], ids=["nearly all equal", "some equal", "none equal"])
def test_the_likeliest_are_asked_first(tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch, spread: float) -> None:
    model = LlamaModel(Load(0, str(tiny_models.dense), context_tokens=64, max_sequences=1), lambda: False)
    rng, size, shortcuts = np.random.default_rng(3), model.vocabulary.size, 0
    all_asked, few_asked = (Sampler(model.vocabulary, Sampling(), GRAMMAR) for _ in range(2))
    likeliest_allowed = Sampler._likeliest_allowed  # pyright: ignore[reportPrivateUsage]

    def counted(one: Sampler, logits: sampler.Logits) -> int:
        nonlocal shortcuts
        found = likeliest_allowed(one, logits)
        shortcuts += found >= 0
        return found

    monkeypatch.setattr(Sampler, "_likeliest_allowed", counted)
    for _ in range(60):
        logits = np.round(rng.normal(0, spread, size)).astype(np.float32)
        monkeypatch.setattr(sampler, "LIKELIEST", size)
        expected = all_asked.choose(logits)
        monkeypatch.setattr(sampler, "LIKELIEST", 64)
        assert few_asked.choose(logits) == expected
        if expected >= 0 and not model.vocabulary.ends_output(expected):
            all_asked.accept(expected)
            few_asked.accept(expected)
    all_asked.close()
    few_asked.close()
    model.close()
    assert shortcuts > 5 or spread < 1
