"""What a vision encoder's file says of the pictures that it takes. Pure."""

from __future__ import annotations

from edgeagent_models.families.resize import SizeRule
from edgeagent_models.gguf_header import GgufHeader

MIN_TOKENS, MAX_TOKENS = 8, 4096
"""Of one picture, for Qwen's encoders: beyond these mtmd would resize by itself."""
_MERGING_PROJECTORS = ("qwen2vl_merger", "qwen2.5vl_merger", "qwen3vl_merger")


def merge_factor(header: GgufHeader) -> int:
    """Both sides of a picture must be multiples of this; 0 where the encoder scales every picture to sizes of its own."""
    if header.settings.get("clip.projector_type") not in _MERGING_PROJECTORS:
        return 0
    return header.number("clip.vision.patch_size", 14) * header.number("clip.vision.spatial_merge_size", 2)


def token_bounds(factor: int) -> SizeRule:
    """The pictures that an encoder of ``factor`` takes as they are."""
    return SizeRule(factor, MIN_TOKENS * factor**2, MAX_TOKENS * factor**2)
