"""Qwen3-VL in plain PyTorch, without deepstack. Parameter names are transformers', so that its classes load the state as it is.

``B`` pictures, ``N`` patches, ``C = N / 4`` cells, ``T`` tokens.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from vlm_training.shape import Shape

Turns = tuple[Tensor, Tensor]
"""Cosines and sines of a rotary embedding."""


class Looked(NamedTuple):
    """What went on in one layer of the text model, for the helps in training."""

    x: Tensor
    """Its input, ``(B, T, width)``."""
    queries: Tensor
    """Rotated, as are the keys, ``(B, heads, T, head width)``."""
    keys: Tensor


def _rotated(x: Tensor, turns: Turns) -> Tensor:
    cosines, sines = (turn.to(x.dtype) for turn in turns)
    first, second = x.chunk(2, -1)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), -1)


def _attended(q: Tensor, k: Tensor, v: Tensor, hidden: Tensor | None = None) -> Tensor:
    """Attention written out: on a CPU in bfloat16 it is twice as fast, there and back, as the fused one at these sizes.

    ``hidden`` is added to the scores.
    """
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    if hidden is not None:
        scores = scores + hidden.to(scores.dtype)
    return torch.softmax(scores, -1, dtype=scores.dtype) @ v


class RMSNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x.float(), (x.shape[-1],), self.weight, 1e-6)


class VisionAttention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.vision_heads
        self.qkv = nn.Linear(shape.vision_width, 3 * shape.vision_width)
        self.proj = nn.Linear(shape.vision_width, shape.vision_width)

    def forward(self, x: Tensor, turns: Turns) -> Tensor:  # (B, N, width)
        pictures, patches, width = x.shape
        q, k, v = self.qkv(x).view(pictures, patches, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k = _rotated(q.to(v.dtype), turns), _rotated(k.to(v.dtype), turns)
        seen = _attended(q, k, v)
        return self.proj(seen.transpose(1, 2).reshape(pictures, patches, width))


class VisionMLP(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.linear_fc1 = nn.Linear(shape.vision_width, shape.vision_inner)
        self.linear_fc2 = nn.Linear(shape.vision_inner, shape.vision_width)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear_fc2(functional.gelu(self.linear_fc1(x), approximate="tanh"))


class VisionBlock(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(shape.vision_width, eps=1e-6)
        self.norm2 = nn.LayerNorm(shape.vision_width, eps=1e-6)
        self.attn = VisionAttention(shape)
        self.mlp = VisionMLP(shape)

    def forward(self, x: Tensor, turns: Turns) -> Tensor:
        x = x + self.attn(self.norm1(x), turns)
        return x + self.mlp(self.norm2(x))


class PatchEmbedding(nn.Module):
    """A convolution over two frames of a film; a still picture is both of them."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        window = (2, shape.patch_px, shape.patch_px)
        self.proj = nn.Conv3d(3, shape.vision_width, window, stride=window)

    def forward(self, patches: Tensor) -> Tensor:  # (B, N, 3 * patch * patch) -> (B, N, width)
        return functional.linear(patches, self.proj.weight.sum(2).flatten(1), self.proj.bias)


