"""``python -m edgeagent_models.synthetic NAME QUANTIZATION MODEL.gguf MMPROJ.gguf``: write one model of `shapes`."""

from __future__ import annotations

import sys
from pathlib import Path

from edgeagent_models.synthetic.plan import VISION_FORMATS
from edgeagent_models.synthetic.shapes import load_shapes
from edgeagent_models.synthetic.write import write_text_model, write_vision_encoder


def main() -> None:
    name, quantization, model, mmproj = sys.argv[1:]
    shape = load_shapes()[name]
    write_vision_encoder(Path(mmproj), shape.vision, 0, VISION_FORMATS)
    write_text_model(Path(model), shape.text, 0, quantization)


if __name__ == "__main__":
    main()
