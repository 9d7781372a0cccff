"""``edgeagent bench step``: what one step costs on this machine, phase by phase."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeagent.errors import UsageError

if TYPE_CHECKING:
    from edgeagent.bench.step.fitting import Rates
    from edgeagent.bench.step.meter import Sample
    from edgeagent.bench.step.report import StepReport
    from edgeagent.bench.step.variants import VariantName
    from edgeagent.runner import ModelChoice

REPLY_TOKENS = 48
MIN_REPEATS = 3
COMPARE_HELP = "Variants to compare, with commas: fast, server, official, naive. At least 3 repeats."


@click.command()
@click.option("--session", metavar="ID", help="Recorded session to replay; else a short one is recorded first.")
@click.option("--live", is_flag=True, help="Ask the model while a sandbox is driven by a script, instead of replaying.")
@click.option("--model", default="embedded", show_default=True, metavar="embedded|PATH", help="Embedded policy or a GGUF file.")
@click.option("--mmproj", default="", metavar="PATH", help="The GGUF's vision part.")
@click.option("--family", default="", metavar="NAME", help="How the GGUF is spoken to, if its own header misleads.")
@click.option("--synthetic", metavar="NAME[:QUANT]", help="Random weights in the exact shape of this model.")
@click.option("--skip-unchanged", is_flag=True, help="Send no screenshot of a screen that stays as it was.")
@click.option("--steps", type=click.IntRange(1, 1000), help="Steps to take of the session.  [default: all; 8 if none is given]")
@click.option("--repeats", type=click.IntRange(1, 100), help="Times, each from nothing.  [default: 1; 3 with --compare]")
@click.option("--compare", default="", metavar="A,B", help=COMPARE_HELP)
@click.option(
    "--reply-tokens",
    type=click.IntRange(0, 1024),
    help="Force this reply length, 0: do not.  [default: 48 to compare, or with --synthetic]",
)
@click.option("--image-tokens", type=click.IntRange(0, 4096), default=0, help="Scale screens down to about this many tokens.")
@click.option(
    "--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write the report here, after each repeat."
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Write the plot (SVG) here.")
def step(
    session: str | None, live: bool, model: str, mmproj: str, family: str, synthetic: str | None, skip_unchanged: bool,
    steps: int | None, repeats: int | None, compare: str, reply_tokens: int | None, image_tokens: int, json_path: Path | None,
    plot: Path | None,
) -> None:  # fmt: skip
    """What one step costs on this machine, phase by phase: times, tokens, memory, energy, growth."""
    from edgeagent.bench.step.measure import StepBenchmark, measure
    from edgeagent.bench.step.variants import Shaping

    if "" in (session, synthetic):
        raise UsageError(
            "--session and --synthetic name something: one is empty", "leave it out, or look what the shell put there"
        )
    variants = _variants(compare)
    if live and (session or compare):
        raise UsageError("--live drives a desktop of its own", "leave out --session and --compare, or --live")
    if compare and model == "embedded" and not synthetic:
        raise UsageError(
            "--compare is about GGUF models: the embedded one has no prompt to reuse", "give --model and --mmproj, or --synthetic"
        )
    _check_writable(json_path, plot)
    # Random weights never end their reply by themselves.
    forced = (
        reply_tokens or REPLY_TOKENS if synthetic else reply_tokens if reply_tokens is not None else REPLY_TOKENS * bool(compare)
    )
    directory, times = _directory(session), _repeats(repeats, compare)
    choice, name, rates = _choice(model, mmproj, family, synthetic or "", image_tokens)
    if skip_unchanged and choice.model == "embedded":
        raise UsageError("--skip-unchanged is for GGUF files", "give --model and --mmproj, or --synthetic")
    choice = replace(choice, skip_unchanged=skip_unchanged)
    benchmark = StepBenchmark(choice, name, directory, live, steps or 0, times, variants, Shaping(forced, image_tokens), rates)
    report = asyncio.run(measure(benchmark, _tell, lambda so_far: _write_json(so_far, json_path)))
    _write(report, json_path, plot)


def _variants(compare: str) -> list[VariantName]:
    known: dict[str, VariantName] = {"fast": "fast", "server": "server", "official": "official", "naive": "naive"}
    if not compare:
        return ["fast"]
    found: list[VariantName] = []
    for name in (part.strip() for part in compare.split(",")):
        if name not in known:
            raise UsageError(f"--compare {name}: no such variant", f"known are {', '.join(known)}")
        if known[name] not in found:
            found.append(known[name])
    if "fast" not in found or len(found) < 2:
        raise UsageError("--compare needs fast and at least one more", "for example --compare naive,fast")
    return found


def _repeats(repeats: int | None, compare: str) -> int:
    if compare and repeats is not None and repeats < MIN_REPEATS:
        raise UsageError(f"--repeats {repeats} is too few to compare", f"an interval takes {MIN_REPEATS} or more")
    return repeats or (MIN_REPEATS if compare else 1)


def _choice(model: str, mmproj: str, family: str, synthetic: str, image_tokens: int) -> tuple[ModelChoice, str, Rates | None]:
    from edgeagent.bench.step.fitting import kept
    from edgeagent.bench.step.synthetic import made, named
    from edgeagent.cli.run import chosen

    if synthetic:
        if model != "embedded" or mmproj or family:
            raise UsageError("--synthetic makes a model of its own", "leave out --model, --mmproj and --family, or --synthetic")
        wanted = named(synthetic)
        choice = asyncio.run(made(wanted, lambda line: click.echo(line, err=True)))
        return choice, wanted.label, kept(wanted.directory, image_tokens)
    if model == "embedded" and mmproj:
        raise UsageError("--mmproj goes with a GGUF file", "name it with --model, or leave --mmproj out")
    choice = chosen(model, mmproj, family)
    if model != "embedded" and not choice.mmproj:
        raise UsageError(f"{model} cannot see without its vision part", "give it with --mmproj FILE")
    return choice, Path(model).name, None


def _directory(session: str | None) -> Path | None:
    from edgeagent.sessions.store import SessionStore

    return SessionStore().find(session) if session else None


def _check_writable(*paths: Path | None) -> None:
    """Before minutes are spent: the reports can be written, each to a file of its own."""
    named = [path for path in paths if path is not None]
    for path in named:
        if not path.parent.is_dir():
            raise UsageError(f"{path} cannot be written: {path.parent} is no directory", "make it first")
        try:
            _try_writing(path)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}", "name another file") from error
    if len({path.resolve() for path in named}) < len(named):
        raise UsageError(f"--json and --plot both name {named[0]}", "name a file for each")


def _try_writing(path: Path) -> None:
    """Raise `OSError` if it cannot be; nothing of the file changes. What is neither there nor a file (a pipe) is left alone."""
    if path.exists() and not path.is_file() and not path.is_dir():
        return
    absent = not path.exists()
    with path.open("ab"):
        pass
    if absent:
        path.unlink()


def _tell(sample: Sample) -> None:
    click.echo(f"repeat {sample.repeat} step {sample.step} {sample.variant}: {sample.wall_ms:.0f} ms", err=True)


def _write_json(report: StepReport, path: Path | None) -> None:
    import msgspec

    if path:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")


def _write(report: StepReport, json_path: Path | None, plot: Path | None) -> None:
    from edgeagent.bench.step.plot import svg
    from edgeagent.bench.step.table import table

    _write_json(report, json_path)
    if plot:
        plot.write_text(svg(report), encoding="utf-8")
    click.echo(table(report))