class Merger(nn.Module):
    """Four patches become a token of the text model. GELU by tanh, as in llama.cpp."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        merged = 4 * shape.vision_width
        self.norm = nn.LayerNorm(shape.vision_width, eps=1e-6)
        self.linear_fc1 = nn.Linear(merged, merged)
        self.linear_fc2 = nn.Linear(merged, shape.width)

    def forward(self, x: Tensor) -> Tensor:
        pictures, patches, width = x.shape
        merged = self.norm(x).view(pictures, patches // 4, 4 * width)
        return self.linear_fc2(functional.gelu(self.linear_fc1(merged), approximate="tanh"))


class Vision(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.patch_embed = PatchEmbedding(shape)
        self.pos_embed = nn.Embedding(shape.position_grid**2, shape.vision_width)
        self.blocks = nn.ModuleList(VisionBlock(shape) for _ in range(shape.vision_layers))
        self.merger = Merger(shape)

    def forward(self, pictures: Tensor) -> Tensor:
        """``pictures`` are ``(B, height, width, 3) uint8`` RGB; returns ``(B, C, text width)``."""
        side = self.shape.patch_px
        count, rows, columns = len(pictures), pictures.shape[1] // side, pictures.shape[2] // side
        scaled = (pictures.float() / 127.5 - 1).view(count, rows // 2, 2, side, columns // 2, 2, side, 3)
        patches = scaled.permute(0, 1, 4, 2, 5, 7, 3, 6).reshape(count, rows * columns, 3 * side * side)
        x = self.patch_embed(patches) + self._places(rows, columns)
        turns = self._turns(rows, columns)
        for block in self.blocks:
            x = block(x, turns)
        return self.merger(x)

    def _places(self, rows: int, columns: int) -> Tensor:
        grid = self.shape.position_grid
        learned = self.pos_embed.weight.view(1, grid, grid, -1).permute(0, 3, 1, 2)
        spread = functional.interpolate(learned, (rows, columns), mode="bilinear", align_corners=True)
        return _by_cells(spread[0].permute(1, 2, 0).contiguous())

    def _turns(self, rows: int, columns: int) -> Turns:
        quarter = self.shape.vision_width // self.shape.vision_heads // 2
        speeds = 1 / (10_000 ** (torch.arange(0, quarter, 2).float() / quarter))
        down = _by_cells(torch.arange(rows)[:, None].expand(rows, columns).contiguous())
        across = _by_cells(torch.arange(columns)[None].expand(rows, columns).contiguous())
        angles = torch.cat([down[:, None] * speeds, across[:, None] * speeds], -1)
        return angles.cos(), angles.sin()


def _by_cells(x: Tensor) -> Tensor:
    """``(rows, columns, …)`` as ``(N, …)`` with the four patches of a cell in a row."""
    rows, columns = x.shape[:2]
    blocks = x.view(rows // 2, 2, columns // 2, 2, *x.shape[2:]).transpose(1, 2)
    return blocks.reshape(rows * columns, *x.shape[2:])


class TextAttention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.q_proj = nn.Linear(shape.width, shape.heads * shape.head_width, bias=False)
        self.k_proj = nn.Linear(shape.width, shape.kv_heads * shape.head_width, bias=False)
        self.v_proj = nn.Linear(shape.width, shape.kv_heads * shape.head_width, bias=False)
        self.o_proj = nn.Linear(shape.heads * shape.head_width, shape.width, bias=False)
        self.q_norm = RMSNorm(shape.head_width)
        self.k_norm = RMSNorm(shape.head_width)

    def forward(self, x: Tensor, turns: Turns, hidden: Tensor) -> tuple[Tensor, Turns]:
        """The output, and the rotated queries and keys ``(B, heads, T, head width)`` for the attention hint."""
        shape, (count, tokens, _) = self.shape, x.shape
        q = self.q_norm(self.q_proj(x).view(count, tokens, shape.heads, -1)).transpose(1, 2)
        k = self.k_norm(self.k_proj(x).view(count, tokens, shape.kv_heads, -1)).transpose(1, 2)
        v = self.v_proj(x).view(count, tokens, shape.kv_heads, -1).transpose(1, 2)
        q, k = _rotated(q.to(v.dtype), turns), _rotated(k.to(v.dtype), turns)
        shared = shape.heads // shape.kv_heads
        k, v = k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1)
        seen = _attended(q, k, v, hidden)
        return self.o_proj(seen.transpose(1, 2).reshape(count, tokens, -1)), (q, k)


class TextMLP(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.down_proj = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class TextLayer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = TextAttention(shape)
        self.mlp = TextMLP(shape)
        self.input_layernorm = RMSNorm(shape.width)
        self.post_attention_layernorm = RMSNorm(shape.width)

    def forward(self, x: Tensor, turns: Turns, hidden: Tensor) -> tuple[Tensor, Turns]:
        heard, looked = self.self_attn(self.input_layernorm(x), turns, hidden)
        x = x + heard
        return x + self.mlp(self.post_attention_layernorm(x)), looked


class Text(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(TextLayer(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width)


class Body(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.visual = Vision(shape)
        self.language_model = Text(shape)


class TinyVLM(nn.Module):
    """The whole model; the output layer is the embedding's."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.model = Body(shape)
        self._start()

    def seen(self, pictures: Tensor) -> Tensor:
        """``(B, H, W, 3) uint8`` -> ``(B, C, width)``."""
        return self.model.visual(pictures)

    def embedded(self, tokens: Tensor) -> Tensor:
        return self.model.language_model.embed_tokens(tokens)

    def read(self, x: Tensor, places: Tensor, mask: Tensor, asked: Tensor, hinted: int) -> tuple[Tensor, Looked]:
        """Logits at ``asked`` (indices into ``B * T``), and what went on in layer ``hinted``.

        ``x`` is ``(B, T, width)``, ``places`` ``(3, B, T)``, ``mask`` ``(B, 1, T, T)`` (True: may be seen).
        """
        text = self.model.language_model
        turns = self._turns(places)
        hidden = torch.zeros(mask.shape).masked_fill_(~mask, -1e4)
        looked: Looked | None = None
        for number, layer in enumerate(text.layers):
            before = x
            x, (queries, keys) = layer(x, turns, hidden)
            looked = Looked(before, queries, keys) if number == hinted else looked
        assert looked is not None
        last = text.norm(x.reshape(-1, self.shape.width)[asked])
        return functional.linear(last, text.embed_tokens.weight), looked

    def _turns(self, places: Tensor) -> Turns:
        """Interleaved M-RoPE: frequency pairs take time, height and width in turns, time alone at the end."""
        half = self.shape.head_width // 2
        speeds = 1 / (self.shape.rope_base ** (torch.arange(half).float() / half))
        axis = torch.zeros(half, dtype=torch.long)
        axis[1 : 3 * self.shape.rope_sections[1] : 3] = 1
        axis[2 : 3 * self.shape.rope_sections[2] : 3] = 2
        angles = places.float().permute(1, 2, 0)[..., axis] * speeds  # (B, T, half)
        return angles.cos()[:, None], angles.sin()[:, None]

    def _start(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.ndim >= 2:
                embedding = "embed_tokens" in name
                nn.init.trunc_normal_(parameter, std=0.02 if embedding else 1 / math.sqrt(parameter[0].numel()))
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        for name, parameter in self.named_parameters():
            if name.endswith(("attn.proj.weight", "blocks.linear_fc2.weight", "o_proj.weight", "down_proj.weight")):
                parameter.data.mul_(0.4)
        self.model.visual.pos_embed.weight.data.copy_(_waves(self.shape.position_grid, self.shape.vision_width))


def _waves(grid: int, width: int) -> Tensor:
    """Positions to begin with: sines and cosines over the picture, from which a place can be read off at once."""
    along = torch.linspace(0, math.pi, grid)
    pairs = 12
    waves = [wave(along * number) for number in range(1, pairs + 1) for wave in (torch.cos, torch.sin)]
    axis = torch.stack(waves, -1) * 0.4  # (grid, 24)
    places = torch.randn(grid, grid, width, generator=torch.Generator().manual_seed(1)) * 0.02
    places[..., : 2 * pairs] = axis[:, None]
    places[..., 2 * pairs : 4 * pairs] = axis[None]
    return places.reshape(grid * grid, width)
