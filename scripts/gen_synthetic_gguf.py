#!/usr/bin/env python3
"""Write tiny random-weight GGUF files: they exercise the engine's whole path and know nothing.

    gen_synthetic_gguf.py dense OUT.gguf     text model of the Qwen3-VL shape (attention only)
    gen_synthetic_gguf.py hybrid OUT.gguf    text model of the Qwen3.5 shape (three gated delta-net layers to one of attention)
    gen_synthetic_gguf.py mmproj OUT.gguf    vision encoder of the Qwen3-VL shape that fits both

Each takes about a second and stays below 15 MB. The same ``--seed`` gives the same file, byte for byte. The vocabulary is
one token per byte, a few merged pairs and Qwen's special tokens, so every text can be read and written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from edgeagent_models.synthetic.plan import QUANTIZATIONS
from edgeagent_models.synthetic.shapes import TextShape, VisionShape
from edgeagent_models.synthetic.write import write_text_model, write_vision_encoder

WIDTH = 256
"""Of the text models' embedding, and so of what the vision encoder projects to."""
DENSE = TextShape(
    "qwen3vl", layers=3, attention_every=1, width=WIDTH, heads=4, kv_heads=2, head_width=64, feed_forward=512, rope_width=64,
    rope_sections=(12, 10, 10, 0),
)  # fmt: skip
HYBRID = TextShape(
    "qwen35", layers=4, attention_every=4, width=WIDTH, heads=4, kv_heads=2, head_width=64, feed_forward=512, rope_width=32,
    rope_sections=(6, 5, 5, 0), ssm_key_heads=4, ssm_value_heads=4, ssm_width=64, ssm_kernel=4,
)  # fmt: skip
# In single precision: with half, sums in another order (another batch size) differ enough to turn near ties.
FORMATS = QUANTIZATIONS["F32"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["dense", "hybrid", "mmproj"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quantization", choices=list(QUANTIZATIONS), default="F32", help="text models only")
    parser.add_argument("--projection", type=int, default=WIDTH, help="mmproj only: width of what it yields")
    arguments = parser.parse_args()
    if arguments.kind == "mmproj":
        vision = VisionShape(arguments.projection, width=128, layers=2, heads=4, feed_forward=256)
        write_vision_encoder(arguments.out, vision, arguments.seed, FORMATS)
    else:
        shape = {"dense": DENSE, "hybrid": HYBRID}[arguments.kind]
        write_text_model(arguments.out, shape, arguments.seed, arguments.quantization)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
