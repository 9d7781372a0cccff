"""``edgeagent models``: what there is to decide with, and what a file says of itself."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from edgeagent.cli.models_calibrate import calibrate
from edgeagent.cli.models_fit import fit
from edgeagent.cli.models_list import list_
from edgeagent.cli.models_shelf import import_, pull, remove
from edgeagent.cli.models_states import states
from edgeagent.cli.models_text import print_embedded
from edgeagent.counts import counted
from edgeagent.errors import ModelUnusable
from edgeagent_models.catalog import GgufInfo, embedded, read_gguf
from edgeagent_models.errors import NotAModel
from edgeagent_models.families.registry import FAMILIES

_POINTS = {"thousandths": "thousandths", "unit": "fractions", "sent": "pixels of the picture as sent"}


@click.group()
def models() -> None:
    """Which models there are, and what one needs."""


for command in (list_, fit, calibrate, pull, import_, remove, states):
    models.add_command(command)


@models.command()
@click.argument("model", metavar="embedded|NAME|PATH")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def info(model: str, output: str) -> None:
    """What one model is: parts, sizes, what it can be asked."""
    if model == "embedded":
        if output == "json":
            click.echo(msgspec.json.encode(embedded()).decode())
        else:
            print_embedded(embedded())
        return
    from edgeagent.hub.shelf import find

    kept = find(model)
    described = describe_gguf(kept.model_path if kept else Path(model).expanduser())
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
        shown = f"{counted(family.history.screenshots, 'screenshot')}"
        click.echo(f"{family.name:17} {family.title}; points in {_POINTS[family.grid]}, {shown}")


def describe_gguf(path: Path) -> GgufInfo:
    """The header of ``path``; `ModelUnusable` if it is no model."""
    try:
        return read_gguf(path)
    except NotAModel as error:
        raise ModelUnusable(str(error), "name a GGUF file of version 2 or 3") from error
