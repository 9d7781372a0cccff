"""llama.cpp's own reading of a grammar, asked whether it takes a text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from support.tiny_models import TinyModels

from edgeagent_models.llama.model import LlamaModel
from edgeagent_models.llama.sampler import Sampler
from edgeagent_models.protocol import Load, Sampling


def taker(tiny_models: TinyModels) -> Callable[[str, str], bool]:
    """Whether a text (second) is a whole reply under a grammar (first)."""
    vocabulary = LlamaModel(Load(0, str(tiny_models.dense), context_tokens=64), lambda: False).vocabulary
    end = vocabulary.tokens("<|im_end|>")

    def whole(grammar: str, text: str) -> bool:
        sampler = Sampler(vocabulary, Sampling(), grammar)
        try:
            for token in [*vocabulary.tokens(text), *end]:
                wanted = np.zeros(vocabulary.size, np.float32)
                wanted[token] = 1
                if sampler.choose(wanted) != token:
                    return False
                if token not in end:
                    sampler.accept(token)
            return True
        finally:
            sampler.close()

    return whole
