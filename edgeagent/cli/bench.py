"""``edgeagent bench``: task suites and steps, measured."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from edgeagent.cli.bench_step import step
from edgeagent.cli.seconds import Seconds
from edgeagent.counts import counted
from edgeagent.errors import UsageError
from edgeagent.offline import require_network

if TYPE_CHECKING:
    from edgeagent.bench.episode import Episode
    from edgeagent.bench.report import SuiteReport


@click.group()
def bench() -> None:
    """Measure: task suites and steps."""


bench.add_command(step)


@bench.command()
@click.option("--suite", type=click.Choice(["miniwob"]), default="miniwob", show_default=True)
@click.option("--tasks", required=True, help="Names a,b,c or @FILE with one a line.")
@click.option("--seeds", default="0:10", show_default=True, help="A range (end excluded) or a list.")
@click.option("--model", default="embedded", show_default=True, help="embedded, or the path of a GGUF file.")
@click.option("--mmproj", default="", help="Vision part of the GGUF file.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Sandboxes at a time.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Where workers play.")
@click.option("--ray-address", default="", metavar="HOST:PORT", help="Ray cluster to join; default: one on this machine.")
@click.option("--max-steps", type=click.IntRange(1, 1000), default=25, show_default=True, help="Of one episode.")
@click.option("--timeout", type=Seconds(), default=60, show_default=True, help="Seconds of one episode.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write the report here.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Write the plot (SVG) here.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep the episodes' recordings below this.")
def tasks(
    suite: str,
    tasks: str,
    seeds: str,
    model: str,
    mmproj: str,
    workers: int,
    engine: Literal["local", "ray"],
    ray_address: str,
    max_steps: int,
    timeout: float,
    json_path: Path | None,
    plot: Path | None,
    keep: Path | None,
) -> None:
    """Play tasks of a suite in real Chromium in the sandbox, from pixels, and score them by the page's own reward."""
    from edgeagent.bench.miniwob import check_tasks, known_tasks, pages_root
    from edgeagent.bench.places import Played, places
    from edgeagent.bench.report import summarise
    from edgeagent.bench.suite import parse_seeds, parse_tasks, run_suite
    from edgeagent.cli.run import gguf
    from edgeagent.limits import Limits
    from edgeagent.runner import ModelChoice

    choice = ModelChoice() if model == "embedded" else gguf(model, mmproj)
    names, seeded = parse_tasks(tasks, _read), parse_seeds(seeds)
    check_tasks(names, known_tasks(pages_root()))
    if engine == "ray":
        require_network("a Ray cluster")
    played = Played(choice, keep.absolute() if keep else None, Limits(max_steps=max_steps, timeout_s=timeout))
    with places(engine, ray_address, workers, played) as hire:
        episodes = asyncio.run(run_suite(names, seeded, hire, workers, _tell))
    _write(summarise(suite, choice.model, episodes), json_path, plot)


def _tell(episode: Episode) -> None:
    why = episode.error.splitlines()[0] if episode.error else episode.outcome
    verdict = "ok" if episode.success else f"FAILED ({why})"
    click.echo(
        f"{episode.task} seed {episode.seed}: {verdict}, {counted(episode.steps, 'step')}, {episode.wall_ms:.0f} ms", err=True
    )


def _write(report: SuiteReport, json_path: Path | None, plot: Path | None) -> None:
    import msgspec

    from edgeagent.bench.plot import svg
    from edgeagent.bench.report import table

    click.echo(table(report))
    if json_path:
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    if plot:
        plot.write_text(svg(report), encoding="utf-8")


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read the task list {path}: {error.strerror}") from error
