"""``edgeagent models list``: what is on this machine, what is published, and what of it fits here."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from edgeagent.cli.models_text import print_embedded
from edgeagent_models.catalog import GgufInfo, embedded, read_gguf
from edgeagent_models.errors import NotAModel


@click.command("list")
@click.argument("directories", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_(directories: tuple[Path, ...], output: str) -> None:
    """The embedded model, those that were pulled or imported, the GGUF files in DIRECTORIES, and published ones.

    What was not seen of a published model (a licence, a size) is left empty.
    """
    from edgeagent.calibration.remembered import known
    from edgeagent.hub.shelf import shelved
    from edgeagent.machine import available_mb
    from edgeagent_models.published import needs, published

    found: list[GgufInfo] = []
    for path in (path for directory in directories for path in sorted(directory.glob("*.gguf"))):
        try:
            found.append(read_gguf(path))
        except NotAModel as error:
            click.echo(f"left out: {error}", err=True)
    free_gb = available_mb() / 1000
    if output == "json":
        offered = [{**msgspec.to_builtins(model), "needs": needs(model)} for model in published()]
        told = {"embedded": embedded(), "here": shelved(), "gguf": found, "published": offered, "available_gb": round(free_gb, 1)}
        click.echo(msgspec.json.encode(told).decode())
        return
    print_embedded(embedded())
    for model in shelved():
        click.echo(f"{model.name:22} on this machine, {model.size_bytes / 1e9:.2f} GB, licence: {model.licence or 'not stated'}")
    for info in found:
        click.echo(f"{info.path}  {info.architecture}, {info.size_mb:.1f} MB")
    for calibration in known().values():
        width, height = calibration.screen
        named = f"{calibration.model} {calibration.quantization}".strip()
        click.echo(f"calibrated: {named} as {calibration.family} on {width}x{height}: {calibration.verdict.replace('_', ' ')}")
    click.echo(f"\nPublished models that are spoken to here; {free_gb:.1f} GB of memory can be had now:")
    for model in published():
        sizes = [_need(need.quantization, need.memory_gb, need.exact, free_gb) for need in needs(model)]
        click.echo(f"{model.name:22} {model.family:17} {model.parameters:18} {model.licence or '-':11} {'; '.join(sizes) or '-'}")
        if model.repository:
            click.echo(f"{'':22} edgeagent models pull {model.repository}:QUANT")
    click.echo("A step's time before any download: edgeagent models fit NAME; a GGUF that you have: edgeagent models import FILE")


def _need(quantization: str, memory_gb: float, exact: bool, free_gb: float) -> str:
    """Of a model whose file alone is known, no more is said than that it may fit."""
    verdict = "does not fit" if memory_gb > free_gb else "fits" if exact else "may fit"
    return f"{quantization} {'' if exact else '> '}{memory_gb:.1f} GB {verdict}"
