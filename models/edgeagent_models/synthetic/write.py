"""Writes models of random weights as GGUF files, tensor by tensor. Needs the ``gguf`` package."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from edgeagent_models.synthetic.blocks import tensor_data
from edgeagent_models.synthetic.plan import QUANTIZATIONS, Format, Purpose, Tensor, text_tensors, vision_tensors
from edgeagent_models.synthetic.shapes import CONTEXT_TOKENS, TextShape, VisionShape
from edgeagent_models.synthetic.vocabulary import Vocabulary, vocabulary

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' }}{% if message.content is string %}"
    "{{ message.content }}{% else %}{% for part in message.content %}{{ part.text }}{% endfor %}{% endif %}"
    "{{ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
NORM_EPS = 1e-6
_NOBODY: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)


def write_text_model(out: Path, shape: TextShape, seed: int, quantization: str = "F32") -> None:
    """Write a text model of ``shape``. The same seed gives the same file, byte for byte.

    A model with a vocabulary of full size speaks plain ASCII alone and never ends its reply.
    """
    writer = gguf.GGUFWriter(out, shape.architecture)
    _add_text_settings(writer, shape)
    writer.add_file_type(gguf.LlamaFileType[("ALL_" if quantization == "F32" else "MOSTLY_") + quantization])
    known = vocabulary(shape.vocabulary)
    _add_vocabulary(writer, known)
    silent = np.array([not known.speakable(token) for token in range(len(known.tokens))]) if shape.vocabulary else _NOBODY
    _write(writer, text_tensors(shape, len(known.tokens)), QUANTIZATIONS[quantization], seed, silent)


def write_vision_encoder(out: Path, shape: VisionShape, seed: int, formats: dict[Purpose, Format]) -> None:
    """Write an mmproj file of ``shape``."""
    writer = gguf.GGUFWriter(out, "clip")
    _add_vision_settings(writer, shape)
    _write(writer, vision_tensors(shape), formats, seed, _NOBODY)


def _write(
    writer: gguf.GGUFWriter, tensors: Iterable[Tensor], formats: dict[Purpose, Format], seed: int,
    silent: npt.NDArray[np.bool_],
) -> None:  # fmt: skip
    """One tensor in memory at a time."""
    planned = list(tensors)
    for tensor in planned:
        kind = formats[tensor.purpose]
        raw = None if kind in ("F32", "F16") else gguf.GGMLQuantizationType[kind]
        stored = gguf.quant_shape_to_byte_shape(tensor.shape, raw) if raw else tensor.shape
        of = np.dtype({"F32": np.float32, "F16": np.float16}.get(kind, np.uint8))
        writer.add_tensor_info(tensor.name, stored, of, tensor.bytes_in(formats), raw)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    rng = np.random.default_rng(seed)
    for tensor in planned:
        writer.write_tensor_data(tensor_data(tensor, formats[tensor.purpose], rng, silent))
    writer.close()


def _add_vocabulary(writer: gguf.GGUFWriter, known: Vocabulary) -> None:
    normal, control, unused = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL, gguf.TokenType.UNUSED
    special = known.special
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(list(known.tokens))
    writer.add_token_types(
        [normal] * special.start + [control] * len(special) + [unused] * (len(known.tokens) - special.stop)
    )  # fmt: skip
    writer.add_token_merges(list(known.merges))
    writer.add_eos_token_id(known.tokens.index("<|im_end|>"))
    writer.add_bos_token_id(known.tokens.index("<|endoftext|>"))
    writer.add_pad_token_id(known.tokens.index("<|endoftext|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _add_text_settings(writer: gguf.GGUFWriter, shape: TextShape) -> None:
    writer.add_name(f"synthetic-{shape.architecture}")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_rope_dimension_sections(list(shape.rope_sections))
    writer.add_layer_norm_rms_eps(NORM_EPS)
    if shape.attention_every == 1:
        writer.add_num_deepstack_layers(shape.deepstack)
        return
    writer.add_rope_dimension_count(shape.rope_width)
    writer.add_ssm_conv_kernel(shape.ssm_kernel)
    writer.add_ssm_state_size(shape.ssm_width)
    writer.add_ssm_group_count(shape.ssm_key_heads)
    writer.add_ssm_time_step_rank(shape.ssm_value_heads)
    writer.add_ssm_inner_size(shape.ssm_value_heads * shape.ssm_width)
    writer.add_full_attention_interval(shape.attention_every)


def _add_vision_settings(writer: gguf.GGUFWriter, shape: VisionShape) -> None:
    writer.add_name("synthetic-vision")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_bool("clip.use_gelu", True)
    writer.add_clip_projector_type("qwen3vl_merger")
    writer.add_vision_image_size(shape.image_size)
    writer.add_vision_patch_size(shape.patch)
    writer.add_vision_embedding_length(shape.width)
    writer.add_vision_feed_forward_length(shape.feed_forward)
    writer.add_vision_projection_dim(shape.projection)
    writer.add_vision_block_count(shape.layers)
    writer.add_vision_head_count(shape.heads)
    writer.add_vision_attention_layernorm_eps(NORM_EPS)
    writer.add_vision_image_mean([0.5] * 3)
    writer.add_vision_image_std([0.5] * 3)
    writer.add_vision_spatial_merge_size(shape.merge)
    if shape.deepstack:
        writer.add_vision_is_deepstack_layers([index in shape.deepstack for index in range(shape.layers)])
