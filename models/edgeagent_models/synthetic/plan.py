"""Which tensors a model of a shape has, in the order of the file, and how large they are. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from edgeagent_models.synthetic.shapes import TextShape, VisionShape

Format: TypeAlias = Literal["F32", "F16", "Q4_0", "Q8_0", "Q6_K", "NVFP4"]
Fill: TypeAlias = Literal["normal", "ones", "zeros", "decay"]
Purpose: TypeAlias = Literal["matrix", "vocabulary", "plain"]
BLOCKS: dict[Format, tuple[int, int]] = {
    "F32": (1, 4), "F16": (1, 2), "Q4_0": (32, 18), "Q8_0": (32, 34), "Q6_K": (256, 210), "NVFP4": (64, 36),
}  # fmt: skip
"""Weights in a block, and its bytes."""
QUANTIZATIONS: dict[str, dict[Purpose, Format]] = {
    "Q4_0": {"matrix": "Q4_0", "vocabulary": "Q6_K", "plain": "F32"},
    "Q8_0": {"matrix": "Q8_0", "vocabulary": "Q8_0", "plain": "F32"},
    "NVFP4": {"matrix": "NVFP4", "vocabulary": "Q6_K", "plain": "F32"},
    "F32": {"matrix": "F32", "vocabulary": "F32", "plain": "F32"},
}
"""Formats by purpose, as llama.cpp's own quantization chooses them."""
VISION_FORMATS: dict[Purpose, Format] = {"matrix": "F16", "vocabulary": "F16", "plain": "F32"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """``shape`` is ``(out, in)`` as numpy has it."""

    name: str
    shape: tuple[int, ...]
    fill: Fill = "normal"
    std: float = 1.0
    purpose: Purpose = "plain"

    def bytes_in(self, formats: dict[Purpose, Format]) -> int:
        weights, size = BLOCKS[formats[self.purpose]]
        return math.prod(self.shape) // weights * size


def planned_bytes(tensors: Iterable[Tensor], formats: dict[Purpose, Format]) -> int:
    """Of all tensors; the file's header and vocabulary come on top (some MB)."""
    return sum(tensor.bytes_in(formats) for tensor in tensors)


def text_tensors(shape: TextShape, vocabulary: int) -> list[Tensor]:
    """Of a text model with ``vocabulary`` tokens."""
    width = shape.width
    std = width**-0.5 if not shape.tied else 0.02
    tensors = [Tensor("token_embd.weight", (vocabulary, width), std=std, purpose="vocabulary"), _ones("output_norm", width)]
    if not shape.tied:
        # The output is scaled up so that greedy choices are clear-cut and do not hang on the last bit of a sum.
        tensors.append(Tensor("output.weight", (vocabulary, width), std=0.25, purpose="vocabulary"))
    for index in range(shape.layers):
        tensors += _block(f"blk.{index}", shape, attention=(index + 1) % shape.attention_every == 0)
    return tensors


def _block(block: str, shape: TextShape, attention: bool) -> list[Tensor]:
    width, inner = shape.width, shape.feed_forward
    second_norm = "ffn_norm" if shape.attention_every == 1 else "post_attention_norm"
    return [
        _ones(f"{block}.attn_norm", width),
        _ones(f"{block}.{second_norm}", width),
        *(_attention(block, shape) if attention else _delta_net(block, shape)),
        _matrix(f"{block}.ffn_gate", inner, width),
        _matrix(f"{block}.ffn_up", inner, width),
        _matrix(f"{block}.ffn_down", width, inner),
    ]


def _attention(block: str, shape: TextShape) -> list[Tensor]:
    width, inner, narrow = shape.width, shape.heads * shape.head_width, shape.kv_heads * shape.head_width
    # Qwen3.5 gates its attention: the query projection carries the gate behind each head's query.
    queries = inner * 2 if shape.attention_every > 1 else inner
    return [
        _matrix(f"{block}.attn_q", queries, width),
        _matrix(f"{block}.attn_k", narrow, width),
        _matrix(f"{block}.attn_v", narrow, width),
        _matrix(f"{block}.attn_output", width, inner),
        _ones(f"{block}.attn_q_norm", shape.head_width),
        _ones(f"{block}.attn_k_norm", shape.head_width),
    ]


def _delta_net(block: str, shape: TextShape) -> list[Tensor]:
    width, heads = shape.width, shape.ssm_value_heads
    values = heads * shape.ssm_width
    mixed = 2 * shape.ssm_key_heads * shape.ssm_width + values
    return [
        _matrix(f"{block}.attn_qkv", mixed, width),
        _matrix(f"{block}.attn_gate", values, width),
        Tensor(f"{block}.ssm_conv1d.weight", (mixed, shape.ssm_kernel), std=0.5),
        Tensor(f"{block}.ssm_dt.bias", (heads,), std=0.5),
        Tensor(f"{block}.ssm_a", (heads,), fill="decay"),
        _matrix(f"{block}.ssm_beta", heads, width),
        _matrix(f"{block}.ssm_alpha", heads, width),
        _ones(f"{block}.ssm_norm", shape.ssm_width),
        _matrix(f"{block}.ssm_out", width, values),
    ]


def vision_tensors(shape: VisionShape) -> list[Tensor]:
    """Of a vision encoder."""
    width, merged = shape.width, shape.width * shape.merge**2
    patches = (width, 3, shape.patch, shape.patch)
    tensors = [Tensor(name, patches, std=0.03) for name in ("v.patch_embd.weight", "v.patch_embd.weight.1")]
    tensors.append(Tensor("v.patch_embd.bias", (width,), std=0.02))
    tensors.append(Tensor("v.position_embd.weight", ((shape.image_size // shape.patch) ** 2, width), std=0.02))
    for index in range(shape.layers):
        block = f"v.blk.{index}"
        tensors += [*_norm(f"{block}.ln1", width), *_norm(f"{block}.ln2", width)]
        tensors += [*_linear(f"{block}.attn_qkv", 3 * width, width), *_linear(f"{block}.attn_out", width, width)]
        tensors += _linear(f"{block}.ffn_up", shape.feed_forward, width)
        tensors += _linear(f"{block}.ffn_down", width, shape.feed_forward)
    tensors += [*_norm("v.post_ln", width), *_linear("mm.0", merged, merged), *_linear("mm.2", shape.projection, merged)]
    for index in shape.deepstack:
        block = f"v.deepstack.{index}"
        tensors += [*_norm(f"{block}.norm", merged), *_linear(f"{block}.fc1", merged, merged)]
        tensors += _linear(f"{block}.fc2", shape.projection, merged)
    return tensors


def _matrix(name: str, out: int, fan_in: int) -> Tensor:
    """Its output has about unit variance for a unit-variance input."""
    return Tensor(f"{name}.weight", (out, fan_in), std=fan_in**-0.5, purpose="matrix")


def _linear(name: str, out: int, fan_in: int) -> list[Tensor]:
    return [_matrix(name, out, fan_in), Tensor(f"{name}.bias", (out,), std=0.01)]


def _ones(name: str, width: int) -> Tensor:
    return Tensor(f"{name}.weight", (width,), fill="ones")


def _norm(name: str, width: int) -> list[Tensor]:
    return [_ones(name, width), Tensor(f"{name}.bias", (width,), fill="zeros")]
