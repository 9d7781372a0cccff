"""A GGUF model and its context: loading, and the vocabulary."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

from edgeagent_models.errors import EngineProblem, NotAModel
from edgeagent_models.gguf_header import GgufHeader, read_header
from edgeagent_models.llama import gpu, log, threads
from edgeagent_models.llama.native import Handle, llama
from edgeagent_models.protocol import Load

BATCH_TOKENS = 512
_ATTR_CONTROL = 1 << 3
"""LLAMA_TOKEN_ATTR_CONTROL."""


class LlamaModel:
    """A loaded model with one context. ``should_abort`` is asked in the middle of a computation and ends it."""

    def __init__(self, request: Load, should_abort: Callable[[], bool]) -> None:
        self.header = _checked_header(request.path)
        log.capture()
        llama.llama_backend_init()
        self.gpu_layers = request.gpu_layers if request.gpu_layers >= 0 else self._layers_that_fit(request)
        self._model = self._load(request)
        self.vocabulary = Vocabulary(self._model)

        def aborting(_data: object) -> bool:
            return should_abort()

        # ctypes keeps no reference: a collected callback is a crash in the middle of a decode.
        self._abort_callback = llama.ggml_abort_callback(aborting)
        self.threads = threads.usual(request.threads)
        self.context = self._new_context(request)
        self.memory = llama.llama_get_memory(self.context)
        self.context_tokens = int(llama.llama_n_ctx(self.context))
        self.max_sequences = request.max_sequences
        self.batch_tokens = int(llama.llama_n_batch(self.context))
        self.input_width = int(llama.llama_model_n_embd_inp(self._model))
        """Floats of one embedding that the context takes instead of a token."""
        self.recurrent = bool(llama.llama_model_is_hybrid(self._model) or llama.llama_model_is_recurrent(self._model))
        """It has state that cannot be cut back to an earlier position, only restored from a checkpoint."""

    def use(self, counts: threads.Threads) -> None:
        """From now on compute with so many threads."""
        self.threads = counts
        llama.llama_set_n_threads(self.context, counts.single, counts.batch)

    def compute_with(self, count: int) -> None:
        """The next batch, whatever its size, with so many threads."""
        llama.llama_set_n_threads(self.context, count, count)

    @property
    def handle(self) -> Handle:
        return self._model

    @property
    def chat_template(self) -> str:
        found = llama.llama_model_chat_template(self._model, None)
        return found.decode("utf-8", "replace") if found else ""

    def _layers_that_fit(self, request: Load) -> int:
        vision_bytes = os.path.getsize(request.mmproj) if os.path.exists(request.mmproj) else 0
        return gpu.layers_that_fit(self.header, vision_bytes, request.context_tokens, gpu.free_bytes())

    def _load(self, request: Load) -> Handle:
        parameters = llama.llama_model_default_params()
        parameters.n_gpu_layers = self.gpu_layers
        model = llama.llama_model_load_from_file(os.fsencode(request.path), parameters)
        if not model:
            raise EngineProblem("model", f"{request.path} cannot be loaded: {log.take()}")
        return model

    def _new_context(self, request: Load) -> Handle:
        parameters = llama.llama_context_default_params()
        parameters.n_ctx = request.context_tokens
        parameters.n_batch = parameters.n_ubatch = min(BATCH_TOKENS, request.context_tokens)
        parameters.n_threads, parameters.n_threads_batch = self.threads
        parameters.n_seq_max = request.max_sequences + 1  # one for what is no session's
        # One pool of cells for all sequences: a single session can use the whole context.
        parameters.kv_unified = True
        parameters.no_perf = True
        if self.gpu_layers == 0:
            # On a CPU it sums in half precision, in the order of the cells: the same prompt beside other sequences would now
            # and then get another answer.
            parameters.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
        parameters.abort_callback = self._abort_callback
        context = llama.llama_init_from_model(self._model, parameters)
        if not context:
            raise EngineProblem("model", f"no context of {request.context_tokens} tokens for {request.path}: {log.take()}")
        return context

    def close(self) -> None:
        llama.llama_free(self.context)
        llama.llama_model_free(self._model)


class Vocabulary:
    """Text to tokens and back."""

    def __init__(self, model: Handle) -> None:
        self.handle = llama.llama_model_get_vocab(model)
        self.size = int(llama.llama_vocab_n_tokens(self.handle))
        self._buffer = ctypes.create_string_buffer(1024)
        self._lengths: dict[int, int] = {}

    def tokens(self, text: str) -> list[int]:
        """``text`` as tokens; control tokens spelled out in it are read as such."""
        return self._tokens(text, control=True)

    def plain_tokens(self, text: str) -> list[int]:
        """``text`` as tokens, none of them a control token."""
        return self._tokens(text, control=False)

    def _tokens(self, text: str, control: bool) -> list[int]:
        data = text.encode()
        capacity = len(data) + 2
        array = (llama.llama_token * capacity)()
        count = llama.llama_tokenize(self.handle, data, len(data), array, capacity, False, control)
        if count < 0:
            raise EngineProblem("internal", f"llama.cpp could not tokenize {len(data)} bytes")
        return list(array[:count])

    def piece(self, token: int) -> bytes:
        """The bytes that ``token`` stands for; nothing for a control token."""
        count = llama.llama_token_to_piece(self.handle, token, self._buffer, len(self._buffer), 0, False)
        return self._buffer.raw[: max(0, count)]

    def length(self, token: int) -> int:
        """How many bytes of a prompt's text ``token`` stands for; a control token is spelled out there."""
        if token not in self._lengths:
            self._lengths[token] = max(
                0, llama.llama_token_to_piece(self.handle, token, self._buffer, len(self._buffer), 0, True)
            )
        return self._lengths[token]

    def spelling(self, token: int) -> str:
        """How ``token`` is written in a chat template."""
        text = llama.llama_vocab_get_text(self.handle, token) if token >= 0 else b""
        return (text or b"").decode("utf-8", "replace")

    def ends_output(self, token: int) -> bool:
        return bool(llama.llama_vocab_is_eog(self.handle, token))

    @property
    def bos(self) -> str:
        return self.spelling(llama.llama_vocab_bos(self.handle))

    @property
    def eos(self) -> str:
        return self.spelling(llama.llama_vocab_eos(self.handle))

    @property
    def prepends_bos(self) -> bool:
        return bool(llama.llama_vocab_get_add_bos(self.handle))

    def control_tokens(self) -> list[str]:
        """The spelling of every control token, such as ``<|im_start|>``."""
        return [
            self.spelling(token)
            for token in range(self.size)
            if llama.llama_vocab_get_attr(self.handle, token) & _ATTR_CONTROL
        ]  # fmt: skip


def _checked_header(path: str) -> GgufHeader:
    if not path:
        raise EngineProblem("usage", "the llama engine needs the path of a GGUF file")
    header = header_of(path)
    if header.vision:
        raise EngineProblem("model", f"{path} is a vision encoder: name it as --mmproj beside the model that it belongs to")
    return header


def header_of(path: str) -> GgufHeader:
    """`read_header`, as a failure of the load."""
    try:
        return read_header(path)
    except NotAModel as error:
        raise EngineProblem("model", str(error)) from error
