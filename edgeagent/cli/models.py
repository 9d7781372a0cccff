"""``edgeagent models``: what there is to decide with, and what a file says of itself."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from edgeagent.cli.models_calibrate import calibrate
from edgeagent.cli.models_fit import fit
from edgeagent.cli.models_shelf import import_, pull, remove
from edgeagent.errors import ModelUnusable
from edgeagent_models.catalog import Embedded, GgufInfo, embedded, read_gguf
from edgeagent_models.errors import NotAModel
from edgeagent_models.families.registry import FAMILIES

_POINTS = {"thousandths": "thousandths", "unit": "fractions", "sent": "pixels of the picture as sent"}


@click.group()
def models() -> None:
    """Which models there are, and what one needs."""


for command in (fit, calibrate, pull, import_, remove):
    models.add_command(command)


@models.command("list")
@click.argument("directories", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_(directories: tuple[Path, ...], output: str) -> None:
    """The embedded model, and the GGUF files in DIRECTORIES."""
    found: list[GgufInfo] = []
    for path in (path for directory in directories for path in sorted(directory.glob("*.gguf"))):
        try:
            found.append(read_gguf(path))
        except NotAModel as error:
            click.echo(f"left out: {error}", err=True)
    if output == "json":
        click.echo(msgspec.json.encode({"embedded": embedded(), "gguf": found}).decode())
        return
    _print_embedded(embedded())
    for model in found:
        click.echo(f"{model.path}  {model.architecture}, {model.size_mb:.1f} MB")
    if not directories:
        click.echo("Name directories to list the GGUF files in them; run one with: edgeagent run TASK --model FILE --mmproj FILE")


@models.command()
@click.argument("model", metavar="embedded|PATH")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def info(model: str, output: str) -> None:
    """What one model is: parts, sizes, what it can be asked."""
    if model == "embedded":
        if output == "json":
            click.echo(msgspec.json.encode(embedded()).decode())
        else:
            _print_embedded(embedded())
        return
    described = describe_gguf(Path(model).expanduser())
    if output == "json":
        click.echo(msgspec.json.encode(described).decode())
        return
    for field in described.__struct_fields__:
        click.echo(f"{field:16} {getattr(described, field)}")


@models.command()
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def families(output: str) -> None:
    """How models are spoken to: the names that --family takes. See docs/families.md."""
    known = sorted(FAMILIES, key=lambda family: family.name)
    if output == "json":
        told = [{"name": family.name, "title": family.title, "points": family.grid} for family in known]
        click.echo(msgspec.json.encode(told).decode())
        return
    for family in known:
        shown = f"{family.history.screenshots} screenshot{'s' if family.history.screenshots > 1 else ''}"
        click.echo(f"{family.name:17} {family.title}; points in {_POINTS[family.grid]}, {shown}")


def describe_gguf(path: Path) -> GgufInfo:
    """The header of ``path``; `ModelUnusable` if it is no model."""
    try:
        return read_gguf(path)
    except NotAModel as error:
        raise ModelUnusable(str(error), "name a GGUF file of version 2 or 3") from error


def _print_embedded(model: Embedded) -> None:
    click.echo(f"embedded  sees and decides on this machine, no download: {model.size_mb:.1f} MB in {len(model.parts)} parts")
    for part in model.parts:
        click.echo(f"  {part.name:22} {part.size_mb:6.2f} MB  {part.what}{'' if part.present else '  MISSING'}")
