"""Published models that a family here can speak to, as far as was seen: read from ``published.json``. What was not is empty."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edgeagent_models.families.registry import by_name
from edgeagent_models.synthetic.plan import QUANTIZATIONS, VISION_FORMATS, planned_bytes, text_tensors, vision_tensors
from edgeagent_models.synthetic.shapes import Shape, load_shapes

_PATH = Path(__file__).with_name("published.json")
_PLANNED = ("Q4_0", "Q8_0")
"""Quantizations whose size follows from a known shape."""


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model, in all its quantizations."""

    name: str
    family: str
    parameters: str
    licence: str
    """Empty where it was not seen."""
    repository: str
    """With GGUF files; empty where none was seen."""
    gguf_gb: dict[str, float]
    """Size of the model's file by quantization, as published."""
    source: str
    shape: str = ""
    """Its name among the known shapes, from which memory can be computed."""


class Need(msgspec.Struct, frozen=True):
    """What a quantization needs in memory, at least."""

    quantization: str
    memory_gb: float
    exact: bool
    """From the shape: weights, vision part and context. Otherwise the model's file alone."""


def published() -> list[Published]:
    """All that is known of, by family."""
    return msgspec.json.decode(_PATH.read_bytes(), type=list[Published])


def needs(model: Published) -> list[Need]:
    """Memory by quantization; empty where neither shape nor sizes were seen."""
    planned: list[Need] = []
    if model.shape:
        shape = load_shapes()[model.shape]
        planned = [Need(name, round(_bytes(shape, name) / 1e9, 1), True) for name in _PLANNED]
    return planned + [Need(name, size, False) for name, size in sorted(model.gguf_gb.items())]


def _bytes(shape: Shape, quantization: str) -> int:
    """Weights of both parts, and the attention layers' cache for the family's context in half precision."""
    text = planned_bytes(text_tensors(shape.text, shape.text.vocabulary), QUANTIZATIONS[quantization])
    vision = planned_bytes(vision_tensors(shape.vision), VISION_FORMATS)
    layers = shape.text.layers // shape.text.attention_every
    cache = layers * 2 * shape.text.kv_heads * shape.text.head_width * by_name(shape.family).context_tokens * 2
    return text + vision + cache
