"""Random weights have the exact shape: tensors, bytes and vocabulary are those planned, and each shape names its source."""

from pathlib import Path

import gguf
import numpy as np
import pytest

from edgeagent.bench.step.synthetic import named
from edgeagent_models.synthetic.blocks import tensor_data
from edgeagent_models.synthetic.plan import QUANTIZATIONS, VISION_FORMATS, Tensor, planned_bytes, text_tensors, vision_tensors
from edgeagent_models.synthetic.shapes import TextShape, VisionShape, load_shapes
from edgeagent_models.synthetic.vocabulary import vocabulary
from edgeagent_models.synthetic.write import write_text_model, write_vision_encoder

SMALL = TextShape(
    "qwen35", layers=4, attention_every=4, width=256, heads=2, kv_heads=1, head_width=128, feed_forward=512, rope_width=32,
    rope_sections=(6, 5, 5, 0), vocabulary=16_000, tied=True, ssm_key_heads=2, ssm_value_heads=4, ssm_width=64, ssm_kernel=4,
)  # fmt: skip
PUBLISHED_BILLIONS = {
    "holo3.1-0.8b": 0.8, "holo3.1-4b": 4, "holo3.1-9b": 9, "qwen3-vl-2b": 2, "qwen3-vl-4b": 4, "qwen3-vl-8b": 8,
}  # fmt: skip


def test_shapes_have_sources_and_about_the_parameters_in_their_names() -> None:
    shapes = load_shapes()
    assert shapes.keys() == PUBLISHED_BILLIONS.keys()
    for name, shape in shapes.items():
        assert shape.like in shape.source
        tensors = [*text_tensors(shape.text, shape.text.vocabulary), *vision_tensors(shape.vision)]
        parameters = sum(int(np.prod(tensor.shape)) for tensor in tensors)
        assert parameters / 1e9 == pytest.approx(PUBLISHED_BILLIONS[name], rel=0.15)
        assert shape.vision.projection == shape.text.width
        assert len(shape.vision.deepstack) == shape.text.deepstack


@pytest.mark.parametrize("quantization", ["Q4_0", "Q8_0", "NVFP4"])
def test_a_file_holds_what_was_planned(tmp_path: Path, quantization: str) -> None:
    write_text_model(tmp_path / "m.gguf", SMALL, 0, quantization)
    reader = gguf.GGUFReader(tmp_path / "m.gguf")
    planned = text_tensors(SMALL, SMALL.vocabulary)
    assert [tensor.name for tensor in reader.tensors] == [tensor.name for tensor in planned]
    for written, tensor in zip(reader.tensors, planned, strict=True):
        assert tuple(reversed(written.shape.tolist())) == tensor.shape
        assert written.tensor_type.name == QUANTIZATIONS[quantization][tensor.purpose]
    total = sum(int(tensor.n_bytes) for tensor in reader.tensors)
    assert total == planned_bytes(planned, QUANTIZATIONS[quantization])
    assert len(reader.fields["tokenizer.ggml.tokens"].data) == SMALL.vocabulary


def test_a_vision_encoder_with_deepstack(tmp_path: Path) -> None:
    shape = VisionShape(256, width=128, layers=3, heads=4, feed_forward=256, deepstack=(0, 2))
    write_vision_encoder(tmp_path / "v.gguf", shape, 0, VISION_FORMATS)
    reader = gguf.GGUFReader(tmp_path / "v.gguf")
    assert {"v.deepstack.0.fc1.weight", "v.deepstack.2.fc2.weight"} <= {tensor.name for tensor in reader.tensors}
    flags = reader.fields["clip.vision.is_deepstack_layers"]
    assert [bool(flags.parts[place][0]) for place in flags.data] == [True, False, True]


@pytest.mark.parametrize("kind", ["Q4_0", "Q8_0", "Q6_K", "NVFP4"])
def test_random_blocks_have_the_spread_that_was_asked_for(kind: str) -> None:
    tensor = Tensor("t", (64, 1024), std=0.05, purpose="vocabulary")
    silent = np.arange(64) >= 32
    data = tensor_data(tensor, kind, np.random.default_rng(0), silent)  # type: ignore[arg-type]
    values = gguf.dequantize(data, gguf.GGMLQuantizationType[kind])
    assert values[:32].std() == pytest.approx(0.05, rel=0.05)
    assert not values[32:].any()


def test_the_vocabulary() -> None:
    known = vocabulary(20_000)
    assert len(known.tokens) == len(set(known.tokens)) == 20_000
    assert "Ġmodel" in known.tokens
    assert known.speakable(known.tokens.index("Ġmodel"))
    for token in (known.tokens.index("<|im_end|>"), 19_999, known.tokens.index("é")):
        assert not known.speakable(token)


def test_the_size_is_known_before_anything_is_written() -> None:
    small, large = named("holo3.1-0.8b"), named("holo3.1-9b:q8_0")
    assert 0.6e9 < small.weights_bytes < 0.8e9
    assert 9e9 < large.weights_bytes < 11e9
    assert small.directory != named("holo3.1-0.8b:Q8_0").directory
