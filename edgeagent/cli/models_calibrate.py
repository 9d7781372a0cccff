"""``edgeagent models calibrate``: does a model point where it should, on a screen like the user's?"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import click

from edgeagent.errors import ModelUnusable, UsageError

if TYPE_CHECKING:
    from edgeagent.calibration.verdict import Calibration
    from edgeagent.runner import ModelChoice

_SIZE = re.compile(r"(\d{2,4})x(\d{2,4})")
_SMALLEST_PX = 64


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--mmproj", default="", metavar="PATH", help="The GGUF's vision part.")
@click.option("--family", default="", metavar="NAME", help="How it is spoken to, if its own header misleads.")
@click.option("--screen", default="1280x800", show_default=True, metavar="WxH", help="The screen's size in physical pixels.")
@click.option("--scale", default=1.0, show_default=True, type=click.FloatRange(0.5, 4), help="The desktop's scale.")
@click.option("--targets", default=12, show_default=True, type=click.IntRange(4, 200), help="Questions to ask.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def calibrate(model: str, mmproj: str, family: str, screen: str, scale: float, targets: int, output: str) -> None:
    """Draw known targets, have MODEL click them, and judge how well it points; the verdict is remembered.

    A model that counts otherwise than its family reads would miss every target by far: it is refused, now and by later runs.
    """
    import msgspec

    from edgeagent.calibration.remembered import identity, of_model, remember
    from edgeagent.cli.remote_notice import tell_what_leaves
    from edgeagent.cli.run import chosen

    choice = chosen(model, mmproj, family)
    if choice.model == "embedded":
        raise UsageError("the embedded model names what it clicks, it does not point by numbers", "name a GGUF file")
    tell_what_leaves(choice.model)
    found = asyncio.run(_calibrated(choice, _size(screen), scale, targets))
    named = identity(choice.model, choice.mmproj)
    remember(named, found)
    if output == "json":
        click.echo(msgspec.json.encode(found).decode())
    else:
        for line in lines(found, of_model(named)):
            click.echo(line)
    if found.verdict == "wrong_convention":
        raise ModelUnusable(f"refused: {found.reason}", "name the --family that fits, or take another model")


async def _calibrated(choice: ModelChoice, size: tuple[int, int], scale: float, targets: int) -> Calibration:
    from edgeagent.calibration.measuring import measure, summed
    from edgeagent.engine import LlamaModel, open_model

    def tell(line: str) -> None:
        click.echo(line, err=True)

    async with open_model(choice.model, choice.mmproj, 0, tell, choice.family) as model:
        assert isinstance(model, LlamaModel)
        measured = await measure(model, size, scale, targets, tell)
        return summed(measured, model.speaker.family, _named(choice), size, scale)


def _named(choice: ModelChoice) -> tuple[str, str]:
    """The model's name and quantization, as far as its file says."""
    from pathlib import Path

    from edgeagent.cli.models import describe_gguf

    path = Path(choice.model)
    if not path.is_file():
        return choice.model, ""
    described = describe_gguf(path)
    return described.name or path.name, described.quantization


def _size(text: str) -> tuple[int, int]:
    found = _SIZE.fullmatch(text)
    if found is None or min(size := (int(found[1]), int(found[2]))) < _SMALLEST_PX:
        raise UsageError(f"--screen {text}: no size", f"write width and height in pixels, at least {_SMALLEST_PX}: 1280x800")
    return size


def lines(found: Calibration, known: list[Calibration]) -> list[str]:
    """The result in words, and what else is remembered of this file."""
    width, height = found.screen
    told = [
        f"{found.model} {found.quantization} as {found.family} on {width}x{height} at scale {found.scale:g}: "
        f"{found.verdict.replace('_', ' ').upper()}",
        f"  {found.reason}",
        f"  {found.hits} of {found.targets} targets hit (within {found.radius_px:.0f} px of the middle), {found.unread} answers "
        "that were no point",
        f"  error: median {_px(found.median_px)}, nine in ten within {_px(found.p90_px)}",
    ]
    others = [one for one in known if one != found]
    told += [
        f"  before, as {one.family} on {one.screen[0]}x{one.screen[1]} at scale {one.scale:g}: {one.verdict.replace('_', ' ')}, "
        f"median {_px(one.median_px)}"
        for one in others
    ]
    return told


def _px(length: float | None) -> str:
    return "unknown (too few answers were points)" if length is None else f"{length:.0f} px"
