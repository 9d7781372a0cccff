"""llama-cpp-python's own chat handler, as a program of a few lines would use it: the whole conversation at each call.

It is given all cores and flash attention, which it does not take by itself: the vision encoder would run on half of the cores.
"""

from __future__ import annotations

import importlib
import os
import time
from typing import Any

from edgeagent_models.peers.handler import PeerHandler
from edgeagent_models.peers.messages import OpenAiMessage
from edgeagent_models.protocol import Completed, Load, Usage

_NEVER = -100.0
"""Added to the logit of the token that would end the reply."""


class ChatHandler(PeerHandler):
    """`llama_cpp.Llama` with `MTMDChatHandler`."""

    _model: Any

    def start(self, request: Load) -> None:
        library: Any = importlib.import_module("llama_cpp")
        formats: Any = importlib.import_module("llama_cpp.llama_chat_format")
        cores = len(os.sched_getaffinity(0))
        handler = formats.MTMDChatHandler(clip_model_path=request.mmproj, verbose=False, use_gpu=request.gpu_layers != 0)
        self._model = library.Llama(
            request.path, n_ctx=request.context_tokens, n_threads=cores, n_threads_batch=cores, flash_attn=True,
            n_gpu_layers=request.gpu_layers, chat_handler=handler, verbose=False,
        )  # fmt: skip

    def answer(self, number: int, messages: list[OpenAiMessage], tokens: int) -> Completed:
        began_s = time.perf_counter()
        first_s, pieces = 0.0, list[str]()
        for chunk in self._model.create_chat_completion(
            messages=messages, max_tokens=tokens, temperature=0.0, repeat_penalty=1.0, stream=True,
            logit_bias={self._model.token_eos(): _NEVER},
        ):  # fmt: skip
            delta = chunk["choices"][0]["delta"]
            if "content" in delta:
                first_s = first_s or time.perf_counter()
                pieces.append(delta["content"] or "")
        ended_s = time.perf_counter()
        first_s = first_s or ended_s
        ttft_ms = (first_s - began_s) * 1000
        timings = {"prefill_ms": ttft_ms, "ttft_ms": ttft_ms, "decode_ms": (ended_s - first_s) * 1000}
        # It counts positions, which are fewer than tokens where there are pictures; nothing of it was cached.
        usage = Usage(prompt_tokens=int(self._model.n_tokens) - tokens, output_tokens=tokens)
        return Completed(number, "".join(pieces), "length", usage, {name: round(ms, 3) for name, ms in timings.items()})
