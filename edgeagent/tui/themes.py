"""Our own colours, dark and light: calm frames, one accent, and warning colours that mean something."""

from __future__ import annotations

from textual.theme import Theme


def _scrollbars(track: str, thumb: str, held: str) -> dict[str, str]:
    """Calm ones: Textual's own make a track of its own colour, black in a dark theme, which reads as something missing."""
    return {
        "scrollbar": thumb, "scrollbar-hover": held, "scrollbar-active": held, "scrollbar-corner-color": track,
        "scrollbar-background": track, "scrollbar-background-hover": track, "scrollbar-background-active": track,
    }  # fmt: skip


DARK = Theme(
    name="edgeagent-dark",
    primary="#4f8a8b",
    secondary="#7aa2a3",
    accent="#e0b15e",
    foreground="#d8dee4",
    background="#12161a",
    surface="#1a2026",
    panel="#212a31",
    success="#7fb785",
    warning="#e0b15e",
    error="#e07a6b",
    dark=True,
    variables=_scrollbars("#171c21", "#34464c", "#4f8a8b"),
)
LIGHT = Theme(
    name="edgeagent-light",
    primary="#2f6f70",
    secondary="#4f8a8b",
    accent="#9a6a00",
    foreground="#1d2529",
    background="#f6f6f2",
    surface="#ecece6",
    panel="#e0e2dc",
    success="#2f7a3c",
    warning="#9a6a00",
    error="#b3402f",
    dark=False,
    variables=_scrollbars("#ecece6", "#b9c4c0", "#2f6f70"),
)
