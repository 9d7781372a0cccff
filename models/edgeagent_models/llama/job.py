"""One completion under way: its prompt, its output, and what it took."""

from __future__ import annotations

import bisect
import time
from typing import Literal

from edgeagent_models.errors import EngineProblem
from edgeagent_models.handler import Send
from edgeagent_models.llama import units as count
from edgeagent_models.llama.decoder import Floats
from edgeagent_models.llama.model import Vocabulary
from edgeagent_models.llama.plan import Plan
from edgeagent_models.llama.sampler import Sampler
from edgeagent_models.llama.sequence import Sequence
from edgeagent_models.llama.text import OutputText
from edgeagent_models.llama.units import ImageUnit
from edgeagent_models.protocol import Complete, Completed, Delta, EngineFailed, Ok, Prime, Usage

StopReason = Literal["eos", "length", "stop", "grammar", "aborted"]


class Job:
    """A `Complete` on its way. ``target`` is what its sequence shall hold: the prompt, then each token of the output."""

    def __init__(self, request: Complete, send: Send, sequence: Sequence, prompt: Plan, vocabulary: Vocabulary) -> None:
        self.request = request
        self.sequence = sequence
        self.target = prompt.units
        self.prompt_units = len(prompt.units)
        self.system_units = prompt.system
        self._marks = sorted(prompt.marks)
        self.encode_ms = 0.0
        self.slice_done = 0
        """Tokens of the picture being decoded that are in memory already."""
        self._send = send
        self._vocabulary = vocabulary
        self._sampler = Sampler(vocabulary, request.sampling, request.grammar)
        self._text = OutputText(request.sampling.stop)
        self._accepted_s = time.perf_counter()
        self._first_token_s = 0.0
        self._output_tokens = 0
        self._begun = False
        self._cached_tokens = 0

    def begin(self) -> None:
        """Keep what the sequence already holds of the prompt; also after it had to stand back for others."""
        kept = self.sequence.reuse(self.target)
        if not self._begun:
            self._begun = True
            self._cached_tokens = count.cells(self.target[:kept])
            self._put_forced()

    @property
    def generating(self) -> bool:
        """The prompt is in memory."""
        return len(self.sequence.units) >= self.prompt_units

    @property
    def next_image(self) -> ImageUnit | None:
        """The picture that comes next, if one does."""
        at = len(self.sequence.units)
        unit = self.target[at] if at < len(self.target) else None
        return unit if isinstance(unit, ImageUnit) else None

    def next_tokens(self, limit: int) -> list[int]:
        """Text tokens to decode next, at most ``limit``, up to the next picture or the next mark for a checkpoint."""
        start = len(self.sequence.units)
        end = min(start + limit, len(self.target))
        following = bisect.bisect_right(self._marks, start)
        if following < len(self._marks):
            end = min(end, self._marks[following])
        tokens: list[int] = []
        for unit in self.target[start:end]:
            if isinstance(unit, ImageUnit):
                break
            tokens.append(unit)
        return tokens

    @property
    def at_mark(self) -> bool:
        """What is in memory now is worth a checkpoint."""
        return len(self.sequence.units) in self._marks

    @property
    def complete(self) -> bool:
        """Everything is in memory: the last token's logits say what follows."""
        return len(self.sequence.units) == len(self.target)

    def sample(self, logits: Floats) -> bool:
        """Choose the next token from ``logits``; True once the completion is over."""
        if not self._first_token_s:
            self._first_token_s = time.perf_counter()
        if self._over():
            return True
        token = self._sampler.choose(logits)
        if token < 0 or self._vocabulary.ends_output(token):
            self.finish("grammar" if self.request.grammar else "eos")
            return True
        self._put(token)
        self._put_forced()
        return self._over()

    def _over(self) -> bool:
        """Answer, if nothing can follow."""
        reason: StopReason | None = None
        if self._text.stopped:
            reason = "stop"
        elif self._sampler.ended:
            reason = "grammar"
        elif self._output_tokens >= self.request.sampling.max_tokens:
            reason = "length"
        if reason:
            self.finish(reason)
        return reason is not None

    def _put(self, token: int) -> None:
        """``token`` is the output's next: it shall be in memory, and is shown."""
        self._sampler.accept(token)
        self._output_tokens += 1
        self.target.append(token)
        self._show(self._text.push(self._vocabulary.piece(token)))

    def _put_forced(self) -> None:
        """Add what the grammar leaves no choice about: it goes through the model as one batch."""
        while tokens := self._sampler.forced():
            for token in tokens:
                if self._text.stopped or self._output_tokens >= self.request.sampling.max_tokens:
                    return
                self._put(token)

    def finish(self, reason: StopReason) -> None:
        """Answer with what there is."""
        self._show(self._text.finish())
        prompt = self.target[: self.prompt_units]
        usage = Usage(count.cells(prompt), self._cached_tokens, count.image_cells(prompt), self._output_tokens)
        self._send(Completed(self.request.id, self._text.text, reason, usage, self._timings_ms()))
        self.close()

    def fail(self, problem: EngineProblem) -> None:
        """Answer with ``problem``."""
        self._send(EngineFailed(self.request.id, problem.code, str(problem)))
        self.close()

    def close(self) -> None:
        self._sampler.close()

    def _show(self, text: str) -> None:
        if text and self.request.stream:
            self._send(Delta(self.request.id, text))

    def _timings_ms(self) -> dict[str, float]:
        now_s = time.perf_counter()
        first_s = self._first_token_s or now_s
        ttft_ms = (first_s - self._accepted_s) * 1000
        timings = {
            "encode_ms": self.encode_ms,
            "prefill_ms": ttft_ms - self.encode_ms,
            "ttft_ms": ttft_ms,
            "decode_ms": (now_s - first_s) * 1000,
        }
        return {name: round(value, 3) for name, value in timings.items()}


class Priming(Job):
    """A `Prime` on its way: a prompt of which nothing is asked. Whatever becomes of it, it did no harm."""

    def __init__(self, request: Prime, send: Send, sequence: Sequence, begun: Plan, vocabulary: Vocabulary) -> None:
        super().__init__(Complete(request.id, request.sequence, request.messages), send, sequence, begun, vocabulary)

    def sample(self, logits: Floats) -> bool:
        self.finish("length")
        return True

    def finish(self, reason: StopReason) -> None:
        self._send(Ok(self.request.id))
        self.close()

    def fail(self, problem: EngineProblem) -> None:
        self.finish("aborted")
