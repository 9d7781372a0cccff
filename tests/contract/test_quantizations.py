"""The engine runs every quantization that is promised: small random models, quantized by llama.cpp itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.engines import complete, llama
from support.tiny_models import TinyModels, generate, picture

from edgeagent_models.catalog import read_gguf

pytestmark = pytest.mark.llama
TYPES = {"Q4_0": 2, "Q4_K_M": 15, "Q6_K": 18, "Q8_0": 7, "MXFP4": 38}
"""``llama_ftype``; this llama.cpp has no function that writes NVFP4: our generator does."""
_QUANTIZE = """
import sys, llama_cpp
parameters = llama_cpp.llama_model_quantize_default_params()
parameters.ftype, parameters.nthread = int(sys.argv[3]), 1
sys.exit(llama_cpp.llama_model_quantize(sys.argv[1].encode(), sys.argv[2].encode(), parameters))
"""


def quantized(name: str, source: Path, directory: Path) -> Path:
    out = directory / "model.gguf"
    arguments = [sys.executable, "-c", _QUANTIZE, str(source), str(out), str(TYPES[name])]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    return out


@pytest.mark.parametrize("name", TYPES)
async def test_a_quantization_runs(name: str, tiny_models: TinyModels, tmp_path: Path) -> None:
    out = quantized(name, tiny_models.dense, tmp_path)
    assert read_gguf(out).quantization == name
    assert out.stat().st_size < tiny_models.dense.stat().st_size
    await runs(out, tiny_models)


async def test_nvfp4_runs(tiny_models: TinyModels, tmp_path: Path) -> None:
    out = tmp_path / "model.gguf"
    generate("dense", out, "--quantization", "NVFP4")
    assert read_gguf(out).quantization == "NVFP4"
    await runs(out, tiny_models)


async def runs(out: Path, tiny_models: TinyModels) -> None:
    async with llama(out, tiny_models.mmproj) as process:
        answer = await complete(process, "a", "look: ", picture(1), "and?", max_tokens=4)
        assert answer.usage.output_tokens == 4
