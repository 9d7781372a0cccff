"""The trained network as a folder in transformers' own form, by transformers' own classes: names and shapes are checked there."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast, Qwen3VLConfig, Qwen3VLForConditionalGeneration

from vlm_training.shape import SIZES_PX, Shape
from vlm_training.tokens import CHAT_TEMPLATE

CONTEXT_TOKENS = 2048


def configuration(shape: Shape, tokenizer: Tokenizer) -> Qwen3VLConfig:
    """What transformers and the converter are told of the model."""
    text = {
        "vocab_size": shape.vocabulary, "hidden_size": shape.width, "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_width, "max_position_embeddings": CONTEXT_TOKENS, "rms_norm_eps": 1e-6,
        "rope_parameters": {
            "rope_type": "default", "rope_theta": shape.rope_base, "mrope_section": list(shape.rope_sections),
            "mrope_interleaved": True,
        },
        "eos_token_id": tokenizer.token_to_id("<|im_end|>"), "bos_token_id": tokenizer.token_to_id("<|endoftext|>"),
        "tie_word_embeddings": True,
    }  # fmt: skip
    vision = {
        "depth": shape.vision_layers, "hidden_size": shape.vision_width, "num_heads": shape.vision_heads,
        "intermediate_size": shape.vision_inner, "patch_size": shape.patch_px, "spatial_merge_size": 2,
        "temporal_patch_size": 2, "out_hidden_size": shape.width, "num_position_embeddings": shape.position_grid**2,
        "deepstack_visual_indexes": [],
    }  # fmt: skip
    config = Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=tokenizer.token_to_id("<|image_pad|>"),
        video_token_id=tokenizer.token_to_id("<|video_pad|>"),
        vision_start_token_id=tokenizer.token_to_id("<|vision_start|>"),
        vision_end_token_id=tokenizer.token_to_id("<|vision_end|>"),
        tie_word_embeddings=True,
    )
    config.architectures = ["Qwen3VLForConditionalGeneration"]
    return config


def write_folder(state: dict[str, torch.Tensor], shape: Shape, tokenizer: Tokenizer, folder: Path) -> None:
    """Write ``folder``: weights, configuration, tokenizer with its chat template, and how pictures are prepared."""
    model = Qwen3VLForConditionalGeneration(configuration(shape, tokenizer)).float().eval()
    loaded = model.load_state_dict(state, strict=False)
    if set(loaded.missing_keys) - {"lm_head.weight"} or loaded.unexpected_keys:
        raise ValueError(f"transformers knows other parameters than ours: {loaded}")
    model.tie_weights()
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
    pixels = [width * height for width, height in SIZES_PX]
    pictures = {
        "image_processor_type": "Qwen2VLImageProcessorFast", "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
        "patch_size": shape.patch_px, "temporal_patch_size": 2, "merge_size": 2,
        "size": {"shortest_edge": min(pixels), "longest_edge": max(pixels)},
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
