"""Tiny random-weight GGUF files, written once for each test session, and pictures to show them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeagent_models.protocol import Image

GENERATOR = Path(__file__).parents[2] / "scripts" / "gen_synthetic_gguf.py"


@dataclass(frozen=True)
class TinyModels:
    """Paths of the files in one directory."""

    dense: Path
    hybrid: Path
    mmproj: Path
    narrow_mmproj: Path
    """Fits neither model."""

    def named(self, name: str) -> Path:
        return {"dense": self.dense, "hybrid": self.hybrid}[name]


def write_tiny_models(directory: Path) -> TinyModels:
    """Run the product's own generator, as a user would."""
    models = TinyModels(*(directory / f"{name}.gguf" for name in ("dense", "hybrid", "mmproj", "narrow")))
    generate("dense", models.dense)
    generate("hybrid", models.hybrid)
    generate("mmproj", models.mmproj)
    generate("mmproj", models.narrow_mmproj, "--projection", "192")
    return models


def generate(*arguments: object) -> None:
    """Run the generator with ``arguments``."""
    subprocess.run([sys.executable, GENERATOR, *map(str, arguments)], check=True, capture_output=True, timeout=60)


def picture(seed: int, width: int = 160, height: int = 96) -> Image:
    """A picture of noise; each seed another."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image(width, height, "rgb", pixels.tobytes())


def named_copy(model: Path, name: str, directory: Path) -> Path:
    """``model`` with ``name`` as its own name in the header, as published files have it."""
    out = directory / "model.gguf"
    arguments = [sys.executable, "-m", "gguf.scripts.gguf_new_metadata", "--force", "--general-name", name, str(model), str(out)]
    subprocess.run(arguments, check=True, capture_output=True, timeout=60)
    return out
