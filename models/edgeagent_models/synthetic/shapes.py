"""The shapes of models, read from ``shapes.json``. Pure. Each number's source stands there; what was not seen is not in it."""

from __future__ import annotations

from pathlib import Path

import msgspec

SHAPES_PATH = Path(__file__).with_name("shapes.json")
CONTEXT_TOKENS = 32_768


class TextShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of a text model. ``attention_every`` 1: attention only; 4: three delta-net layers, then one of attention."""

    architecture: str
    layers: int
    attention_every: int
    width: int
    heads: int
    kv_heads: int
    head_width: int
    feed_forward: int
    rope_width: int
    rope_sections: tuple[int, ...]
    rope_base: float = 1e6
    vocabulary: int = 0
    """Tokens; 0: the small vocabulary and no more."""
    tied: bool = False
    """The output matrix is the embedding."""
    ssm_key_heads: int = 0
    ssm_value_heads: int = 0
    ssm_width: int = 0
    ssm_kernel: int = 0
    deepstack: int = 0
    """Layers that the vision encoder feeds beside the first."""


class VisionShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of a vision encoder; it yields one token of ``projection`` for each ``(patch * merge)`` squared pixels."""

    projection: int
    width: int
    layers: int
    heads: int
    feed_forward: int
    patch: int = 16
    image_size: int = 768
    merge: int = 2
    deepstack: tuple[int, ...] = ()
    """Layers whose output goes to the text model as well."""


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model's sizes, and where they are from."""

    like: str
    """Whose configuration it is."""
    family: str
    """How the model of this shape is spoken to."""
    source: str
    text: TextShape
    vision: VisionShape


def load_shapes() -> dict[str, Shape]:
    """All known shapes by name."""
    return msgspec.json.decode(SHAPES_PATH.read_bytes(), type=dict[str, Shape])
