"""Perception of one session's screen: each look starts from the last one and reads only what changed."""

from __future__ import annotations

import time
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.errors import EngineProblem
from edgeagent_models.perception.cells import named_by_row
from edgeagent_models.perception.detector import WidgetDetector
from edgeagent_models.perception.dots import with_dots
from edgeagent_models.perception.elements import merge
from edgeagent_models.perception.keypads import with_keys
from edgeagent_models.perception.labelled import with_labelled_fields
from edgeagent_models.perception.ocr import Ocr, TextSeen
from edgeagent_models.perception.regions import changed_tiles, regions_of
from edgeagent_models.perception.snug import buttons_by_ground
from edgeagent_models.perception.text_detection import whole_of
from edgeagent_models.perception.types import Widget
from edgeagent_models.protocol import Element, Image

_REGION_MARGIN_PX = 16
_CHANNELS = {"bgrx": 4, "rgb": 3}


class Readers(NamedTuple):
    """The networks. They keep nothing of a session but the memory of what crops say."""

    ocr: Ocr
    detector: WidgetDetector


@cache
def shared_readers() -> Readers:
    """The networks that all sessions of the process use."""
    return Readers(Ocr(), WidgetDetector())


class Perception:
    """What is on one screen. `look` takes each new picture in turn."""

    def __init__(self, readers: Readers | None = None) -> None:
        self._readers = readers or shared_readers()
        self._picture: NDArray[np.uint8] | None = None
        self._text: TextSeen | None = None
        self._widgets: list[Widget] = []
        self._elements: list[Element] = []
        self.timings_ms: dict[str, float] = {}
        """Of the last look: diff_ms, ocr_ms, detect_ms, merge_ms."""

    @staticmethod
    def warm_up() -> None:
        """Load the networks and run each once: the first look is then as fast as the next."""
        ocr, detector = shared_readers()
        blank = np.full((64, 128, 3), 255, np.uint8)
        ocr.read(blank)
        detector.find(blank)

    def look(self, image: Image) -> list[Element]:
        """The elements of ``image``, in reading order."""
        ocr, detector = self._readers
        times = [time.perf_counter()]
        picture = picture_of(image)
        changes = _changes(self._picture, picture)
        self._picture = None  # a look that fails is no start for the next one
        times.append(time.perf_counter())
        text = ocr.read(picture) if changes is None or self._text is None else ocr.refresh(picture, self._text, changes.exact)
        self._text = text
        times.append(time.perf_counter())
        self._widgets = detector.find(picture) if changes is None else detector.refresh(picture, self._widgets, changes.around)
        times.append(time.perf_counter())
        if changes is None or changes.exact:
            widgets = buttons_by_ground(picture, self._widgets, text.lines)
            widgets = with_labelled_fields(picture, widgets, text.lines)
            lines = with_dots(picture, widgets, text.lines)
            self._elements = named_by_row(merge(*with_keys(picture, widgets, lines, ocr.recogniser)))
        self._picture = picture
        times.append(time.perf_counter())
        names = ("diff_ms", "ocr_ms", "detect_ms", "merge_ms")
        self.timings_ms = {name: (b - a) * 1000 for name, (a, b) in zip(names, pairwise(times), strict=True)}
        return list(self._elements)


class _Changes(NamedTuple):
    exact: list[Rect]
    around: list[Rect]
    """With a margin: widgets are found by what is around them, too."""


def _changes(before: NDArray[np.uint8] | None, picture: NDArray[np.uint8]) -> _Changes | None:
    """Where ``picture`` differs from ``before``; None if all of it must be looked at."""
    if before is None or before.shape != picture.shape:
        return None
    whole = whole_of(picture)
    tiles = changed_tiles(before, picture)
    around = regions_of(tiles, _REGION_MARGIN_PX, whole)
    return None if around == [whole] else _Changes(regions_of(tiles, 0, whole), around)


def picture_of(image: Image) -> NDArray[np.uint8]:
    """``(H, W, 3) uint8 RGB`` of the message's pixels."""
    channels = _CHANNELS[image.layout]
    if image.width < 1 or image.height < 1 or len(image.pixels) != image.width * image.height * channels:
        expected = f"{image.width}x{image.height}x{channels} bytes"
        raise EngineProblem("usage", f"image has {len(image.pixels)} bytes of pixels, but {expected} were announced")
    pixels = np.frombuffer(image.pixels, np.uint8).reshape(image.height, image.width, channels)
    return np.ascontiguousarray(pixels if channels == 3 else pixels[:, :, 2::-1])
