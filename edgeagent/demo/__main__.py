"""``python -m edgeagent.demo``: the three tasks with the embedded model, from pixels only, each verified from outside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import msgspec

from edgeagent import events
from edgeagent.bench.suite import parse_seeds
from edgeagent.demo import GENERATORS
from edgeagent.demo.play import CLI, Outcome, play
from edgeagent.demo.step_table import header, row
from edgeagent.errors import EdgeAgentError, UsageError
from edgeagent.folders import sessions_root
from edgeagent.machine import machine_line
from edgeagent.timings import StepTimings, median_phases


@click.command()
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws the tasks anew.")
@click.option("--seeds", default="", metavar="A:B", help="Several draws, A to B-1, instead of --seed.")
@click.option("--tasks", default=",".join(GENERATORS), show_default=True, help="Which of the tasks.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write the outcomes here.")
@click.option("--no-report", is_flag=True, help="Do not write the HTML reports.")
def main(seed: int, seeds: str, tasks: str, json_path: Path | None, no_report: bool) -> None:
    """Do the demo's tasks and verify each from what the application saved."""
    names = [name.strip() for name in tasks.split(",") if name.strip()]
    unknown = [name for name in names if name not in GENERATORS]
    if unknown or not names:
        raise UsageError(f"there is no demo task {', '.join(unknown) or 'named'}", f"choose from {', '.join(GENERATORS)}")
    outcomes: list[Outcome] = []
    for number in parse_seeds(seeds) if seeds else [seed]:
        for name in names:
            outcomes.append(_one(name, number, not no_report))
            if json_path:
                rows = msgspec.json.encode([_as_data(outcome) for outcome in outcomes])
                json_path.write_bytes(msgspec.json.format(rows, indent=1) + b"\n")
    _summary(names, outcomes)
    sys.exit(0 if all(outcome.check.ok for outcome in outcomes) else 1)


def _one(name: str, seed: int, with_report: bool) -> Outcome:
    task = GENERATORS[name](seed)
    click.echo(f"\n{name}, seed {seed}: {task.instruction}")
    click.echo(header())
    outcome = play(task, _tell)
    verdict = click.style("verified", fg="green") if outcome.check.ok else click.style("FAILED", fg="red")
    click.echo(f"  {verdict}: {outcome.check.detail}")
    if outcome.summary:
        said = outcome.summary.answer or outcome.summary.message
        click.echo(
            f"  the model ended with {outcome.summary.outcome}{f': {said}' if said else ''}; {outcome.wall_s:.1f} s in all"
        )
        click.echo(f"  recording: {sessions_root() / outcome.summary.session}")
        if with_report:
            click.echo(f"  report:    {_report(outcome.summary.session)}")
    elif outcome.error:
        click.echo(f"  {outcome.error}")
    return outcome


def _tell(intent: events.Intent, acted: events.Acted, timings: StepTimings) -> None:
    click.echo(row(intent, acted, timings))


def _report(session: str) -> str:
    path = sessions_root() / session / "report.html"
    command = [*CLI, "sessions", "export", session, "--format", "html", "--out", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return str(path) if done.returncode == 0 else f"not written: {done.stderr.strip()}"


def _summary(names: list[str], outcomes: list[Outcome]) -> None:
    click.echo(f"\n{machine_line()}")
    for name in names:
        mine = [outcome for outcome in outcomes if outcome.task.name == name]
        passed = sum(outcome.check.ok for outcome in mine)
        failed = [str(outcome.task.seed) for outcome in mine if not outcome.check.ok]
        note = f"; failed at seed {', '.join(failed)}" if failed else ""
        steps = [step for outcome in mine for step in outcome.steps]
        cost = f", median step {median_phases(steps)['total_ms']:.0f} ms" if steps else ""
        click.echo(f"{name:<8} {passed} of {len(mine)} verified{cost}{note}")


def _as_data(outcome: Outcome) -> dict[str, object]:
    return {
        "task": outcome.task.name,
        "seed": outcome.task.seed,
        "instruction": outcome.task.instruction,
        "verified": outcome.check.ok,
        "detail": outcome.check.detail,
        "outcome": outcome.summary.outcome if outcome.summary else "",
        "session": outcome.summary.session if outcome.summary else "",
        "steps": len(outcome.steps),
        "wall_s": round(outcome.wall_s, 3),
        "phases_ms": median_phases(outcome.steps),
    }


if __name__ == "__main__":
    try:
        main()
    except EdgeAgentError as error:
        click.echo(f"demo: {error}\n  {error.hint}", err=True)
        sys.exit(error.exit_code)
