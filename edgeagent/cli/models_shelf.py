"""``edgeagent models pull``, ``import`` and ``rm``: the models on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from edgeagent import offline
from edgeagent.errors import UsageError

if TYPE_CHECKING:
    from edgeagent.hub.shelf import Shelved
    from edgeagent_harness.protocol.audit import Connection


@click.command()
@click.argument("repository", metavar="OWNER/NAME[:QUANT]")
@click.option("--revision", default="main", show_default=True, help="Branch, tag or commit.")
@click.option("--name", default="", help="What to call it here; default: the repository's name and the quantization.")
@click.option("--also", multiple=True, metavar="HOST[:PORT]", help="A further place that the hub may send one to.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def pull(repository: str, revision: str, name: str, also: tuple[str, ...], output: str) -> None:
    """Fetch a GGUF model and its vision part from a hub (HF_ENDPOINT, else huggingface.co).

    What an interruption leaves is gone on with. The file must be what the hub's own SHA-256 says. Every connection goes through
    the egress broker, to the hub alone; in offline mode there is none.
    """
    offline.require_network("pulling a model")
    from edgeagent.hub.pulling import pull, wanted

    model = asyncio.run(pull(wanted(repository, revision, also), name, _tell, _tell_connection))
    _print(model, output)


@click.command("import")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--mmproj", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The GGUF's vision part.")
@click.option("--name", default="", help="What to call it here; default: as its header says.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def import_(path: Path, mmproj: Path | None, name: str, output: str) -> None:
    """Copy the GGUF file PATH to edgeagent's models."""
    from edgeagent.hub.shelf import import_files

    _print(import_files(path, mmproj, name), output)


@click.command("rm")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Remove a model's files from this machine."""
    from edgeagent.hub.shelf import remove, require

    model = require(name)
    size = f"{model.size_bytes / 1e9:.2f} GB"
    if not yes and not click.confirm(f"remove {name} ({size}, {model.directory})?"):
        raise UsageError("nothing was removed", "answer y, or give --yes")
    remove(name)
    click.echo(f"removed {name}: {size}")


def _print(model: Shelved, output: str) -> None:
    if output == "json":
        click.echo(msgspec.json.encode(model).decode())
        return
    click.echo(f"{model.name}: {model.directory}")
    if model.mmproj:
        click.echo(f"run it with: edgeagent run TASK --model {model.name}")
        click.echo(f"see first how well it points: edgeagent models calibrate {model.name}")


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _tell_connection(entry: Connection) -> None:
    if entry.decision != "allowed":
        click.echo(f"{entry.decision}: {entry.host}:{entry.port} {entry.reason}", err=True)
