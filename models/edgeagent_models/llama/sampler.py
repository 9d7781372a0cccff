"""Pick the next token: greedy or by temperature, within a grammar."""

from __future__ import annotations

import ctypes

import numpy as np
import numpy.typing as npt

from edgeagent_models.errors import EngineProblem
from edgeagent_models.llama import grammar_state, log
from edgeagent_models.llama.model import Vocabulary
from edgeagent_models.llama.native import Handle, llama
from edgeagent_models.llama.skeleton import Skeleton
from edgeagent_models.protocol import Sampling

Logits = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int32]
Candidates = npt.NDArray[np.void]
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""`llama_token_data`."""
_GRAMMAR_ROOT = b"root"


MAX_FEW_TOKENS = 4096
LIKELIEST = 512
"""So many, and those that are equal to them, are asked about when the first choice is refused: a fiftieth of what it costs to ask
about all."""
GROUP = 64
"""Of a vocabulary: to find the likeliest by the best of each group is a tenth of what it costs to order all."""


class Sampler:
    """The choices of one completion. Free it with `close`."""

    def __init__(self, vocabulary: Vocabulary, sampling: Sampling, grammar: str) -> None:
        self._grammar = _grammar(vocabulary.handle, grammar)
        self._chain = _chain(sampling)
        self._ids = np.arange(vocabulary.size, dtype=np.int32)
        read = grammar_state.grammar(grammar) if grammar else None
        self._skeleton = Skeleton(read, vocabulary) if read else None

    @property
    def ended(self) -> bool:
        """The grammar lets nothing follow."""
        return self._skeleton is not None and self._skeleton.state is not None and self._skeleton.state.ended

    def choose(self, logits: Logits) -> int:
        """The next token for ``logits``, ``(vocabulary,) float32``; -1 if the grammar allows none of this vocabulary.

        Where many may come, the grammar is asked about the first choice alone: to mask a whole vocabulary costs more than a
        token's decoding.
        """
        few = self._few()
        if few is not None:
            return self._choose_among(logits, few)
        choice = self._choose(logits, masked=False)
        if self._grammar is None or self._allowed(choice):
            return choice
        likely = self._likeliest_allowed(logits) if self._chain is None else -1
        return likely if likely >= 0 else self._choose(logits, masked=True)

    def accept(self, token: int) -> None:
        """``token`` is now part of the output."""
        if self._grammar is not None:
            llama.llama_sampler_accept(self._grammar, token)
        if self._skeleton is not None:
            self._skeleton.accept(token)

    def forced(self) -> list[int]:
        """Tokens that must come now, whatever the model thinks; each must be accepted before the next call."""
        if self._skeleton is None:
            return []
        tokens = self._skeleton.forced()
        few = None if tokens or self.ended else self._few()
        if few is None:
            return tokens
        return few.tolist() if len(few) == 1 else self._skeleton.last(few.tolist())

    def close(self) -> None:
        for sampler in (self._grammar, self._chain):
            if sampler is not None:
                llama.llama_sampler_free(sampler)
        self._grammar = self._chain = None

    def _few(self) -> Ids | None:
        """All tokens that may come, where they are few; found out once for each state of a grammar."""
        state = self._skeleton.state if self._skeleton else None
        if state is None or not state.narrow or self._grammar is None:
            return None
        if state.tokens is None:
            candidates = self._masked(np.zeros(len(self._ids), np.float32))
            found = self._ids[~np.isneginf(candidates["logit"])]
            state.tokens = found if len(found) <= MAX_FEW_TOKENS else found[:0]
        return state.tokens if len(state.tokens) else None

    def _choose_among(self, logits: Logits, few: Ids) -> int:
        if self._chain is None:
            return int(few[np.argmax(logits[few])])
        return self._drawn(_candidates(few, logits[few]))

    def _choose(self, logits: Logits, masked: bool) -> int:
        if self._chain is None and not masked:
            return int(np.argmax(logits))
        candidates = self._masked(logits) if masked else _candidates(self._ids, logits)
        if masked and np.isneginf(candidates["logit"]).all():
            return -1
        if self._chain is None:
            return int(candidates["id"][np.argmax(candidates["logit"])])
        return self._drawn(candidates)

    def _likeliest_allowed(self, logits: Logits) -> int:
        """The first choice among all that the grammar allows, if it is among the likeliest few; else -1."""
        if len(logits) <= LIKELIEST:
            return -1
        likeliest = _likeliest(logits)
        if not len(likeliest):
            return -1
        allowed = self._masked(logits[likeliest], likeliest)
        best = int(np.argmax(allowed["logit"]))
        return -1 if np.isneginf(allowed["logit"][best]) else int(allowed["id"][best])

    def _masked(self, logits: Logits, ids: Ids | None = None) -> Candidates:
        """All tokens, or those of ``ids``; what the grammar refuses has a logit of minus infinity."""
        candidates = _candidates(self._ids if ids is None else ids, logits)
        llama.llama_sampler_apply(self._grammar, ctypes.byref(_token_array(candidates)))
        return candidates

    def _drawn(self, candidates: Candidates) -> int:
        array = _token_array(candidates)
        llama.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[array.selected].id)

    def _allowed(self, token: int) -> bool:
        candidate = np.array([(token, 1.0, 0.0)], _CANDIDATE)
        array = _token_array(candidate)
        llama.llama_sampler_apply(self._grammar, ctypes.byref(array))
        return not bool(np.isneginf(candidate["logit"][0]))


def _likeliest(logits: Logits) -> Ids:
    """`LIKELIEST` or a few more in the order of their numbers: all others have less than each of them."""
    group = max(1, min(GROUP, len(logits) // (LIKELIEST * 2)))
    groups = len(logits) // group
    best_of_each = logits[: groups * group].reshape(group, groups).max(axis=0)
    return np.flatnonzero(logits >= np.partition(best_of_each, -LIKELIEST)[-LIKELIEST]).astype(np.int32)


def _candidates(ids: Ids, logits: Logits) -> Candidates:
    candidates = np.empty(len(ids), _CANDIDATE)
    candidates["id"], candidates["logit"], candidates["p"] = ids, logits, 0
    return candidates


def _token_array(candidates: Candidates) -> Handle:
    data = candidates.ctypes.data_as(llama.llama_token_data_p)
    return llama.llama_token_data_array(data, len(candidates), -1, False)


def _grammar(vocabulary: Handle, grammar: str) -> Handle | None:
    if not grammar:
        return None
    sampler = llama.llama_sampler_init_grammar(vocabulary, grammar.encode(), _GRAMMAR_ROOT)
    if not sampler:
        raise EngineProblem("usage", f"the grammar is not valid GBNF with a rule `root`: {log.take()}")
    return sampler


def _chain(sampling: Sampling) -> Handle | None:
    """Samplers for a temperature above 0; None for greedy."""
    if sampling.temperature == 0:
        return None
    chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
    if sampling.top_k > 0:
        llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_top_k(sampling.top_k))
    if sampling.top_p < 1:
        llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_top_p(sampling.top_p, 1))
    llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_temp(sampling.temperature))
    llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_dist(sampling.seed & 0xFFFF_FFFF))
    return chain
