"""Read a GGUF file's header without any library: what it is, and whether it is all there.

llama.cpp says "failed to load model" for most damage; this says what and where. Only the header is read, never the weights.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from edgeagent_models.errors import NotAModel

Scalar: TypeAlias = int | float | bool | str

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MAX_ENTRIES = 1 << 20
MAX_STRING_BYTES = 64 << 20
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
"""GGUF value types as `struct` formats."""
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66), 17: (256, 74),
    18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2),
    26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
"""ggml tensor types: elements in a block, bytes of a block. A type that is not listed is not checked for length."""


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What the header says. ``settings`` has every scalar; arrays only count as present, by their length."""

    settings: dict[str, Scalar]
    array_lengths: dict[str, int]
    tensors: int
    header_bytes: int
    file_bytes: int

    @property
    def architecture(self) -> str:
        return str(self.settings.get("general.architecture", ""))

    @property
    def vision(self) -> bool:
        """Whether this is a vision encoder (mmproj) and no language model."""
        return self.architecture == "clip"

    @property
    def name(self) -> str:
        return str(self.settings.get("general.name", ""))

    def number(self, key: str, default: int) -> int:
        value = self.settings.get(key, default)
        return int(value) if not isinstance(value, str) else default


def read_header(path: str | Path) -> GgufHeader:
    """The header of the GGUF file at ``path``. Raises `NotAModel` saying what is wrong with the file."""
    try:
        size = Path(path).stat().st_size
        with open(path, "rb") as file:
            return _Reader(file, Path(path), size).read()
    except OSError as error:
        raise NotAModel(f"cannot read {path}: {error.strerror}") from error


class _Reader:
    def __init__(self, file: BinaryIO, path: Path, size: int) -> None:
        self._file = file
        self._path = path
        self._size = size

    def read(self) -> GgufHeader:
        magic = self._file.read(4)
        if magic != MAGIC:
            raise self._broken(f"it is no GGUF file (it starts with {magic!r}, not {MAGIC!r})")
        version = int(self._number("<I"))
        if version not in VERSIONS:
            raise self._broken(f"GGUF version {version} is not supported (only {VERSIONS})")
        tensors, entries = self._count("<Q"), self._count("<Q")
        settings: dict[str, Scalar] = {}
        lengths: dict[str, int] = {}
        for _ in range(entries):
            key = self._string()
            kind = int(self._number("<I"))
            if kind == _ARRAY:
                lengths[key] = self._skip_array(key)
            else:
                settings[key] = self._value(kind, key)
        data_end = self._data_end(tensors, int(settings.get("general.alignment", 32)))
        if data_end > self._size:
            raise self._broken(f"it has {self._size} bytes, its header promises {data_end}: download or copy it again")
        return GgufHeader(settings, lengths, tensors, self._file.tell(), self._size)

    def _data_end(self, tensors: int, alignment: int) -> int:
        """Where the last tensor ends, as a position in the file."""
        end = 0
        for _ in range(tensors):
            name = self._string()
            dimensions = int(self._number("<I"))
            if not 1 <= dimensions <= 4:
                raise self._broken(f"tensor {name!r} has {dimensions} dimensions")
            elements = 1
            for _ in range(dimensions):
                elements *= int(self._number("<Q"))
            kind, offset = int(self._number("<I")), int(self._number("<Q"))
            per_block, block_bytes = _BLOCKS.get(kind, (1, 0))
            end = max(end, offset + elements // per_block * block_bytes)
        alignment = max(1, alignment)
        start = -(-self._file.tell() // alignment) * alignment
        return start + end

    def _value(self, kind: int, key: str) -> Scalar:
        if kind == _STRING:
            return self._string()
        if kind not in _SCALARS:
            raise self._broken(f"setting {key!r} has the unknown type {kind}")
        return self._number(_SCALARS[kind])

    def _skip_array(self, key: str) -> int:
        kind, length = int(self._number("<I")), int(self._number("<Q"))
        if kind == _STRING:
            self._skip_strings(length)
        elif kind in _SCALARS:
            self._skip(struct.calcsize(_SCALARS[kind]) * length)
        else:
            raise self._broken(f"array {key!r} holds the unknown type {kind}")
        return length

    def _skip_strings(self, length: int) -> None:
        """Half a million of them in a large vocabulary: this loop is what reading a header takes."""
        read, unpack, most = self._file.read, struct.Struct("<Q").unpack, self._size
        for _ in range(length):
            head = read(8)
            count: int = unpack(head)[0] if len(head) == 8 else most + 1
            if count > most or len(read(count)) < count:
                raise self._cut_off()

    def _skip(self, count: int) -> None:
        if count > self._size - self._file.tell():
            raise self._cut_off()
        self._file.seek(count, 1)

    def _string(self) -> str:
        length = int(self._number("<Q"))
        if length > MAX_STRING_BYTES:
            raise self._broken(f"a text of {length} bytes in its header")
        return self._bytes(length).decode("utf-8", "replace")

    def _count(self, layout: str) -> int:
        count = int(self._number(layout))
        if count > MAX_ENTRIES:
            raise self._broken(f"its header announces {count} entries")
        return count

    def _number(self, layout: str) -> int | float | bool:
        value: int | float | bool = struct.unpack(layout, self._bytes(struct.calcsize(layout)))[0]
        return value

    def _bytes(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise self._cut_off()
        return data

    def _cut_off(self) -> NotAModel:
        return self._broken(f"it ends after {self._size} bytes, inside its header: download or copy it again")

    def _broken(self, what: str) -> NotAModel:
        return NotAModel(f"{self._path} cannot be loaded: {what}")
