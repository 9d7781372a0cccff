"""How many of a model's layers go to the GPU: as many as fit into what is free of its memory. Without one: none.

The estimate is on the safe side. A layer too many fails the load; one too few costs a little time.
"""

from __future__ import annotations

import ctypes
import importlib

from edgeagent_models.gguf_header import GgufHeader
from edgeagent_models.llama.native import llama

RESERVE_BYTES = 512 << 20
"""For what is computed on the way, and for the driver."""
_GPU_KINDS = (1, 2)
"""GGML_BACKEND_DEVICE_TYPE_GPU, and one that is part of the processor."""
_HALF_BYTES = 2


def free_bytes() -> int:
    """Free memory of the GPUs that llama.cpp can use here; 0 where it was built for none."""
    if not llama.llama_supports_gpu_offload():
        return 0
    ggml = importlib.import_module("llama_cpp._ggml").libggml
    ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    total = 0
    for index in range(ggml.ggml_backend_dev_count()):
        device = ctypes.c_void_p(ggml.ggml_backend_dev_get(ctypes.c_size_t(index)))
        if ggml.ggml_backend_dev_type(device) in _GPU_KINDS:
            free, all_of_it = ctypes.c_size_t(), ctypes.c_size_t()
            ggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(all_of_it))
            total += free.value
    return total


def layers_that_fit(model: GgufHeader, vision_bytes: int, context_tokens: int, free: int) -> int:
    """So many layers of ``model``, the output counted as one, beside a vision part of ``vision_bytes``; 0: not worth it."""
    blocks = model.number(f"{model.architecture}.block_count", 0)
    room = free - RESERVE_BYTES - vision_bytes
    if blocks == 0 or room <= 0:
        return 0
    layer_bytes = (model.file_bytes + context_tokens * _token_bytes(model, blocks)) / (blocks + 1)
    return min(blocks + 1, int(room / layer_bytes))


def _token_bytes(model: GgufHeader, blocks: int) -> int:
    """What a token of the context takes in all layers, as if each were an attention layer: keys and values in half precision."""
    kind = model.architecture
    heads = model.number(f"{kind}.attention.head_count", 1)
    width = model.number(f"{kind}.attention.key_length", model.number(f"{kind}.embedding_length", 0) // max(1, heads))
    return 2 * blocks * model.number(f"{kind}.attention.head_count_kv", heads) * width * _HALF_BYTES
