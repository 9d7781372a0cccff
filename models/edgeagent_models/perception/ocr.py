"""Text on the screen: map where it is, read its lines, and after a change look only where something changed.

A look that starts from the last one gives the very lines that a look at all of the picture gives: the map is the same
(see `text_detection`), and what a line says depends on the pixels in its box alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.sessions import DEFAULT_THREADS
from edgeagent_models.perception.text_detection import Heat, TextDetector, lines_in, whole_of
from edgeagent_models.perception.text_recognition import MEMORY_LINES, Reading, TextRecogniser
from edgeagent_models.perception.types import TextLine
from edgeagent_models.perception.words import line_of, without_icons

_LEAST_SCORE = 0.5


class TextSeen(msgspec.Struct, frozen=True):
    """What the last look found, for the next one to start from."""

    heat: Heat
    by_box: dict[Rect, TextLine | None]
    """What stands in each box of the map; None where nothing legible does."""

    @property
    def lines(self) -> list[TextLine]:
        """From top to bottom."""
        return [line for line in self.by_box.values() if line is not None]


class Ocr:
    """Reads pictures ``(H, W, 3) uint8 RGB``."""

    def __init__(self, threads: int = DEFAULT_THREADS, memory_lines: int = MEMORY_LINES) -> None:
        self._detector = TextDetector(threads)
        self.recogniser = TextRecogniser(threads, memory_lines)

    def read(self, picture: NDArray[np.uint8]) -> TextSeen:
        """All lines of a picture."""
        return self._read(picture, self._detector.map(picture), {}, [whole_of(picture)])

    def refresh(self, picture: NDArray[np.uint8], seen: TextSeen, regions: Sequence[Rect]) -> TextSeen:
        """The lines of ``picture``, of which only ``regions`` differ from the picture that was ``seen``."""
        if not regions:
            return seen
        return self._read(picture, self._detector.map_again(picture, seen.heat, regions), seen.by_box, regions)

    def _read(
        self, picture: NDArray[np.uint8], heat: Heat, known: dict[Rect, TextLine | None], regions: Sequence[Rect]
    ) -> TextSeen:  # fmt: skip
        boxes = lines_in(heat)
        fresh = [box for box in boxes if box not in known or any(region.intersect(box).area for region in regions)]
        read = dict(zip(fresh, self._read_at(picture, fresh), strict=True))
        return TextSeen(heat, {box: read[box] if box in read else known[box] for box in boxes})

    def _read_at(self, picture: NDArray[np.uint8], boxes: Sequence[Rect]) -> list[TextLine | None]:
        crops = [np.ascontiguousarray(picture[b.top : b.bottom, b.left : b.right]) for b in boxes]
        readings = [without_icons(raw) for raw in self.recogniser.read(crops)]
        return [
            line_of(reading, crop, box) if _legible(reading) else None
            for box, crop, reading in zip(boxes, crops, readings, strict=True)
        ]


def _legible(reading: Reading) -> bool:
    return bool(reading.text.strip()) and reading.score >= _LEAST_SCORE
