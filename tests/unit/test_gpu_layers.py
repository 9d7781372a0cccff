"""As many layers as fit go to a GPU: never more than its free memory holds, none without one, all where there is plenty."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_models import TinyModels

from edgeagent_models.gguf_header import GgufHeader
from edgeagent_models.llama import gpu
from edgeagent_models.protocol import Load

pytestmark = pytest.mark.llama
GB = 1 << 30
SETTINGS: dict[str, str | int | float | bool] = {
    "general.architecture": "qwen3vl",
    "qwen3vl.block_count": 36,
    "qwen3vl.attention.head_count": 32,
    "qwen3vl.attention.head_count_kv": 8,
    "qwen3vl.attention.key_length": 128,
}
HEADER = GgufHeader(SETTINGS, {}, 400, 1 << 20, 5 * GB)
CONTEXT = 16_384
KV_BYTES = 2 * 36 * 8 * 128 * 2 * CONTEXT


def test_all_or_some_or_none() -> None:
    assert gpu.layers_that_fit(HEADER, GB, CONTEXT, 24 * GB) == 37
    assert gpu.layers_that_fit(HEADER, GB, CONTEXT, 5 * GB) == int((5 * GB - gpu.RESERVE_BYTES - GB) / ((5 * GB + KV_BYTES) / 37))
    assert gpu.layers_that_fit(HEADER, GB, CONTEXT, GB) == 0
    assert gpu.layers_that_fit(HEADER, GB, CONTEXT, 0) == 0


@given(st.integers(0, 40 * GB), st.integers(0, 3 * GB), st.integers(1, 200_000))
def test_what_goes_there_fits(free: int, vision_bytes: int, context: int) -> None:
    layers = gpu.layers_that_fit(HEADER, vision_bytes, context, free)
    taken = layers * (HEADER.file_bytes + KV_BYTES // CONTEXT * context) / 37
    assert 0 <= layers <= 37
    assert layers == 0 or taken + vision_bytes + gpu.RESERVE_BYTES <= free


def test_a_machine_without_one_computes_on_its_processor(tiny_models: TinyModels) -> None:
    from edgeagent_models.llama.model import LlamaModel

    if gpu.free_bytes():
        pytest.skip("llama.cpp has a GPU here")
    model = LlamaModel(Load(0, str(tiny_models.dense), context_tokens=64), lambda: False)
    assert model.gpu_layers == 0
    model.close()
