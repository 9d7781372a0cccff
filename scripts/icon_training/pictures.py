"""Crops of icons with their names, drawn by Chromium on sheets of many looks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from detector_data.browser import Browser
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.icon_names import CLASSES, prepared
from icon_training.drawings import markup, page_pictures, random_name

_ROWS, _COLUMNS, _CELL_PX = 9, 14, 60
_PAPERS = ("#ffffff", "#ffffff", "#f4f4f4", "#dddddd", "#f92525", "#1d2733", "#222222", "#3b88c3", "#fff7d6")
_INKS = ("#000000", "#333333", "#777777", "#aaaaaa", "#ffffff", "#c03030", "#2060c0", "#208040", "#e0a010")


def crops(seeds: range, pages: list[Path]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """``(N, 1, SIDE, SIDE) float32`` as the network takes them, and the class of each, from one sheet a seed."""
    pictures = page_pictures(pages)
    parts: list[NDArray[np.float32]] = []
    names: list[int] = []
    with Browser() as browser:
        browser.size(_COLUMNS * _CELL_PX, _ROWS * _CELL_PX, 1)
        for seed in seeds:
            for part, name in _sheet(browser, random.Random(seed), pictures):
                parts.append(part)
                names.append(CLASSES.index(name))
    return np.stack(parts), np.array(names, np.int64)


def _sheet(browser: Browser, rng: random.Random, pictures: dict[str, list[str]]) -> Iterator[tuple[NDArray[np.float32], str]]:
    cells: list[str] = []
    wanted: list[tuple[str, Rect]] = []
    for k in range(_ROWS * _COLUMNS):
        name, size = random_name(rng), rng.randint(11, 44)
        left, top = (k % _COLUMNS) * _CELL_PX + rng.randint(4, 14), (k // _COLUMNS) * _CELL_PX + rng.randint(4, 14)
        paper = rng.choice(_PAPERS)
        ink = rng.choice([c for c in _INKS if c != paper])
        frame = f"border:{rng.randint(1, 2)}px solid #999;border-radius:{rng.randint(0, 5)}px;" if rng.random() < 0.2 else ""
        place = f"position:absolute;left:{left}px;top:{top}px;width:{size}px;height:{size}px"
        ground = f"position:absolute;left:{(k % _COLUMNS) * _CELL_PX}px;top:{(k // _COLUMNS) * _CELL_PX}px"
        cells.append(f'<div style="{ground};width:{_CELL_PX}px;height:{_CELL_PX}px;background:{paper}"></div>')
        centred = "display:flex;align-items:center;justify-content:center;line-height:1"
        cells.append(f'<div style="{place};{centred};color:{ink};{frame}">{markup(rng, name, size, pictures)}</div>')
        wanted.append((name, Rect(left, top, left + size, top + size)))
    browser.show(f'<!doctype html><body style="margin:0;font-family:DejaVu Sans">{"".join(cells)}</body>')
    sheet = cv2.imdecode(np.frombuffer(browser.picture(), np.uint8), cv2.IMREAD_COLOR)
    assert sheet is not None, "Chromium sent no PNG"
    picture = np.ascontiguousarray(sheet[:, :, ::-1]).astype(np.uint8, copy=False)
    for name, box in wanted:
        off = [rng.randint(-2, 3) for _ in range(4)]
        seen = Rect(box.left - off[0], box.top - off[1], box.right + off[2], box.bottom + off[3])
        yield prepared(picture, seen), name
