"""Pictures by content: each is encoded once, in the background, and kept until memory is wanted."""

from __future__ import annotations

import concurrent.futures
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from edgeagent_models.llama.decoder import Floats, Ints
from edgeagent_models.llama.native import Handle
from edgeagent_models.llama.units import ImageUnit, Unit
from edgeagent_models.llama.vision import VisionEncoder, chunk_positions, chunk_tokens, free_chunk, without_pixels
from edgeagent_models.protocol import Image

MAX_CACHE_BYTES = 256 << 20


@dataclass(slots=True)
class _Picture:
    """One encoder input: ``chunk`` has its pixels until ``embedding`` ``(tokens, width)`` is there."""

    chunk: Handle
    embedding: Floats | None = None
    held: int = 0
    """Completions (and the encoder) that still need it."""


@dataclass(frozen=True, slots=True)
class _Encoding:
    """The encoder's work under way."""

    unit: ImageUnit
    result: concurrent.futures.Future[Floats | None]
    began_s: float


class Pictures:
    """The pictures of all sequences. The encoder has a thread of its own: meanwhile text goes on."""

    def __init__(self, encoder: VisionEncoder) -> None:
        self._encoder = encoder
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "vision")
        self._encoding: _Encoding | None = None
        self._plans: dict[str, tuple[Unit, ...]] = {}
        self._pictures: dict[str, _Picture] = {}

    def plan(self, image: Image) -> tuple[Unit, ...]:
        """``image`` as it stands in a prompt, with the tokens that the model wants around it."""
        pixels = self._encoder.fitted(image)
        digest = hashlib.blake2b(pixels.tobytes(), digest_size=16, key=b"%dx%d" % pixels.shape[1::-1]).hexdigest()
        units = self._plans.pop(digest, None)
        if units is None:
            units = tuple(self._units(self._encoder.prepare(pixels), digest))
        self._plans[digest] = units  # at the end: the oldest go first
        return units

    def hold(self, units: Sequence[Unit]) -> None:
        """Keep the pictures among ``units`` until `release`."""
        for picture in self._among(units):
            picture.held += 1

    def release(self, units: Sequence[Unit]) -> None:
        for picture in self._among(units):
            picture.held -= 1
        self._shrink()

    def encoded(self, unit: ImageUnit) -> bool:
        return self._pictures[unit.id].embedding is not None

    def embedding(self, unit: ImageUnit) -> Floats:
        """``(tokens, width) float32``, once it is encoded."""
        found = self._pictures[unit.id].embedding
        assert found is not None, "encoding comes first"
        return found

    def positions(self, unit: ImageUnit, first: int) -> Ints:
        """See `VisionEncoder.positions`."""
        return self._encoder.positions(self._pictures[unit.id].chunk, first)

    def causal(self, unit: ImageUnit) -> bool:
        """See `VisionEncoder.causal`."""
        return self._encoder.causal(self._pictures[unit.id].chunk)

    # -- the encoder's thread

    @property
    def encoding(self) -> ImageUnit | None:
        """What the encoder is at work on."""
        return self._encoding.unit if self._encoding else None

    def start_encoding(self, unit: ImageUnit) -> None:
        """Encode ``unit`` in the background."""
        self.hold([unit])
        self._encoder.cancel(False)
        result = self._thread.submit(self._encoder.encode, self._pictures[unit.id].chunk)
        self._encoding = _Encoding(unit, result, time.perf_counter())

    def cancel_encoding(self) -> None:
        """Nobody waits for it any more: it ends soon, without a result."""
        self._encoder.cancel()

    def wait(self, timeout_s: float) -> None:
        """Until the encoder is done, at most ``timeout_s``."""
        if self._encoding:
            concurrent.futures.wait([self._encoding.result], timeout_s)

    def collect(self) -> float | None:
        """Keep the encoder's result if it is done: the ms it took, or None while it is at work.

        Raises what the encoder raised. A cancelled encoding leaves nothing behind.
        """
        encoding = self._encoding
        if encoding is None or not encoding.result.done():
            return None
        self._encoding = None
        picture = self._pictures[encoding.unit.id]
        try:
            picture.embedding = encoding.result.result()
            if picture.embedding is not None:
                picture.chunk = without_pixels(picture.chunk)
        finally:
            self.release([encoding.unit])
        return (time.perf_counter() - encoding.began_s) * 1000

    def close(self) -> None:
        self._encoder.cancel()
        self._thread.shutdown()
        for picture in self._pictures.values():
            free_chunk(picture.chunk)
        self._pictures.clear()
        self._encoder.close()

    def _units(self, parts: Sequence[list[int] | Handle], digest: str) -> list[Unit]:
        """The units of a prepared picture; keeps its chunks."""
        units: list[Unit] = []
        for index, part in enumerate(parts):
            if isinstance(part, list):
                units.extend(part)
                continue
            unit = ImageUnit(f"{digest}:{index}", chunk_tokens(part), chunk_positions(part))
            self._pictures[unit.id] = _Picture(part)
            units.append(unit)
        return units

    def _among(self, units: Sequence[Unit]) -> list[_Picture]:
        return [self._pictures[unit.id] for unit in units if isinstance(unit, ImageUnit)]

    def _shrink(self) -> None:
        """Drop what nobody needs: pictures that were never encoded, and the oldest until the cache is within its size."""
        total = sum(_size_bytes(picture) for picture in self._pictures.values())
        for digest, units in list(self._plans.items()):
            pictures = self._among(units)
            if any(picture.held for picture in pictures):
                continue
            size = sum(map(_size_bytes, pictures))
            if size and total <= MAX_CACHE_BYTES:
                continue
            total -= size
            del self._plans[digest]
            for unit in units:
                if isinstance(unit, ImageUnit):
                    free_chunk(self._pictures.pop(unit.id).chunk)


def _size_bytes(picture: _Picture) -> int:
    return 0 if picture.embedding is None else picture.embedding.nbytes
