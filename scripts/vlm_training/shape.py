"""The tiny model's shape: Qwen3-VL's parts, a few layers of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes that the network, the exported configuration and the batches agree on. Widths in numbers, not bytes."""

    vision_width: int = 192
    vision_layers: int = 5
    vision_heads: int = 3
    vision_inner: int = 576
    patch_px: int = 16
    position_grid: int = 16
    """Learned positions a side; interpolated over a picture, so they tell where in the picture a patch lies at any size."""
    width: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    head_width: int = 64
    inner: int = 640
    rope_base: float = 10_000.0
    rope_sections: tuple[int, int, int] = (11, 11, 10)
    """Of M-RoPE: how many of a head's frequency pairs turn with time, height and width."""
    vocabulary: int = 404

    @property
    def cell_px(self) -> int:
        """Side of what one picture token covers: 2 x 2 patches are merged."""
        return 2 * self.patch_px


SIZES_PX = ((320, 224), (384, 256), (448, 320), (544, 384), (640, 448))
"""The five sizes that the model is examined at; both sides are multiples of a cell."""
