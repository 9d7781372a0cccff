"""The step benchmark's plot, written as SVG by hand: the time of each step, one line a variant."""

from __future__ import annotations

from html import escape

from edgeagent.bench.step.report import StepReport

LEFT_PX, TOP_PX, WIDTH_PX, HEIGHT_PX, RIGHT_PX, BOTTOM_PX = 64, 56, 560, 280, 110, 44
COLOURS = {"fast": "#2a7d4f", "server": "#2f6fb0", "official": "#c98a1b", "naive": "#b3423a"}
GRID_LINES = 5


def svg(report: StepReport) -> str:
    """Median step time over the repeats (s) by step."""
    top_s = max(max(variant.steps_ms) for variant in report.variants) / 1000 or 1.0
    width, height = LEFT_PX + WIDTH_PX + RIGHT_PX, TOP_PX + HEIGHT_PX + BOTTOM_PX
    lines = "".join(_line(variant.variant, variant.steps_ms, top_s) for variant in report.variants)
    title = f"{report.model}: seconds of each step, median of {report.repeats}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="10" y="22" font-size="15">{escape(title)}</text>{_grid(report.steps, top_s)}{lines}</svg>\n'
    )


def _grid(steps: int, top_s: float) -> str:
    parts: list[str] = []
    for part in range(GRID_LINES + 1):
        y = TOP_PX + HEIGHT_PX - HEIGHT_PX * part / GRID_LINES
        parts.append(f'<line x1="{LEFT_PX}" y1="{y:g}" x2="{LEFT_PX + WIDTH_PX}" y2="{y:g}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{LEFT_PX - 8}" y="{y + 4:g}" text-anchor="end" fill="#666">{top_s * part / GRID_LINES:.3g}</text>'
        )
    every = max(1, steps // 10)
    for step in range(1, steps + 1, every):
        x = _x(step, steps)
        parts.append(f'<text x="{x:g}" y="{TOP_PX + HEIGHT_PX + 20}" text-anchor="middle" fill="#666">{step}</text>')
    return "".join(parts)


def _line(name: str, steps_ms: tuple[float, ...], top_s: float) -> str:
    colour = COLOURS.get(name, "#335c99")
    places = [
        (_x(step, len(steps_ms)), TOP_PX + HEIGHT_PX - HEIGHT_PX * value / 1000 / top_s)
        for step, value in enumerate(steps_ms, start=1)
    ]  # fmt: skip
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
    x, y = places[-1]
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'
        f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" fill="{colour}">{escape(name)}</text>'
    )


def _x(step: int, steps: int) -> float:
    return LEFT_PX + WIDTH_PX * (step - 1) / max(1, steps - 1)
