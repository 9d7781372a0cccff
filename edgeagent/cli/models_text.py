"""Words about models that several commands print."""

from __future__ import annotations

import click

from edgeagent_models.catalog import Embedded


def print_embedded(model: Embedded) -> None:
    """The parts of the embedded model."""
    click.echo(f"embedded  sees and decides on this machine, no download: {model.size_mb:.1f} MB in {len(model.parts)} parts")
    for part in model.parts:
        click.echo(f"  {part.name:22} {part.size_mb:6.2f} MB  {part.what}{'' if part.present else '  MISSING'}")
