"""What models there are, without loading any: parts of the embedded set, and the header of a GGUF file."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import msgspec

from edgeagent_models.families.encoder import merge_factor
from edgeagent_models.families.registry import recognised
from edgeagent_models.gguf_header import GgufHeader, read_header
from edgeagent_models.quantization import quantization


class Part(msgspec.Struct, frozen=True):
    """One file of the embedded set."""

    name: str
    what: str
    size_mb: float
    present: bool


class Embedded(msgspec.Struct, frozen=True):
    """The set that needs no download."""

    parts: tuple[Part, ...]

    @property
    def size_mb(self) -> float:
        return sum(part.size_mb for part in self.parts)

    @property
    def complete(self) -> bool:
        return all(part.present for part in self.parts)


class GgufInfo(msgspec.Struct, frozen=True):
    """What a GGUF file says of itself in its header."""

    path: str
    name: str
    architecture: str
    size_mb: float
    context_tokens: int
    layers: int
    vision: bool
    """Whether this file is a vision part (mmproj)."""
    family: str
    """How the model is spoken to (``docs/families.md``); empty for a vision part."""
    picture_factor: int
    """Of a vision part: the sides of pictures must be multiples of it; 0 where it scales them by itself."""
    chat_template: bool
    quantization: str
    """What most weights are kept in; empty where the file does not say."""


def embedded() -> Embedded:
    """The parts of the embedded set, present or not."""
    ours = Path(__file__).parent / "weights"
    rapidocr = importlib.util.find_spec("rapidocr")
    theirs = Path(rapidocr.origin).parent / "models" if rapidocr and rapidocr.origin else Path()
    parts = (
        _part(theirs / "PP-OCRv6_det_small.onnx", "finds text (PP-OCRv6, Apache-2.0, from the rapidocr wheel)"),
        _part(theirs / "PP-OCRv6_rec_small.onnx", "reads text (PP-OCRv6, Apache-2.0, from the rapidocr wheel)"),
        _part(ours / "detector.onnx", "finds widgets and their state (our own)"),
        _part(ours / "icons.onnx", "names icons (our own)"),
        _part(ours / "policy.onnx", "chooses the next action (our own)"),
    )
    return Embedded(parts)


def _part(path: Path, what: str) -> Part:
    present = path.is_file()
    return Part(path.name, what, round(path.stat().st_size / 1e6, 2) if present else 0.0, present)


def names_of(header: GgufHeader, path: Path) -> tuple[str, ...]:
    """What a model is called: in its header, then as a file."""
    said = (header.settings.get(f"general.{key}", "") for key in ("name", "basename"))
    return (*map(str, said), path.stem)


def read_gguf(path: Path) -> GgufInfo:
    """What ``path`` says of itself. Raises `NotAModel` with what is wrong."""
    header = read_header(path)
    return GgufInfo(
        path=str(path),
        name=header.name,
        architecture=header.architecture,
        size_mb=round(header.file_bytes / 1e6, 1),
        context_tokens=header.number(f"{header.architecture}.context_length", 0),
        layers=header.number(f"{header.architecture}.block_count", 0),
        vision=header.vision,
        family="" if header.vision else recognised(header.architecture, names_of(header, path)).name,
        picture_factor=merge_factor(header) if header.vision else 0,
        chat_template="tokenizer.chat_template" in header.settings,
        quantization=quantization(header),
    )
