"""Random tensors in GGML's formats. Quantized blocks are written directly: any bytes are valid quants, only scales are chosen."""

from __future__ import annotations

import math

import gguf
import numpy as np
import numpy.typing as npt

from edgeagent_models.synthetic.plan import BLOCKS, Format, Tensor

Bytes = npt.NDArray[np.uint8]
_STD_OF_QUANTS: dict[str, float] = {"Q4_0": 4.61, "Q8_0": 73.9, "Q6_K": 18.47 * 73.9, "NVFP4": 2.93}
"""Of evenly spread quants (times sub-block scales): 0 to 15, -128 to 127, 0 to 63 by -128 to 127, the sixteen of E2M1."""
_SCALE_AT: dict[str, int] = {"Q4_0": 0, "Q8_0": 0, "Q6_K": 208, "NVFP4": 0}
"""Where in a block its scale stands: one in half precision, NVFP4's four in UE4M3."""


def tensor_data(tensor: Tensor, kind: Format, rng: np.random.Generator, silent: npt.NDArray[np.bool_]) -> npt.NDArray[np.generic]:
    """``tensor``'s values in format ``kind``; of a vocabulary's matrix the rows in ``silent`` are zero."""
    if kind in _STD_OF_QUANTS:
        return _quantized(tensor, kind, rng, silent)
    values = _floats(tensor, rng)
    if tensor.purpose == "vocabulary" and silent.size:
        values[silent] = 0
    return values.astype(np.float16) if kind == "F16" else values


def _floats(tensor: Tensor, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    match tensor.fill:
        case "ones":
            return np.ones(tensor.shape, np.float32)
        case "zeros":
            return np.zeros(tensor.shape, np.float32)
        case "decay":
            return -rng.uniform(0.01, 0.3, tensor.shape).astype(np.float32)
        case "normal":
            return rng.standard_normal(tensor.shape, dtype=np.float32) * np.float32(tensor.std)


def _quantized(tensor: Tensor, kind: Format, rng: np.random.Generator, silent: npt.NDArray[np.bool_]) -> Bytes:
    """``(rows, bytes of a row) uint8``."""
    weights, size = BLOCKS[kind]
    rows, columns = math.prod(tensor.shape[:-1]), tensor.shape[-1]
    if columns % weights:
        raise ValueError(f"{tensor.name}: rows of {columns} weights do not divide into blocks of {weights}")
    data = np.frombuffer(rng.bytes(rows * (columns // weights) * size), np.uint8).reshape(rows, -1, size).copy()
    at, scale = _SCALE_AT[kind], _scale_bytes(kind, tensor.std / _STD_OF_QUANTS[kind])
    data[:, :, at : at + scale.size] = scale
    if tensor.purpose == "vocabulary" and silent.size:
        data[silent, :, at : at + scale.size] = 0
    return data.reshape(rows, -1)


def _scale_bytes(kind: Format, scale: float) -> Bytes:
    if kind == "NVFP4":  # as ggml-common.h has it: 64 weights, a scale for each 16
        return np.repeat(gguf.quants.NVFP4.fp32_to_ue4m3(np.array([scale], np.float32)), 4)
    return np.array([scale], np.float16).view(np.uint8)
