"""Where a screen lies within a widget: which part of it, over which cells. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from edgeagent_harness.protocol.geometry import Rect


@dataclass(frozen=True, slots=True)
class Placing:
    """``part`` of the screen (in its pixels) is shown over ``columns`` x ``rows`` cells from cell (``left``, ``top``)."""

    part: Rect
    left: int
    top: int
    columns: int
    rows: int

    def pixel(self, x: float, y: float) -> tuple[int, int] | None:
        """The screen's pixel under the middle of the cell at (``x``, ``y``) of the widget; None beside the picture."""
        across, down = (x - self.left + 0.5) / self.columns, (y - self.top + 0.5) / self.rows
        if not (0 <= across < 1 and 0 <= down < 1):
            return None
        return int(self.part.left + across * self.part.width), int(self.part.top + down * self.part.height)


def place(part: Rect, columns: int, rows: int, cell_px: tuple[int, int]) -> Placing | None:
    """``part`` as large as it fits in ``columns`` x ``rows`` cells of ``cell_px``, in its own shape, in the middle."""
    if columns < 1 or rows < 1 or not part.area:
        return None
    width, height = cell_px
    scale = min(columns * width / part.width, rows * height / part.height)
    wide = min(columns, max(1, round(part.width * scale / width)))
    high = min(rows, max(1, round(part.height * scale / height)))
    return Placing(part, (columns - wide) // 2, (rows - high) // 2, wide, high)


def close_up(screen: Rect, x: float, y: float, columns: int, rows: int, cell_px: tuple[int, int], sharp_px: float) -> Rect:
    """The part of ``screen`` around (``x``, ``y``) in which ``sharp_px`` pixels of the terminal show one of the screen's."""
    width = min(screen.width, max(1, round(columns * cell_px[0] / sharp_px)))
    height = min(screen.height, max(1, round(rows * cell_px[1] / sharp_px)))
    left = min(max(screen.left, round(x - width / 2)), screen.right - width)
    top = min(max(screen.top, round(y - height / 2)), screen.bottom - height)
    return Rect(left, top, left + width, top + height)
