"""What transformers makes of small random models of both shapes, for `tests/contract/test_transformers_parity.py` to compare.

    python scripts/parity_reference.py models DIR     random models, as GGUF by llama.cpp's own converter, in single precision
    python scripts/parity_reference.py logits DIR     logits for the conversations in DIR/cases.json

Needs torch, transformers and what `scripts/train_tiny_vlm.py` needs; neither users nor the other tests do.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from transformers import (
    PreTrainedTokenizerFast,
    Qwen3_5Config,
    Qwen3_5ForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from vlm_training.converter import convert
from vlm_training.shape import Shape
from vlm_training.tokens import CHAT_TEMPLATE, build

KINDS = ("dense", "hybrid")
_WIDTH, _LAYERS, _HEAD = 256, 4, 64
_VISION = {
    "depth": 3, "hidden_size": 192, "num_heads": 3, "intermediate_size": 384, "patch_size": 16, "spatial_merge_size": 2,
    "temporal_patch_size": 2, "out_hidden_size": _WIDTH, "num_position_embeddings": 256,
}  # fmt: skip
_TEXT = {
    "hidden_size": _WIDTH, "intermediate_size": 512, "num_hidden_layers": _LAYERS, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": _HEAD, "max_position_embeddings": 4096, "rms_norm_eps": 1e-6,
}  # fmt: skip
_PICTURES = Qwen2VLImageProcessorPil(
    patch_size=16, temporal_patch_size=2, merge_size=2, image_mean=[0.5] * 3, image_std=[0.5] * 3,
    size={"shortest_edge": 1024, "longest_edge": 4096 * 1024},
)  # fmt: skip
Model = Qwen3VLForConditionalGeneration | Qwen3_5ForConditionalGeneration


def random_model(kind: str, tokenizer: Tokenizer) -> Model:
    """``dense``: Qwen3-VL's shape with deepstack; ``hybrid``: Qwen3.5's, three delta-net layers to one of attention."""
    torch.manual_seed(KINDS.index(kind))
    tokens = {
        "image_token_id": tokenizer.token_to_id("<|image_pad|>"), "video_token_id": tokenizer.token_to_id("<|video_pad|>"),
        "vision_start_token_id": tokenizer.token_to_id("<|vision_start|>"),
        "vision_end_token_id": tokenizer.token_to_id("<|vision_end|>"),
    }  # fmt: skip
    text = {**_TEXT, "vocab_size": Shape().vocabulary, "eos_token_id": tokenizer.token_to_id("<|im_end|>")}
    text["rope_parameters"] = {
        "rope_type": "default", "rope_theta": 10_000.0, "mrope_interleaved": True,
        **({"mrope_section": [12, 10, 10]} if kind == "dense" else {"mrope_section": [4, 2, 2], "partial_rotary_factor": 0.25}),
    }  # fmt: skip
    if kind == "dense":
        vision = {**_VISION, "deepstack_visual_indexes": [0, 1]}
        dense = Qwen3VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **tokens)
        return _spread(Qwen3VLForConditionalGeneration(dense))
    text |= {
        "linear_conv_kernel_dim": 4, "linear_key_head_dim": 64, "linear_value_head_dim": 64, "linear_num_key_heads": 2,
        "linear_num_value_heads": 4, "layer_types": ["linear_attention"] * 3 + ["full_attention"],
    }  # fmt: skip
    hybrid = Qwen3_5Config(text_config=text, vision_config=_VISION, tie_word_embeddings=False, **tokens)
    return _spread(Qwen3_5ForConditionalGeneration(hybrid))


def _spread(model: Model) -> Model:
    """Weights as large as trained ones: with those that training begins with, every output is about the same."""
    for name, weights in model.named_parameters():
        if name.endswith(("A_log", "dt_bias")):
            continue
        if weights.ndim == 1:
            weights.data += torch.randn_like(weights) * 0.1
        elif "embed" in name and "patch" not in name:
            weights.data = torch.randn_like(weights) * 0.3
        else:
            weights.data = torch.randn_like(weights) / math.sqrt(weights[0].numel())
    return model.float().eval()


def write_models(directory: Path) -> None:
    tokenizer = build(Shape())
    for kind in KINDS:
        folder = directory / kind
        model = random_model(kind, tokenizer)
        model.config.architectures = [type(model).__name__]
        model.save_pretrained(folder)
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
        fast.chat_template = CHAT_TEMPLATE
        fast.save_pretrained(folder)
        _PICTURES.save_pretrained(folder)
        # Without the layers that guess tokens ahead, which these models lack.
        convert(folder, directory, directory, kind, "f32", ("--no-mtp",) if kind == "hybrid" else ())


@torch.no_grad()
def write_logits(directory: Path) -> None:
    """For each case ``{"text": …, "pictures": [paths], "tokens": n}``: the logits of ``n`` greedy tokens, by kind and name."""
    tokenizer = build(Shape())
    found: dict[str, np.ndarray] = {}
    for kind in KINDS:
        model = random_model(kind, tokenizer)
        for name, case in json.loads((directory / "cases.json").read_text()).items():
            found[f"{kind} {name}"] = _logits(model, tokenizer, case["text"], case["pictures"], case["tokens"])
    np.savez(directory / "reference.npz", **found)


def _logits(model: Model, tokenizer: Tokenizer, text: str, paths: list[str], count: int) -> np.ndarray:
    """``(count, vocabulary)``; positions are the model's own."""
    seen = _PICTURES(images=[Image.open(path).convert("RGB") for path in paths], return_tensors="pt")
    pad = tokenizer.token_to_id("<|image_pad|>")
    ids: list[int] = []
    sizes = iter(seen["image_grid_thw"].tolist())
    for token in tokenizer.encode(text).ids:
        ids += [pad] * (math.prod(next(sizes)) // 4) if token == pad else [token]
    rows: list[np.ndarray] = []
    for _ in range(count):
        tokens = torch.tensor([ids])
        out = model(input_ids=tokens, mm_token_type_ids=(tokens == pad).int(), **seen)
        rows.append(out.logits[0, -1].numpy())
        ids.append(int(rows[-1].argmax()))
    return np.stack(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["models", "logits"])
    parser.add_argument("directory", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    {"models": write_models, "logits": write_logits}[arguments.what](arguments.directory)


if __name__ == "__main__":
    main()
